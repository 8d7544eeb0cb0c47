"""Rows of Megatron-LM: fields between bars, and a loss that is left out where it is NaN."""

import math

import numpy as np
import pytest
from console_text import points, read, series
from shared_logs import REAL, needs_shared

from trainvitals.diagnostics.normalisation import normalise
from trainvitals.parsers import read as read_run
from trainvitals.parsers.files import LogFile, open_log
from trainvitals.parsers.formats import console

ROW = (
    "[2026-07-15 06:03:51.272611] iteration {i:8}/   15535 | consumed samples:          336 | "
    "elapsed time per iteration (ms): 6457.7 | throughput per GPU (TFLOP/s/GPU): 64.9 | learning rate: 2.000000E-07 | "
    "global batch size:   336 |{loss} loss scale: 1.0 | grad norm: {norm} | params norm: 657.153 | "
    "number of skipped iterations:   {skipped} | number of nan iterations:   0 |\n"
)


def row(i, loss=" lm loss: 1.220795E+01 |", norm=11.179, skipped=0):
    return ROW.format(i=i, loss=loss, norm=norm, skipped=skipped)


@pytest.mark.parametrize("prefix", ["", " ", "55:  ", "0: [default0]: ", "[default3]:", "9: [default3]: "])
def test_a_row_behind_the_prefixes_of_launchers(prefix):
    parsed = read(prefix + row(1))
    assert {s.logged_as: points(parsed, s.logged_as, "train") for s in parsed.series} == {
        "consumed samples": [(1, 336)],
        "elapsed time per iteration (ms)": [(1, 6457.7)],
        "throughput per GPU (TFLOP/s/GPU)": [(1, 64.9)],
        "learning rate": [(1, 2e-7)],
        "global batch size": [(1, 336)],
        "lm loss": [(1, 12.20795)],
        "loss scale": [(1, 1)],
        "grad norm": [(1, 11.179)],
        "params norm": [(1, 657.153)],
        "number of skipped iterations": [(1, 0)],
        "number of nan iterations": [(1, 0)],
    }


def test_a_row_without_a_loss_is_a_loss_of_nan():
    parsed = read(row(1) + row(2, "", "nan") + row(3))
    assert series(parsed, "lm loss", "train").step.tolist() == [1, 2, 3]
    assert np.isnan(series(parsed, "lm loss", "train").value).tolist() == [False, True, False]
    assert math.isnan(points(parsed, "grad norm", "train")[1][1])


def test_balancing_losses_go_on_while_the_loss_is_nan():
    parsed = read(row(1) + row(2, " load_balancing_loss: 1.01E+00 |"))
    assert [math.isnan(value) for _, value in points(parsed, "lm loss", "train")] == [False, True]


NOT_NAN = {
    "the scaler skipped the iteration": row(2, "", 0.0, 1),
    "the model has a loss of another name": row(2, " sop loss: 6.9E-01 |"),
    "the row is cut off before the loss": row(2).partition(" lm loss")[0],
}


@pytest.mark.parametrize("why", NOT_NAN)
def test_a_loss_is_not_nan_because(why):
    assert points(read(row(1) + NOT_NAN[why]), "lm loss", "train") == [(1, 12.20795)]


def test_a_window_of_which_some_iterations_were_skipped_still_needs_a_loss():
    parsed = read(row(10) + row(20, "", 0.0, 3))
    assert [math.isnan(value) for _, value in points(parsed, "lm loss", "train")] == [False, True]


def test_evaluations_have_splits_of_their_own():
    parsed = read(
        row(10)
        + " validation loss at iteration 10 | lm loss value: 9.009587E+00 | lm loss PPL: 8.181144E+03 | \n"
        + " validation loss at iteration 10 on test set | lm loss value: 9.1E+00 | lm loss PPL: 8.9E+03 | \n"
        + "0: validation loss at iteration 10 [german] | lm loss value: 1.5 |\n"
    )
    assert points(parsed, "lm loss", "eval") == [(10, 9.009587)]
    assert points(parsed, "lm loss PPL", "eval") == [(10, 8181.144)]
    assert points(parsed, "lm loss", "test") == [(10, 9.1)]
    assert points(parsed, "lm loss [german]", "eval") == [(10, 1.5)]


def test_fields_of_forks():
    line = (
        "[--------trainer.py:2560] : iteration 126/ 5000 | consumed samples: 16128 | elapsed time per iteration (ms): "
        "13372.8/13364.7 | hip mem usage/free/total/usage_ratio: 153.81GB/102.17GB/255.98GB/60.09% | "
        "lm loss: 6.548988E-03 | number of skipped iterations: 0 | tgs (tokens/gpu/second): 353.02 time (ms)\n"
    )
    parsed = read(line)
    assert points(parsed, "lm loss", "train") == [(126, 6.548988e-3)]
    assert points(parsed, "elapsed time per iteration (ms)", "train") == [(126, 13372.8)]
    assert parsed.source.unread_lines == 0


