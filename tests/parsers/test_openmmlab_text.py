"""Text logs of mmcv and mmengine."""

import pytest
from console_text import by_epoch, points, read

MMENGINE = """\
2023/06/05 20:10:13 - mmengine - INFO - Epoch(train)   [1][1/6]  lr: 4.000000e-08  eta: 4:59:11  loss: 0.421912
04/16 17:57:34 - mmengine - INFO - Epoch(train)  [1][6/6]  lr: 1.0000e-02  eta: 2 days, 1:48:17  loss: 0.3249
2024/05/22 11:05:22 - mmengine - INFO - Epoch(val) [1][ 50/416]    eta: 0:00:04  time: 0.0112  memory: 3342  \n\
2024/05/22 11:05:26 - mmengine - INFO - bbox_mAP_copypaste: 0.753 0.985 0.880 -1.000 0.624 0.754
2024/02/02 17:02:00 - mmengine - INFO - Epoch(val) [1][416/416]    coco/bbox_mAP: 0.2940  coco/bbox_mAP_s: -1.0000
2023/06/05 20:12:13 - mmengine - INFO - Epoch(train)   [2][4/6]  lr: 4.000000e-08  eta: 4:59:11  loss: 0.3
"""

MMCV = """\
2021-04-16 11:48:05,123 - mmdet - INFO - Epoch [2][50/100]\tlr: 1.978e-03, eta: 12:34:56, time: 0.4, loss: 1.2043
2021-04-16 12:40:05,123 - mmdet - INFO - Epoch(val) [2][625]\tbbox_mAP: 0.1230, bbox_mAP_copypaste: 0.123 0.241 0.1
2021-04-16 12:41:05,123 - mmseg - INFO - Iter [250/160000]\tlr: 9.9e-03, eta: 22:00:31, decode.loss_ce: 0.96, loss: 1.1
2021-04-16 12:42:05,123 - mmseg - INFO - Iter(val) [63]\taAcc: 0.9926, mIoU: 0.9537
"""


def test_a_training_line_counts_the_batches_of_all_epochs():
    parsed = read(MMENGINE)
    assert points(parsed, "loss", "train") == [(1, 0.421912), (6, 0.3249), (10, 0.3)]
    assert by_epoch(parsed, "loss", "train") == [(1, 0.421912), (1, 0.3249), (2, 0.3)]
    assert parsed.source.unread_lines == 0


def test_a_validation_stands_at_the_training_step_before_it_and_its_progress_is_left_out():
    parsed = read(MMENGINE)
    assert points(parsed, "coco/bbox_mAP", "eval") == [(6, 0.294)]
    assert {s.logged_as for s in parsed.series if s.split == "eval"} == {"coco/bbox_mAP", "coco/bbox_mAP_s"}


def test_lines_of_mmcv_by_epoch_and_by_iteration():
    parsed = read(MMCV)
    assert points(parsed, "loss", "train") == [(150, 1.2043), (250, 1.1)]
    assert points(parsed, "bbox_mAP", "eval") == [(150, 0.123)]
    assert points(parsed, "mIoU", "eval") == [(250, 0.9537)]
    assert parsed.source.unread_lines == 0


def test_not_a_number_is_kept():
    parsed = read("x - mmdet - INFO - Epoch [1][50/100]\tlr: 1.9e-03, eta: 1:34:56, loss_cls: nan, loss: nan\n")
    assert points(parsed, "loss", "train") == [pytest.approx((50, float("nan")), nan_ok=True)]


@pytest.mark.parametrize("rest", ["loss: 0.42.1", "loss: 0.4x", "loss: 0.4, acc: high"])
def test_a_damaged_line_gives_no_number_at_all(rest):
    parsed = read(f"- mmengine - INFO - Epoch(train)   [1][1/6]  lr: 4.0e-08  eta: 4:59:11  {rest}\n")
    assert (parsed.series, parsed.source.unread_lines) == ((), 1)
