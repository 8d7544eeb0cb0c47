"""Lines of maskrcnn-benchmark and detectron2."""

import math

import pytest
from console_text import points, read, series
from shared_logs import REAL, needs_shared

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.parsers import read as read_run

D2 = "[09/29 15:06:24] d2.utils.events INFO:  eta: {eta}  iter: 19  total_loss: 2.262  lr: 0.00039962  max_mem: 1475M\n"
FOLDER = REAL / "maskrcnn_benchmark_text"
NAN_AT_380 = FOLDER / "chuanli11__training_results_v0.6__maskrcnn_nan_iter380.log"
NO_ROWS = FOLDER / "chuanli11__training_results_v0.6__maskrcnn_dual2080ti_ok.log"


@pytest.mark.parametrize("eta", ["18:30:56", "1 day, 2:03:04", "10 days, 2:03:04", "N/A"])
def test_a_line_of_detectron2_is_a_point_at_its_iteration(eta):
    parsed = read(D2.format(eta=eta))
    assert points(parsed, "total_loss", "train") == [(19, 2.262)]
    assert points(parsed, "lr", "train") == [(19, 0.00039962)]
    assert points(parsed, "max_mem", "train") == [(19, 1475)]
    assert parsed.source.unread_lines == 0


def test_the_number_before_the_brackets_is_the_value():
    text = "maskrcnn_benchmark.trainer INFO: eta: 9:31:01  iter: 40  loss: 1.7525 (2.6557)  max mem: 7778\n"
    assert points(read(text), "loss", "train") == [(40, 1.7525)]


@pytest.mark.parametrize("rest", ["loss: 1.7525 (2.65.57)", "loss: 1.75.25 (2.6)", "loss: 1.75 (2.6)  acc: high"])
def test_a_damaged_line_gives_no_number_at_all(rest):
    parsed = read(f"eta: 9:31:01  iter: 40  lr: 0.1  {rest}\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)


@needs_shared
def test_the_run_that_became_nan():
    run = read_run(str(NAN_AT_380))
    loss = next(s for s in run.series if s.logged_as == "loss")
    assert len(loss) == 47
    assert (loss.step[0], loss.value[0]) == (20, 2.3758)
    assert (loss.step[17], loss.value[17]) == (360, 1.598)
    assert (loss.step[18], loss.step[-1]) == (380, 940)
    assert [math.isnan(v) for v in loss.value] == [False] * 18 + [True] * 29
    mask = next(s for s in run.series if s.logged_as == "loss_mask")
    assert (mask.step[18], mask.value[18]) == (380, 4.0964)
    assert sum(note.kind == "overflow" for note in run.notes) == 1166
    assert sum(source.unread_lines for source in run.sources) == 0
    report = diagnose(run)
    assert report.verdict == "fail"
    assert "step 380" in next(f.message for f in report.findings if f.code == "N101")


@needs_shared
def test_the_run_without_rows_had_crashed():
    run = read_run(str(NO_ROWS))
    assert run.points == 0
    assert [(n.kind, n.line) for n in run.notes if n.kind == "crash"] == [("crash", 737), ("crash", 821)]
    assert diagnose(run).verdict == "fail"


def test_a_bar_or_another_line_with_an_eta_is_left_to_others():
    assert series(read("Epoch: [0]  [ 10/128]  eta: 0:02:08  loss: 1.5 (1.6)\n"), "loss", "train").step.tolist() == [10]