@pytest.mark.parametrize("loss", [" lm loss: 1.22.5E+01 |", " lm loss: 1.22E+01 2.3 |", " lm 5 loss |"])
def test_a_damaged_row_gives_no_number_at_all(loss):
    assert read(row(1, loss)).series == ()


def test_the_argument_table_gives_the_accumulation(tmp_path):
    names = {"global_batch_size": 336, "micro_batch_size": 4, "data_parallel_size": 28}
    table = "".join(f" 0:   {name} {'.' * (50 - len(name))} {value}\n" for name, value in names.items())
    (tmp_path / "run.out").write_text(table + row(1))
    config = normalise(read_run(str(tmp_path / "run.out"))).run.config
    assert config["gradient_accumulation_steps"].value == 3
    assert config["per_device_train_batch_size"].value == 4


FOLDER = REAL / "megatron_lm_stdout"


def losses(name):
    """The loss of every row of a file, by plain splitting: NaN where the field is absent."""
    lines = (FOLDER / f"elena-lyulina__Megatron-LM-Attention-Benchmark__{name}.out").read_text().splitlines()
    rows = [line for line in lines if "| consumed samples:" in line]
    return [float(line.split("lm loss:")[1].split("|")[0]) if "lm loss:" in line else math.nan for line in rows]


@needs_shared
@pytest.mark.parametrize(
    ("name", "count", "first", "last", "nans"),
    [("slurm_1737333", 15, math.nan, 10.40111, 2), ("slurm_1861140", 344, 12.18301, 4.659249, 0)],
)
def test_the_real_logs_against_their_own_lines(name, count, first, last, nans):
    (parsed,) = console.read(open_log(str(FOLDER / f"elena-lyulina__Megatron-LM-Attention-Benchmark__{name}.out")))
    loss = series(parsed, "lm loss", "train")
    assert loss.step.tolist() == list(range(1, count + 1))
    assert loss.value.tolist() == pytest.approx(losses(name), rel=0, abs=0, nan_ok=True)
    assert (loss.value[0], loss.value[-1]) == pytest.approx((first, last), nan_ok=True)
    assert int(np.isnan(loss.value).sum()) == nans
    assert (parsed.source.format, parsed.source.unread_lines) == ("megatron", 0)


ARGUMENTS = """\
0: [default0]:using world size: 40, data-parallel size: 40, context-parallel size: 1
0: [default0]:------------------------ arguments ------------------------
0: [default0]:  global_batch_size ............................... {batch}
0: [default0]:  hidden_size ..................................... 2048
0: [default0]:  lr .............................................. {lr}
0: [default0]:  rank ............................................ {rank}
0: [default0]:  save ............................................ /data/{save}
0: [default0]:-------------------- end of arguments ---------------------
"""


def launch(*steps, lr="0.0003", batch=80, rank=0, save="first", loss=" lm loss: 1.0E+01 |"):
    return ARGUMENTS.format(lr=lr, batch=batch, rank=rank, save=save) + "".join(row(i, loss) for i in steps)


def runs(text):
    return console.read(LogFile("slurm.out", text.encode()))


@pytest.mark.parametrize("changed", [{"lr": "0.0001"}, {"batch": 160}, {"save": "second"}], ids=str)
def test_a_launch_with_other_arguments_from_the_first_step_on_is_another_run(changed):
    first, second = runs(launch(1, 2, 3) + launch(1, 2, loss=" lm loss: 9.0E+00 |", **changed))
    assert points(first, "lm loss", "train") == [(1, 10), (2, 10), (3, 10)]
    assert points(second, "lm loss", "train") == [(1, 9), (2, 9)]


@pytest.mark.parametrize(
    "text",
    [
        launch(1, 2, 3) + launch(1, 2, rank=7),
        launch(1, 2, 3) + launch(3, 4, lr="0.0001"),
        launch(1, 2, 3) + launch(2, 3, 4, batch=160),
        launch(1, 2, 3) + launch() + launch(4, 5),
    ],
    ids=["another attempt", "a resume at another rate", "from a checkpoint in the middle", "a launch without rows"],
)
def test_other_launches_are_the_same_run(text):
    assert len(runs(text)) == 1


def test_an_argument_that_other_output_has_cut_is_no_difference_where_it_is_missing():
    torn = launch(1, 2).replace("  hidden_size ..................................... 2048", "  hidden_size ......")
    assert len(runs(launch(1, 2, 3) + torn)) == 1


def test_each_run_has_the_arguments_that_it_was_launched_with():
    first, second = runs(launch(1, 2, 3) + launch(1, 2, batch=160))
    assert first.config["global_batch_size"].value == 80
    assert second.config["global_batch_size"].value == 160
    assert second.config["hidden_size"].value == 2048
