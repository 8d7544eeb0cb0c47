"""What Ultralytics prints while it trains YOLO, and YOLOv5 before it: a row that is drawn anew, and an evaluation.

          Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size
           1/80      2.46G      1.292      2.523    1.00174         32        960: 100% ━━━━━━━━━━━━ 275/275
                     Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100% ━━━━━━━━━━━━ 35/35
                       all        208       2973      0.704      0.429      0.455      0.286

A row shows the means since the start of its epoch, and the last refresh counts. What is measured has the names of
results.csv: the first versions print `box` for `box_loss`. Of an evaluation the row of all classes is taken; a second
one in the same epoch is that of the best weights, when the training is over, and is a number about the run.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row

_HEAD = pattern(r"\s{0,20}Epoch\s{1,20}(?:GPU_mem|gpu_mem)\s{1,20}(\S.{0,500})")
_ROW = pattern(r"\s{0,20}(\d{1,9})/\d{1,9}\s+[\d.]{1,12}[GMK]?\s", re.ASCII)
_CLASSES = pattern(
    r"\s{0,40}(?:Class\s{1,20}Images\s{1,20}(?:Instances|Labels|Targets)|classes)\s{1,20}(\S.{0,300}?)(?: {0,9}:\s.*)?"
)
_ALL = pattern(r"\s{0,40}all\s+([\d.\sa-z+-]{1,300})", re.ASCII)
_MAX_LINE = 4000

_OLD_NAMES = {"box": "box_loss", "obj": "obj_loss", "cls": "cls_loss", "total": "total_loss"}
_NO_METRIC = frozenset({"Instances", "Size", "labels", "targets", "img_size"})
_GROUPS = {"Box(": "(B)", "Mask(": "(M)", "Pose(": "(P)"}
_MEASURES = {
    "P": "metrics/precision",
    "R": "metrics/recall",
    "mAP50": "metrics/mAP50",
    "mAP50-95": "metrics/mAP50-95",
    "mAP@.5": "metrics/mAP_0.5",
    "mAP@.5:.95": "metrics/mAP_0.5:0.95",
    "top1_acc": "metrics/accuracy_top1",
    "top5_acc": "metrics/accuracy_top5",
}
_NAME, _EVALUATION, _EVALUATED = "ultralytics_text", "ultralytics_text evaluation", "ultralytics_text evaluated"


def parse(text: str, context: Context) -> Row | None:
    """The row of an epoch so far, or of an evaluation of all classes."""
    if len(text) > _MAX_LINE or context.bar is not None:
        return None
    head = _HEAD.fullmatch(text.rstrip())
    if head:
        context.columns[_NAME] = tuple(head[1].split())
        return SKIP
    classes = _CLASSES.fullmatch(text.rstrip()) if "lass" in text else None
    if classes:
        context.columns[_EVALUATION] = measures(classes[1])
        return SKIP
    # The context is asked last: lines that these patterns do not match need not be looked at one by one.
    row = _ROW.match(text)
    if row and _NAME in context.columns:
        return _epoch(float(row[1]), text[row.end() :].partition(":")[0].split(), context)
    every = _ALL.fullmatch(text)
    return _evaluation(every[1].split(), context) if every and _EVALUATION in context.columns else None


def measures(header: str) -> tuple[str, ...]:
    """Names over the last columns of an evaluation, as results.csv has them.

    >>> measures("Box(P R mAP50 mAP50-95) Mask(P R mAP50 mAP50-95)")[3:6]
    ('metrics/mAP50-95(B)', 'metrics/precision(M)', 'metrics/recall(M)')
    """
    names, group = [], ""
    for word in header.split():
        for start, suffix in _GROUPS.items():
            if word.startswith(start):
                group, word = suffix, word.removeprefix(start)
        plain = word.rstrip(")")
        names.append(_MEASURES.get(plain, plain) + group)
    return tuple(names)


def _epoch(epoch: float, cells: list[str], context: Context) -> Row | None:
    columns = context.columns[_NAME]
    numbers = [number(cell) for cell in cells]
    if len(cells) != len(columns) or None in numbers:
        return None
    values = {
        _OLD_NAMES.get(name, name): value
        for name, value in zip(columns, numbers, strict=True)
        if value is not None and name not in _NO_METRIC
    }
    return Row(values, split="train", epoch=epoch, refresh=True, starts_run=context.goes_back(epoch))


def _evaluation(cells: list[str], context: Context) -> Row | None:
    names = context.columns[_EVALUATION]
    numbers = [number(cell) for cell in cells[-len(names) :]]
    if len(numbers) != len(names) or len(cells) not in (len(names), len(names) + 2):
        return None
    values = {name: value for name, value in zip(names, numbers, strict=True) if value is not None}
    again = context.marks.get(_EVALUATED) == context.epoch
    context.marks[_EVALUATED] = context.epoch
    if again:
        return Row(summary={f"best/{name}": value for name, value in values.items()})
    return Row(values, "eval", epoch=context.epoch)


LINES = LineFormat(
    name=_NAME,
    title="Ultralytics YOLO, YOLOv5: console output",
    sample="""\
      Epoch    GPU_mem   box_loss   cls_loss   dfl_loss  Instances       Size
    31/1000      6.73G      1.235     0.5911       1.14         11        640: 100%|██████████| 16/16 [00:05<00:00,  \
2.83it/s]
                 Class     Images  Instances      Box(P          R      mAP50  mAP50-95): 100%|██████████| 8/8 \
[00:03<00:00,  2.13it/s]
                   all        722       1444      0.939      0.927      0.967      0.551
""",
    needles=("GPU_mem", "gpu_mem", "/", "Class", "classes", " all "),
    parse=parse,
    origin="ultralytics/ultralytics issue 7653; lines of YOLOv5 from a public notebook are tested",
    reads="epoch, split, the evaluation of the best weights, several runs in one file",
    after=("Epoch    GPU_mem", "Epoch   gpu_mem", "Epoch   GPU_mem"),
)
