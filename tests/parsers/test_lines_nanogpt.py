"""Lines of nanoGPT."""

import pytest
from console_text import config, points, read

from trainvitals.diagnostics.normalisation import normalise
from trainvitals.parsers import read as read_run

LOG = """\
tokens per iteration will be: 491,520
step 0: train loss 6.0601, val loss 6.0586
iter 0: loss 6.0659, time 254533.85ms, mfu -100.00%
iter 10: loss 5.8831, time 1210.22ms, mfu 3.41%
step 250: train loss 3.1025, val loss 3.2210
saving checkpoint to out
iter 250: loss 3.2210, time 3210.22ms, mfu 3.40%
"""


def test_both_lines_and_their_splits():
    parsed = read(LOG)
    assert {s.logged_as: points(parsed, s.logged_as) for s in parsed.series} == {
        "train estimated_loss": [(0, 6.0601), (250, 3.1025)],
        "val loss": [(0, 6.0586), (250, 3.2210)],
        "loss": [(0, 6.0659), (10, 5.8831), (250, 3.2210)],
        "time": [(0, 254533.85), (10, 1210.22), (250, 3210.22)],
        "mfu": [(10, 3.41), (250, 3.40)],
    }
    assert parsed.source.unread_lines == 0


def test_the_loss_of_a_run_is_that_of_its_steps_else_the_estimate(tmp_path):
    path = tmp_path / "output.log"
    path.write_text(LOG)
    run = normalise(read_run(str(path))).run
    assert run.get("loss").value.tolist() == [6.0659, 5.8831, 3.2210]
    assert run.get("loss", "eval").value.tolist() == [6.0586, 3.2210]
    path.write_text("".join(line for line in LOG.splitlines(keepends=True) if not line.startswith("iter")))
    assert normalise(read_run(str(path))).run.get("loss").value.tolist() == [6.0601, 3.1025]


def test_a_unit_behind_the_number():
    parsed = read("step 0: train loss 6.0601 BPC, val loss 6.0586 BPC\niter 0: loss 6.0659 BPC, time 254533.85ms\n")
    assert points(parsed, "val loss") == [(0, 6.0586)]
    assert points(parsed, "loss") == [(0, 6.0659)]


def test_lines_of_descendants():
    parsed = read("iter 10: loss 10.5924, grad_norm 2.0571, lr 6.00e-05, time 104.3ms\nstep 10: val loss 10.7667\n")
    assert points(parsed, "loss") == [(10, 10.5924)]
    assert points(parsed, "grad_norm") == [(10, 2.0571)]
    assert points(parsed, "val loss") == [(10, 10.7667)]


def test_not_a_number_is_kept():
    (point,) = points(read("iter 10: loss nan, time 1210.22ms, mfu 3.41%\n"), "loss")
    assert point == pytest.approx((10, float("nan")), nan_ok=True)


def test_the_accumulation_of_the_configuration():
    assert config(read("gradient_accumulation_steps = 40\n" + LOG))["gradient_accumulation_steps"] == 40


@pytest.mark.parametrize("line", ["iter 10: loss 2.5.1, time 1ms", "iter 10: loss 2.5, time", "iter 10: loss 2.5 3.1"])
def test_a_damaged_line_gives_no_number_at_all(line):
    parsed = read(line + "\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)
