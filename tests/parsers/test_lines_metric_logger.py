"""MetricLogger lines of DETR and its descendants."""

import json

import pytest
from console_text import by_epoch, points, read
from shared_logs import REAL, needs_shared

from trainvitals.parsers.files import open_log
from trainvitals.parsers.formats import console

EPOCH = """\
Epoch: [{e}]  [  0/128]  eta: 0:12:43  lr: 0.000100  loss: 68.5848 (68.5848)  time: 5.9 (5.9)  max mem: 4586
Epoch: [{e}]  [ 10/128]  eta: 1 day, 0:02:08  lr: 0.000100  loss: 55.7937 (56.1581)  time: 0.6 (1.0)
Epoch: [{e}]  [127/128]  eta: 0:00:00  lr: 0.000100  class_error: 99.10  loss: 34.8483 (43.3952)  time: 0.6 (0.6)
Epoch: [{e}] Total time: 0:01:17 (0.6025 s / it)
Averaged stats: lr: 0.000100  class_error: 99.10  loss: 34.8483 (43.3952)
Test:  [0/4]  eta: 0:00:06  class_error: 100.00  loss: 53.8736 (53.8736)  time: 1.6023  data: 1.3074  max mem: 4586
Test:  [3/4]  eta: 0:00:00  class_error: 100.00  loss: 54.9872 (56.3321)  time: 0.6584  data: 0.3354  max mem: 4586
Test: Total time: 0:00:02 (0.7452 s / it)
Averaged stats: class_error: 100.00  loss: 54.9872 (56.3321)
"""


def test_a_training_line_is_a_point_of_the_window_median_at_the_global_batch():
    parsed = read(EPOCH.format(e=0) + EPOCH.format(e=1))
    assert points(parsed, "loss", "train") == [
        (0, 68.5848),
        (10, 55.7937),
        (127, 34.8483),
        (128, 68.5848),
        (138, 55.7937),
        (255, 34.8483),
    ]
    assert [epoch for epoch, _ in by_epoch(parsed, "loss", "train")] == [0, 0, 0, 1, 1, 1]
    assert points(parsed, "max mem", "train")[0] == (0, 4586)


def test_an_evaluation_is_one_point_of_the_mean_at_the_end_of_its_epoch():
    parsed = read(EPOCH.format(e=0) + EPOCH.format(e=1))
    assert points(parsed, "loss", "test") == [(127, 56.3321), (255, 56.3321)]
    assert by_epoch(parsed, "loss", "test") == [(0, 56.3321), (1, 56.3321)]
    assert parsed.source.unread_lines == 0


def test_lines_with_single_blanks_are_read_as_well():
    parsed = read("Epoch: [0]  [ 10/100]  eta: 0:00:10 loss_ce: 0.9061 (0.9500)  loss_ce_0: 0.8000 (0.9000)\n")
    assert points(parsed, "loss_ce", "train") == [(10, 0.9061)]


def test_not_a_number_is_kept():
    (point,) = points(read("Epoch: [0]  [ 10/100]  eta: 0:00:10  loss: nan (nan)\n"), "loss", "train")
    assert point == pytest.approx((10, float("nan")), nan_ok=True)


@pytest.mark.parametrize("rest", ["loss: 2.5 (2.6.7)", "loss: 2.5.1 (2.6)", "loss: 2.5 (2.6)  acc: high"])
def test_a_damaged_line_gives_no_number_at_all(rest):
    parsed = read(f"Epoch: [0]  [ 10/100]  eta: 0:00:10  lr: 0.1  {rest}\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)


@needs_shared
def test_the_real_log_against_its_own_lines():
    path = REAL / "detr_metriclogger_stdout" / "FarjadAhmed__detr_custom_dcmha__default_mha.txt"
    (parsed,) = console.read(open_log(str(path)))
    lines = path.read_text().splitlines()
    medians = [
        float(line.split("  loss: ")[1].split()[0]) for line in lines if line.startswith("Epoch: [") and "eta" in line
    ]
    means = [
        float(line.split("  loss: ")[1].split("(")[1].split(")")[0])
        for i, line in enumerate(lines)
        if line.startswith("Averaged stats") and lines[i - 1].startswith("Test")
    ]
    assert [value for _, value in points(parsed, "loss", "train")] == medians
    assert points(parsed, "loss", "test") == [(128 * (e + 1) - 1, mean) for e, mean in enumerate(means)]
    assert json.dumps(parsed.config["lr_drop"].value) == "200"
