"""log.txt and console of build-nanogpt."""

import pytest
from console_text import config, points, read

LOG = """\
0 val 10.9509
0 hella 0.2463
0 train 10.955010
1 train 10.883945
250 val 6.5893
250 hella 0.2413
250 train 6.502331
"""
OPENING = """\
total desired batch size: 524288
=> calculated gradient accumulation steps: 2
"""
CONSOLE = """\
validation loss: 10.9509
HellaSwag accuracy: 2473/10042=0.2463
step     0 | loss: 10.955010 | lr 8.3916e-07 | norm: 15.3421 | dt: 23547.83ms | tok/sec: 22264.81
step     1 | loss: 10.883945 | lr 1.6783e-06 | norm: 14.2211 | dt: 389.10ms | tok/sec: 1347448.61
validation loss: 6.5893
step     2 | loss: 6.502331 | lr 2.5175e-06 | norm: 0.7421 | dt: 389.10ms | tok/sec: 1347448.61
"""


def test_triplets_of_the_log_file():
    parsed = read(LOG)
    assert points(parsed, "loss", "train") == [(0, 10.95501), (1, 10.883945), (250, 6.502331)]
    assert points(parsed, "loss", "eval") == [(0, 10.9509), (250, 6.5893)]
    assert points(parsed, "hellaswag", "eval") == [(0, 0.2463), (250, 0.2413)]


def test_the_console_says_the_step_of_an_evaluation_by_the_line_below():
    parsed = read(OPENING + CONSOLE)
    assert points(parsed, "loss", "train") == [(0, 10.95501), (1, 10.883945), (2, 6.502331)]
    assert points(parsed, "norm", "train") == [(0, 15.3421), (1, 14.2211), (2, 0.7421)]
    assert points(parsed, "lr", "train")[0] == (0, 8.3916e-07)
    assert points(parsed, "loss", "eval") == [(0, 10.9509), (2, 6.5893)]
    assert points(parsed, "hellaswag", "eval") == [(0, 0.2463)]
    assert config(parsed)["gradient_accumulation_steps"] == 2


DESCENDANTS = {
    "without a rate": ("step    1 | loss: 9.388454 | norm: 6.1851 | dt: 95.02ms | tok/sec: 172430.22", (1, 9.388454)),
    "without a blank": ("step4491 | loss: 2.703516 | dt: 1397.28ms | tok/sec: 9160.63", (4491, 2.703516)),
    "nanochat": (
        "step 00100/00500 (20.00%) | loss: 5.178412 | lrm: 1.00 | dt: 2512.04ms | tok/sec: 104,355 | bf16_mfu: 0.00 | "
        "epoch: 1 pq: 0 rg: 52 | total time: 3.79m | eta: 16.8m",
        (100, 5.178412),
    ),
    "with blanks at the end": (
        "step 00001 (0.0%) | loss: 9.189484 | lrm: 1.00 | dt: 52332ms | tok/sec: 10,018 | mfu: 31.5% | mem: 606MB | "
        "epoch: 1 | remaining: 300s    ",
        (1, 9.189484),
    ),
}


@pytest.mark.parametrize("name", DESCENDANTS)
def test_descendants(name):
    line, point = DESCENDANTS[name]
    parsed = read(line + "\n")
    assert points(parsed, "loss", "train") == [point]
    assert points(parsed, "tok/sec", "train")[0][1] == float(line.split("tok/sec: ")[1].split()[0].replace(",", ""))
    assert parsed.source.unread_lines == 0


def test_a_damaged_step_line_gives_no_number_at_all():
    parsed = read("step     1 | loss: 9.3.88 | lr 8.3e-07 | norm: 6.1851 | dt: 95.02ms | tok/sec: 172430.22\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)


def test_rows_that_are_not_every_step():
    step = "step {:5d} | loss: 6.5 | lr 2.5e-06 | norm: 0.7 | dt: 389.10ms | tok/sec: 1347448.61\n"
    text = OPENING + step.format(0) + step.format(10) + "validation loss: 6.5893\n" + step.format(20)
    assert points(read(text), "loss", "eval") == [(20, 6.5893)]


def test_a_validation_line_of_another_trainer_gets_no_step_by_guess():
    assert all(s.logged_as != "loss" or s.split != "eval" for s in read("validation loss: 6.5893\n").series)


@pytest.mark.parametrize("line", ["250 val 6.58.93", "250 valid 6.5893", "x 250 val 6.5893", "250 val 6.5893 7"])
def test_other_triplets_are_none(line):
    assert read(line + "\n").series == ()


def test_not_a_number_is_kept():
    (point,) = points(read("7 train nan\n"), "loss", "train")
    assert point == pytest.approx((7, float("nan")), nan_ok=True)
