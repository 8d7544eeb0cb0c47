"""The shared loop on a job of two weights: steps, windows, schedules, and each fault that is a setting of the loop."""

import dataclasses
import json
import math

import pytest

torch = pytest.importorskip("torch", reason="the reference trainer needs the extra 'trainer'")

from trainvitals.parsers.errors import TrainvitalsError  # noqa: E402
from trainvitals.sample_logs.trainer import faults, loop  # noqa: E402 (needs torch)
from trainvitals.sample_logs.trainer.command import TASKS, task_of  # noqa: E402
from trainvitals.sample_logs.trainer.loop import Job, Settings, State  # noqa: E402
from trainvitals.sample_logs.trainer.writers import json_lines  # noqa: E402

SMALL = Settings(max_steps=12, batch_size=2, logging_steps=1, eval_steps=4, save_steps=4, learning_rate=0.1)
ROWS = 8


def line_job(loss=None):
    """Fit y = 3 x to eight points."""
    torch.manual_seed(0)
    x = torch.linspace(-1, 1, ROWS).unsqueeze(1)

    def squares(model, batch):
        (points,) = batch
        total = (model(points) - 3 * points).square().mean()
        return total, {"part": total.detach()}

    return Job(
        model=torch.nn.Linear(1, 1),
        rows=ROWS,
        batch=lambda numbers: (x[list(numbers)],),
        loss=loss or squares,
        evaluate=lambda model: {"loss": float((model(x) - 3 * x).square().mean())},
    )


def logged(folder, split="train"):
    rows = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: v for name, v in row.items() if name != "time"} for row in rows if row["split"] == split]


def shape(row):
    return {"step": row.step, "epoch": row.epoch, "split": row.split, **row.values}


def run(folder, settings=SMALL, job=None, **more):
    folder.mkdir(exist_ok=True)
    loop.train(job or line_job(), settings, folder, [json_lines(folder / "log.jsonl", shape)], **more)
    return logged(folder)


def change(**changes):
    return dataclasses.replace(SMALL, **changes)


def test_every_step_is_logged_and_the_loss_falls(tmp_path):
    rows = run(tmp_path)
    assert [row["step"] for row in rows] == list(range(1, 13))
    assert rows[-1]["loss"] < rows[0]["loss"] / 4
    assert [row["step"] for row in logged(tmp_path, "eval")] == [4, 8, 12]
    assert rows[3]["epoch"] == 1.0


def test_the_same_seed_gives_the_same_log_and_another_seed_another(tmp_path):
    same = run(tmp_path / "a")
    assert run(tmp_path / "b") == same
    assert run(tmp_path / "c", change(seed=1)) != same


def test_an_epoch_sees_every_example_once_and_each_epoch_in_another_order():
    state = State(torch.nn.Linear(1, 1), None, None)
    epochs = [[n for _ in range(4) for n in loop.window(state, SMALL, ROWS)[0]] for _ in range(2)]
    assert [sorted(epoch) for epoch in epochs] == [list(range(ROWS))] * 2
    assert epochs[0] != epochs[1]


def test_fresh_examples_have_numbers_of_their_own_in_each_epoch():
    state = State(torch.nn.Linear(1, 1), None, None)
    numbers = [n for _ in range(8) for n in loop.window(state, SMALL, ROWS, fresh=True)[0]]
    assert sorted(numbers) == list(range(2 * ROWS))


def test_the_last_window_of_an_epoch_is_short_where_micro_batches_do_not_divide():
    state = State(torch.nn.Linear(1, 1), None, None)
    lengths = [len(loop.window(state, change(gradient_accumulation_steps=3), ROWS)) for _ in range(4)]
    assert lengths == [3, 1, 3, 1]


def test_a_schedule_warms_up_decays_to_a_part_and_is_0_behind_its_end():
    settings = change(max_steps=100, warmup_ratio=0.1, final_ratio=0.05, learning_rate=1.0, schedule_steps=50)
    rates = [loop.learning_rate(step, settings) for step in range(100)]
    assert rates[0] == pytest.approx(0.2)
    assert rates[4] == max(rates) == 1.0
    assert rates[49] == pytest.approx(0.05, abs=0.01)
    assert set(rates[50:]) == {0.0}


def test_accumulation_takes_the_same_steps_as_a_large_batch(tmp_path):
    large = run(tmp_path / "a", change(batch_size=4))
    small = run(tmp_path / "b", change(gradient_accumulation_steps=2))
    assert [row["loss"] for row in small] == pytest.approx([row["loss"] for row in large], rel=1e-4)
    assert [row["grad_norm"] for row in small] == pytest.approx([row["grad_norm"] for row in large], rel=1e-4)


@pytest.mark.parametrize(("how", "factor"), [("sum", 4.0), ("mean / K", 0.25)])
def test_a_loss_logged_on_another_scale_is_trained_as_ever(tmp_path, how, factor):
    right = run(tmp_path / "a", change(gradient_accumulation_steps=4))
    wrong = run(tmp_path / "b", change(gradient_accumulation_steps=4, logged_loss=how))
    assert [row["loss"] for row in wrong] == pytest.approx([row["loss"] * factor for row in right], rel=1e-4)
    assert [row["part"] for row in wrong] == [row["part"] for row in right]


