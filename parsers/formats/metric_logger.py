"""The lines of DETR's MetricLogger, which many vision repositories copied.

    Epoch: [0]  [ 10/128]  eta: 0:02:08  lr: 0.000100  class_error: 100.00  loss: 55.7937 (56.1581)
    Averaged stats: lr: 0.000100  class_error: 100.00  loss: 34.8483 (43.3952)
    Test:  [0/4]  eta: 0:00:06  class_error: 100.00  loss: 53.8736 (53.8736)
    Averaged stats: class_error: 100.00  loss: 54.9872 (56.3321)

A training line gives one point per metric: the median of the last 20 batches, at step = epoch * batches + i. The mean
since the start of the epoch, in brackets, lags behind and is no second series. The `Averaged stats` of a training epoch
sum up points that have been read, and are left out. Those of an evaluation are its result: the mean in brackets, as in
`test_loss` of DETR's log.txt, at the last step of the epoch. The progress of an evaluation is left out.
"""

from __future__ import annotations

import math
import re

from trainvitals.parsers.model import Split
from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row

_PROGRESS = pattern(
    r"([A-Za-z]\w*):? (?:\[(\d{1,9})\])? *\[ *(\d{1,9})/(\d{1,9})\] +eta: *(?:\d+ days?, )?\S+", re.ASCII
)
_HEAD_LENGTH = 300
_AVERAGE = "Averaged stats:"
_ITEM = pattern(rf"\s*+([A-Za-z_][^\s:]*+(?: mem)?): ({NUMBER})(?: \(({NUMBER})\))?(?=\s|\Z)", re.ASCII | re.IGNORECASE)
_SPLITS: dict[str, Split] = {"test": "test", "val": "eval", "valid": "eval", "validation": "eval", "eval": "eval"}


def parse(text: str, context: Context) -> Row | None:
    """The row of one line; of an evaluation only its last line, `Averaged stats`, has one."""
    average = text.find(_AVERAGE)
    if average >= 0:
        return _averages(text, average + len(_AVERAGE), context)
    head = _PROGRESS.search(text, 0, _HEAD_LENGTH)
    if head is None:
        return None
    kind, epoch, i, batches = head.groups()
    context.evaluating = _SPLITS.get(kind.lower(), "")
    if context.evaluating:
        return SKIP
    values = _items(text, head.end(), mean=False)
    if values is None:
        return None
    at = context.epoch if epoch is None else float(epoch)
    done = (0.0 if math.isnan(at) else at) * int(batches)
    context.epoch_end = done + int(batches) - 1
    return Row(values, split="train", step=done + int(i), epoch=at)


def _averages(text: str, position: int, context: Context) -> Row | None:
    values = _items(text, position, mean=True)
    if values is None:
        return None
    if not context.evaluating:
        return SKIP
    split, context.evaluating = context.evaluating, ""
    return Row(values, split=split, step=context.epoch_end, epoch=context.epoch)


def _items(text: str, position: int, *, mean: bool) -> dict[str, float] | None:
    """Names and their window median, or the mean in brackets; None where the rest of the line holds anything else."""
    values: dict[str, float] = {}
    while match := _ITEM.match(text, position):
        name, median, average = match.groups()
        values[name] = float(average if mean and average else median)
        position = match.end()
    return values if values and not text[position:].strip() else None


LINES = LineFormat(
    name="metric_logger",
    title="DETR and its descendants: MetricLogger lines in console output",
    sample="""\
Epoch: [0]  [  0/128]  eta: 0:12:43  lr: 0.000100  class_error: 98.96  loss: 68.5848 (68.5848)  time: 5.9 (5.9)
Epoch: [0]  [127/128]  eta: 0:00:00  lr: 0.000100  class_error: 99.10  loss: 34.8483 (43.3952)  time: 0.6 (0.6)
Averaged stats: lr: 0.000100  class_error: 99.10  loss: 34.8483 (43.3952)
Test:  [3/4]  eta: 0:00:00  class_error: 100.00  loss: 54.9872 (56.3321)  time: 0.66 (0.66)
Averaged stats: class_error: 100.00  loss: 54.9872 (56.3321)
""",
    needles=("eta:", _AVERAGE),
    parse=parse,
    origin="FarjadAhmed/detr_custom_dcmha, log_directory/default_mha.txt",
    reads="step, epoch, split",
)
