"""The lines of ESPnet's trainer, and of FunASR's, which took it over.

    [host] 2026-04-23 04:59:25,764 (trainer:793) INFO: 1epoch:train:1-90batch: iter_time=0.003, loss=80.856
    [host] 2023-04-23 18:59:48,924 (trainer:777) INFO: 2epoch:train:1-50batch:50num_updates: loss=0.192
    [host] 2021-07-06 14:20:17,332 (trainer:398) INFO: 13epoch results: [train] loss=39.899, time=6 hours, 22 minutes
    and 55.09 seconds, total_count=130000, [valid] loss=27.755, acc=0.817, total_count=4017           (one line)

A line gives the means over its batches, and stands at the last of them. How many batches the epochs before had is what
`total_count` of the results says; where those are missing, a line has an epoch only. The results of an epoch sum up
what its lines said, so their training means are named `..._epoch`; the validation is a point.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, Context, LineFormat, Row

_BATCHES = pattern(r"\b(\d{1,9})epoch:train:\d{1,12}-(\d{1,12})batch(?::\d{1,15}num_updates)?: ", re.ASCII)
_RESULTS = pattern(r"\b(\d{1,9})epoch results: (?=\[train\] )", re.ASCII)
_HEAD_LENGTH = 300
_MAX_LINE = 8000
_PART = pattern(r"\[(\w{1,40})\] ([^\[\]]*)")
_ITEM = pattern(rf"([A-Za-z_]\w*)=({NUMBER})(?=,|\s*\Z)", re.ASCII | re.IGNORECASE)
_COUNT, _CURRENT = "total_count", ("lr_0", "optim0_lr0")
_DONE, _EPOCH = "espnet done", "espnet epoch"


def parse(text: str, context: Context) -> Row | None:
    """The row of one line."""
    if len(text) > _MAX_LINE:
        return None
    batches = _BATCHES.search(text, 0, _HEAD_LENGTH)
    if batches:
        return _batches(float(batches[1]), float(batches[2]), text[batches.end() :], context)
    results = _RESULTS.search(text, 0, _HEAD_LENGTH)
    return _results(float(results[1]), text[results.end() :], context) if results else None


def _batches(epoch: float, last: float, text: str, context: Context) -> Row | None:
    values = _items(text)
    if len(values) < text.count("="):
        return None
    known = epoch == 1 or context.marks.get(_EPOCH) == epoch - 1
    done = (context.marks.get(_DONE, NAN) if epoch > 1 else 0.0) if known else NAN
    return Row(values, split="train", step=done + last, epoch=epoch) if values else None


def _results(epoch: float, text: str, context: Context) -> Row:
    values = dict(_named(text, context))
    context.marks[_EPOCH] = epoch
    return Row(values, step=context.marks[_DONE], epoch=epoch)


def _named(text: str, context: Context) -> Iterator[tuple[str, float]]:
    """Names with their data set before them, as one line tells of several."""
    for part, items in _PART.findall(text):
        values = _items(items)
        count = values.pop(_COUNT, NAN)
        if part == "train":
            context.marks[_DONE] = count
        if part in ("train", "valid"):
            suffix = "_epoch" if part == "train" else ""
            yield from ((f"{part}/{name}{'' if name in _CURRENT else suffix}", v) for name, v in values.items())


def _items(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in _ITEM.findall(text)}


LINES = LineFormat(
    name="espnet",
    title="ESPnet, FunASR: train.log",
    sample="""\
[hostname] 2023-10-27 13:37:46,484 (trainer:753) INFO: 1epoch:train:1-4025batch: iter_time=1.924e-04, \
forward_time=0.040, loss_ctc=174.564, loss_att=145.106, acc=0.235, loss=153.944, grad_norm=156.442, clip=100.000, \
optim0_lr0=1.007e-05, train_time=0.127
[hostname] 2020-09-17 18:14:26,464 (trainer:243) INFO: 1epoch results: [train] iter_time=0.164, loss=480.386, \
loss_att=191.654, acc=1.022e-04, lr_0=2.080e-06, time=1 minute and 43.19 seconds, total_count=49, [valid] \
loss=479.955, loss_att=191.637, acc=1.030e-04, cer=1.010, time=50.5 seconds, total_count=49, [att_plot] \
time=3.2 seconds, total_count=0
""",
    needles=("epoch:train:", "epoch results: "),
    parse=parse,
    origin="public notes on training with ESPnet that quote its log",
    reads="step, epoch, split",
)
