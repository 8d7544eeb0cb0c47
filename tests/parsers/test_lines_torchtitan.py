"""Lines of torchtitan, in colour and plain."""

import math

import pytest
from console_text import config, points, read

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import console

COLOURED = (
    "[rank{rank}]:[titan] 2026-04-27 16:43:50,719 - root - INFO - \x1b[31mstep: {step:2}  \x1b[32mloss: {loss:8.5f}  "
    "\x1b[38;2;180;60;0mgrad_norm: {norm:7.4f}  \x1b[38;2;54;234;195mmemory: 23.77GiB(75.82%)  \x1b[34mtps: 1,601  "
    "\x1b[36mtflops: 1,009.93  \x1b[35mmfu: 3.18%\x1b[39m\n"
)
VALIDATION = (
    "[rank0]:[titan] 2026-04-27 16:45:15,717 - root - INFO - \x1b[33mvalidate step: {step:2}  \x1b[32mloss: 12.2336  "
    "\x1b[38;2;54;234;195mmemory: 23.77GiB(75.82%)  \x1b[34mtps: 177,138\x1b[39m\n"
)


def row(step, loss=12.23542, norm=0.4601, rank=0):
    return COLOURED.format(step=step, loss=loss, norm=norm, rank=rank)


def test_a_row_in_colour_with_separators_of_thousands():
    parsed = read(row(1))
    assert {s.logged_as: points(parsed, s.logged_as, "train") for s in parsed.series} == {
        "loss": [(1, 12.23542)],
        "grad_norm": [(1, 0.4601)],
        "memory": [(1, 23.77)],
        "tps": [(1, 1601)],
        "tflops": [(1, 1009.93)],
        "mfu": [(1, 3.18)],
    }


def test_a_plain_row_of_an_older_version():
    line = "[rank0]:[titan] 2025-06-04 08:51:48,074 - root - INFO - step: 10  loss: 10.7069  memory: 30.99GiB(32.62%)"
    parsed = read(line + "  tps: 7,034  tflops: 407.35  mfu: 41.19%\n")
    assert points(parsed, "loss", "train") == [(10, 10.7069)]


def test_validation_is_a_split_of_its_own_although_its_line_says_step():
    parsed = read(row(1) + VALIDATION.format(step=1) + row(10, 9.5))
    assert points(parsed, "loss", "train") == [(1, 12.23542), (10, 9.5)]
    assert points(parsed, "loss", "eval") == [(1, 12.2336)]
    assert points(parsed, "tps", "eval") == [(1, 177138)]


def test_an_infinite_norm_is_kept():
    (point,) = points(read(row(1, 11.76178, math.inf, 7)), "grad_norm", "train")
    assert point == (1, math.inf)


@pytest.mark.parametrize("order", [(0, 7), (7, 0)])
def test_of_ranks_that_print_the_same_step_the_first_is_kept(order):
    text = "".join(row(step, 10 + rank, rank=rank) for step in (1, 10, 20) for rank in order)
    assert points(read(text), "loss", "train") == [(step, 10 + order[0]) for step in (1, 10, 20)]


def test_ranks_that_are_out_of_step_are_told_apart():
    text = row(1, 10, rank=0) + row(10, 9, rank=0) + row(1, 11, rank=1) + row(10, 12, rank=1) + row(20, 8, rank=0)
    assert points(read(text), "loss", "train") == [(1, 10), (10, 9), (20, 8)]


def test_a_new_attempt_may_log_on_another_rank():
    text = "".join(row(step, rank=0) for step in range(10, 110, 10)) + row(1, 12, rank=7) + row(10, 11, rank=7)
    assert points(read(text), "loss", "train")[-2:] == [(1, 12), (10, 11)]


def test_the_accumulation_stands_in_a_sentence():
    line = (
        "[rank0]:[titan] 2025-06-20 19:13:25,465 - root - INFO - Trainer is initialized with local batch size 8, "
        "global batch size 64, gradient accumulation steps 4, sequence length 8192, total steps 1000 (warmup 200).\n"
    )
    assert config(read(line)) == {"gradient_accumulation_steps": 4}


DAMAGED = ["loss: 12.2.3  tps: 1,601", "loss: 12.2  tps: 1,60x1", "loss: 12.2  tps: 1601  mfu: 3.1.8%"]


@pytest.mark.parametrize("rest", DAMAGED)
def test_a_damaged_line_gives_no_number_at_all(rest):
    parsed = read(f"[rank0]:[titan] 2025 - root - INFO - step: 10  {rest}\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)


STARTING = "[rank0]:[titan] 2025-11-25 19:44:53,858 - root - INFO - Starting job: Llama 3 debug training\n"
INITIALISED = (
    "[rank0]:[titan] 2025-11-25 19:44:58,838 - root - INFO - Trainer is initialized with local batch size {local}, "
    "global batch size {batch}, gradient accumulation steps 2, sequence length 2048, total steps 10 (warmup 2)\n"
    "[rank0]:[titan] 2025-11-25 19:44:58,838 - root - INFO - Training starts at step {start}\n"
)


def launch(*steps, batch=64, loss=12.5):
    rows = "".join(row(step, loss=loss) for step in steps)
    return STARTING + INITIALISED.format(local=8, batch=batch, start=steps[0]) + rows


def runs(text):
    return [
        points(parsed, "loss", "train") for parsed in console.read(LogFile("titan.log", text.encode())) if parsed.series
    ]


def test_a_launch_with_other_settings_from_the_first_step_on_is_another_run():
    first, second = runs(launch(1, 10, 20) + launch(1, 10, batch=128, loss=12.25))
    assert first == [(1, 12.5), (10, 12.5), (20, 12.5)]
    assert second == [(1, 12.25), (10, 12.25)]


@pytest.mark.parametrize(
    "text",
    [launch(1, 10, 20) + launch(1, 10, loss=12.25), launch(1, 10, 20) + launch(20, 30, batch=128)],
    ids=["another attempt", "a resume, with another batch size"],
)
def test_other_launches_are_the_same_run(text):
    assert len(runs(text)) == 1


def test_each_run_has_the_settings_that_it_was_launched_with():
    settings = "gradient accumulation steps 2"
    text = launch(1, 10) + launch(1, 10, batch=128).replace(settings, "gradient accumulation steps 4")
    found = [config(parsed) for parsed in console.read(LogFile("titan.log", text.encode()))]
    assert found == [{"gradient_accumulation_steps": 2}, {"gradient_accumulation_steps": 4}]


def test_rows_of_all_ranks_that_nobody_tells_apart_are_one():
    line = "[titan] 2026-01-16 02:42:48,277 - root - INFO - step: {n}  loss: {v}  grad_norm:  4.6875  tps: {t}\n"
    text = "".join(line.format(n=n, v=v, t=t) for n, v in [(20, 11.8347), (40, "nan")] for t in ("40,890", "40,906"))
    parsed = read(text)
    assert [step for step, _ in points(parsed, "loss", "train")] == [20, 40]
    assert points(parsed, "tps", "train") == [(20, 40890), (40, 40890)]
