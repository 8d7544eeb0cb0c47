"""The lines of PaddleNLP, PaddleOCR and PaddleDetection.

    [2022-08-31 14:25:49,741] [    INFO] - loss: 1.21554871, learning_rate: 2.9e-05, global_step: 10, epoch: 0.0016
    [2022/08/16 03:07:33] ppocr INFO: epoch: [1/400], global_step: 20, lr: 0.000100, loss: 3.915, eta: 9 days, 2:29:27
    [2024/11/05 03:46:23] ppocr INFO: cur metric, precision: 0.9395348837209302, recall: 0.9758454106280193
    [08/15 04:02:46] ppdet.engine INFO: Epoch: [0] [  20/1929] learning_rate: 0.064 loss: 2.628206 eta: 2 days, 12:18:53

PaddleDetection counts batches within an epoch, so the step is epoch * batches + i. An evaluation stands at the last
training step. `best metric` repeats the best evaluation so far, and is left out. The means over a whole training that
PaddleNLP prints last are numbers about the run.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER, number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row

_NLP = pattern(r"\[ *INFO\] - (?=\w+: [^,]{1,40},\s*+\w+: )", re.ASCII)
_OCR = pattern(r"\bppocr INFO: (?:epoch: \[(\d{1,9})/\d{1,9}\], |(cur|best) metric, )", re.ASCII)
_DETECTION = pattern(r"\bppdet\.engine INFO: Epoch: \[(\d{1,9})\] \[ *(\d{1,9})/(\d{1,9})\] ", re.ASCII)
_HEAD_LENGTH = 200
_MAX_LINE = 4000
_ETA = pattern(r"\beta: (?:\d{1,9} days?, )?[\d:]++,? *", re.ASCII)
_ITEM = pattern(
    rf"([A-Za-z_][\w@./-]*+): ({NUMBER})(?: (?:s|MB|(?:samples|images)/s))?(?:,\s*| |\Z)", re.ASCII | re.IGNORECASE
)
_STEPS = ("global_step", "iter")
_EPOCHS = ("epoch", "progress_or_epoch")


def parse(text: str, context: Context) -> Row | None:
    """The row of one line of any of the three."""
    if len(text) > _MAX_LINE:
        return None
    ocr = _OCR.search(text, 0, _HEAD_LENGTH)
    if ocr:
        return _ocr(ocr, text, context)
    detection = _DETECTION.search(text, 0, _HEAD_LENGTH)
    if detection:
        values = _items(text[detection.end() :])
        epoch, i, batches = (float(part) for part in detection.groups())
        return Row(values, split="train", step=epoch * batches + i, epoch=epoch) if values else None
    nlp = _NLP.search(text, 0, _HEAD_LENGTH)
    return _nlp(text[nlp.end() :], context) if nlp else None


def _ocr(head: re.Match[str], text: str, context: Context) -> Row | None:
    values = _items(text[head.end() :])
    if head[2]:
        return SKIP if head[2] == "best" or not values else Row(values, "eval", step=context.step, epoch=context.epoch)
    if not values or not any("loss" in name.lower() for name in values):
        return None
    step = _pop(values, _STEPS)
    return Row(values, split="train", step=step, epoch=float(head[1]))


def _nlp(text: str, context: Context) -> Row | None:
    values = _items(text)
    if not values:
        return None
    step, epoch = _pop(values, _STEPS), _pop(values, _EPOCHS)
    if "train_runtime" in values:
        return Row(summary=dict(values))
    if all(name.startswith("eval_") for name in values):
        return Row(values, step=context.step, epoch=epoch)
    return Row(values, split="train", step=step, epoch=epoch) if "loss" in values and step == step else None


def _pop(values: dict[str, float], names: tuple[str, ...]) -> float:
    return next((values.pop(name) for name in names if name in values), NAN)


def _items(text: str) -> dict[str, float] | None:
    """Names and numbers up to the end of the line; None where anything else stands there."""
    text = _ETA.sub("", text, count=1).strip()
    values: dict[str, float] = {}
    position = 0
    while match := _ITEM.match(text, position):
        value = number(match[2])
        assert value is not None
        values[match[1]] = value
        position = match.end()
    return values if position == len(text) else None


LINES = LineFormat(
    name="paddle",
    title="PaddleNLP, PaddleOCR, PaddleDetection: console output, train.log",
    sample="""\
[2022/08/16 03:07:33] ppocr INFO: epoch: [1/400], global_step: 20, lr: 0.000100, acc: 0.000000, loss: 3.915012, \
structure_loss: 3.229450, loc_loss: 0.670590, avg_reader_cost: 2.63382 s, avg_batch_cost: 6.32390 s, \
avg_samples: 48.0, ips: 7.59025 samples/s, eta: 9 days, 2:29:27
[08/15 04:02:46] ppdet.engine INFO: Epoch: [0] [   0/1929] learning_rate: 0.040000 loss_vfl: 1.216707 \
loss_bbox: 1.142163 loss_dfl: 0.544196 loss: 2.903065 eta: 17 days, 13:50:26 batch_cost: 15.7452 data_cost: 2.9112 \
ips: 1.5243 images/s
[2022-08-31 14:25:49,741] [    INFO] - loss: 1.21554871, learning_rate: 2.9999019928128062e-05, global_step: 10, \
interval_runtime: 6.8718, interval_samples_per_second: 9.313, interval_steps_per_second: 1.455, epoch: 0.0016
""",
    needles=("ppocr INFO: ", "ppdet.engine INFO: ", "INFO] - "),
    parse=parse,
    precision=6,
    origin="documentation of PaddleOCR; a public log of PaddleNLP",
    reads="step, epoch, split, the summary of the run",
)