def test_a_short_window_divided_by_k_counts_for_too_little(tmp_path):
    right = run(tmp_path / "a", change(gradient_accumulation_steps=3))
    wrong = run(tmp_path / "b", change(gradient_accumulation_steps=3, divide_by="K"))
    assert wrong[0]["loss"] == right[0]["loss"]
    # The second window of an epoch of four micro-batches has one of them.
    assert wrong[1]["loss"] == pytest.approx(right[1]["loss"] / 3, rel=1e-4)


def test_a_change_of_k_shows_in_a_logged_sum(tmp_path):
    rows = run(tmp_path, change(max_steps=8, logged_loss="sum", accumulation_later=(4, 4), learning_rate=0.0))
    assert sum(row["loss"] for row in rows[:4]) == pytest.approx(rows[4]["loss"], rel=1e-4)


def test_ctrl_c_leaves_whole_rows_and_a_resume_overlaps_them(tmp_path):
    whole = run(tmp_path / "whole")
    job = line_job()

    def interrupted(model, batch):
        interrupted.calls += 1
        if interrupted.calls == 7:
            raise KeyboardInterrupt
        return job.loss(model, batch)

    interrupted.calls = 0
    folder = tmp_path / "cut"
    with pytest.raises(KeyboardInterrupt):
        run(folder, job=line_job(interrupted))
    assert logged(folder) == whole[:6]
    assert run(folder, resume=True) == whole[:6] + whole[4:]


def test_without_a_checkpoint_a_resume_says_so(tmp_path):
    with pytest.raises(TrainvitalsError, match="no checkpoint to go on from"):
        run(tmp_path, resume=True)


def test_a_killed_run_goes_on_from_its_checkpoint_and_writes_steps_twice(tmp_path):
    rows = run(tmp_path, change(killed_at=7))
    assert [row["step"] for row in rows] == [*range(1, 8), *range(5, 13)]
    assert rows[4:7] == rows[7:10]


def test_a_schedule_that_is_not_restored_begins_with_its_warm_up(tmp_path):
    rows = run(tmp_path, change(killed_at=7, restore_schedule=False, warmup_ratio=0.3))
    rates = {row["step"]: row["lr"] for row in rows}
    assert (rates[5], rates[6]) == pytest.approx((0.025, 0.05))


def overflowing(model, batch):
    (points,) = batch
    overflowing.calls += 1
    total = (model(points) - 3 * points).square().mean() * (math.inf if overflowing.calls > 3 else 1.0)
    return total, {"part": total.detach()}


def test_a_filter_logs_nan_as_zero_while_the_gradient_is_nan(tmp_path):
    overflowing.calls = 0
    shown = run(tmp_path / "a", job=line_job(overflowing))
    overflowing.calls = 0
    hidden = run(tmp_path / "b", change(log_nan_as_zero=True), job=line_job(overflowing))
    assert not math.isfinite(shown[4]["loss"])
    assert hidden[4]["loss"] == 0.0
    assert math.isnan(hidden[4]["grad_norm"])


def test_a_stale_copy_is_evaluated_to_the_same_value(tmp_path):
    run(tmp_path, change(stale_eval=True))
    assert len({row["loss"] for row in logged(tmp_path, "eval")}) == 1


def test_ranks_that_do_not_hold_back_write_each_step_twice(tmp_path):
    rows = run(tmp_path, change(gradient_accumulation_steps=2, unguarded_ranks=True))
    assert [row["step"] for row in rows] == [step for step in range(1, 13) for _ in range(2)]
    assert rows[0]["loss"] != rows[1]["loss"]


def test_fp16_scales_its_loss_and_says_so(tmp_path):
    rows = run(tmp_path, change(precision="fp16"))
    assert rows[0]["loss_scale"] >= 1.0
    assert rows[-1]["loss"] < rows[0]["loss"]


def test_weights_are_kept_at_equal_distances(tmp_path):
    run(tmp_path, weights=3)
    assert sorted(path.name for path in tmp_path.glob("weights-*")) == ["weights-12.pt", "weights-4.pt", "weights-8.pt"]
    assert set(torch.load(tmp_path / "weights-12.pt", weights_only=True)) == {"weight", "bias"}


def test_switches_of_faults_are_no_settings_of_the_run():
    assert "logged_loss" not in loop.options(SMALL)
    assert loop.options(SMALL)["gradient_accumulation_steps"] == 1


@pytest.mark.parametrize("kind", TASKS)
def test_a_fault_changes_settings_that_its_type_has(kind):
    pytest.importorskip("transformers")
    names = {field.name for field in dataclasses.fields(task_of(kind).Settings)}
    assert {(fault.name, key) for fault in faults.FAULTS[kind] for key in fault.changes if key not in names} == set()
