"""Console output and *.log of OpenMMLab, from mmcv's runners and from mmengine's.

    2021-04-16 11:48:05,123 - mmdet - INFO - Epoch [1][50/7330]  lr: 1.978e-03, eta: 12:34:56, time: 0.4, loss: 1.2
    2023/06/05 20:10:13 - mmengine - INFO - Epoch(train)   [1][1/6]  lr: 4.000000e-08  eta: 4:59:11  loss: 0.421912
    2024/02/02 17:02:00 - mmengine - INFO - Epoch(val) [1][625/625]    coco/bbox_mAP: 0.2940  time: 0.2048
    2022-06-01 10:00:00,123 - mmseg - INFO - Iter(val) [63]  aAcc: 0.9926, mIoU: 0.9537

A training line stands at step (epoch - 1) * batches + i, or at its iteration. What a validation line counts is the
validation loader, so it stands at the last training step before it; one with an `eta` only shows progress.
"""

from __future__ import annotations

import re

from trainvitals.parsers.model import Split
from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row

_HEAD = pattern(
    r"(?<!\w)(Epoch|Iter)(?:\((train|val|test)\))?\s*\[\s*(\d{1,12})(?:/\s*(\d{1,12}))?\]"
    r"(?:\[\s*(\d{1,12})(?:/\s*(\d{1,12}))?\])?(?=\s)",
    re.ASCII,
)
_HEAD_LENGTH = 300
_NAME = r"\s*+([A-Za-z_][^\s:,]*+): *"
_END = r"(?:,|(?=\s)|\Z)"
_ITEM = pattern(rf"{_NAME}({NUMBER}){_END}", re.ASCII | re.IGNORECASE)
_TIME_LEFT = pattern(rf"\s*+eta: (?:\d+ days?, )?\d++(?::\d++)+{_END}", re.ASCII)
_SEVERAL = pattern(rf"{_NAME}(?:{NUMBER})(?: (?:{NUMBER}))+{_END}", re.ASCII | re.IGNORECASE)
_SPLITS: dict[str | None, Split] = {None: "train", "train": "train", "val": "eval", "test": "test"}


def parse(text: str, context: Context) -> Row | None:
    """The row of one line; None where anything but names and numbers follows its head."""
    head = _HEAD.search(text, 0, _HEAD_LENGTH)
    if head is None:
        return None
    kind, mode, first, _, i, batches = head.groups()
    split = _SPLITS[mode]
    if kind == "Epoch" and split == "train" and batches is None:
        return None
    found = _items(text, head.end())
    if found is None:
        return None
    values, progress = found
    if split != "train":
        epoch = float(first) if kind == "Epoch" else context.epoch
        return SKIP if progress or not values else Row(values, split, step=context.step, epoch=epoch)
    if kind == "Iter":
        return Row(values, split, step=float(first))
    return Row(values, split, step=(float(first) - 1) * float(batches) + float(i), epoch=float(first))


def _items(text: str, position: int) -> tuple[dict[str, float], bool] | None:
    """Names and numbers, and whether a time left is among them; lists of numbers repeat what has names."""
    values: dict[str, float] = {}
    progress = False
    while True:
        if match := _TIME_LEFT.match(text, position):
            progress = True
        elif not (match := _SEVERAL.match(text, position)):
            match = _ITEM.match(text, position)
            if match is None:
                return None if text[position:].strip() else (values, progress)
            values[match[1]] = float(match[2])
        position = match.end()


LINES = LineFormat(
    name="openmmlab_text",
    title="OpenMMLab (mmdet, mmseg, mmpretrain ...): console output and *.log of mmcv and mmengine",
    sample="""\
2020-11-11 18:27:52,420 - mmdet - INFO - Epoch [1][2150/29317]\tlr: 2.000e-02, eta: 1 day, 16:24:41, time: 0.391, \
data_time: 0.009, memory: 3946, loss_rpn_cls: 0.1059, loss_rpn_bbox: 0.0825, loss_cls: 0.4929, acc: 90.0684, \
loss_bbox: 0.3225, loss: 1.0037
2021-12-04 23:55:52,075 - mmdet - INFO - Epoch(val) [11][10]\tbbox_mAP: 0.0000, bbox_mAP_50: 0.0000, \
bbox_mAP_copypaste: 0.000 0.000 0.000 0.000 0.000 0.000
2024/05/22 11:09:58 - mmengine - INFO - Epoch(train) [120][50/61]  base_lr: 2.0000e-04 lr: 4.4240e-05  \
eta: 0:05:28  time: 0.1769  data_time: 0.0131  memory: 3342  grad_norm: 87.5206  loss: 14.8006  loss_cls: 1.3033
2024/05/22 11:09:49 - mmengine - INFO - Epoch(val) [119][416/416]    coco/bbox_mAP: 0.7510  data_time: 0.0002
""",
    needles=("Epoch [", "Epoch(", "Iter [", "Iter("),
    parse=parse,
    origin="open-mmlab/mmdetection issues 4090 and 6686, AILab-CVC/YOLO-World issue 359",
    reads="step, epoch, split",
)
