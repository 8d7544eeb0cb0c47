"""What DeepSpeed's engine logs beside a trainer: the learning rate, the skipped steps, its speed and its timers.

    [... logging.py:96:log_dist] [Rank 0] step=10, skipped=4, lr=[4.998e-05], mom=[(0.9, 0.95)]
    [... timer.py:260:stop] epoch=0/micro_step=40/global_step=10, RunningAvgSamplesPerSec=25.0, MemAllocated=4.32GB
    [... logging.py:96:log_dist] [Rank 0] time (ms) | fwd: 6567.66 | bwd: 17950.35 | step: 1139.29

It logs no loss. `skipped` counts the steps that were skipped so far, for a gradient that overflowed. Of several
learning rates the first is `lr`, and others that differ from it are `lr/1` and so on. A timer belongs to the last step;
timers of micro steps stand at the step that they end in.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row

_STEP = pattern(
    r"(?:\[Rank 0\]|\brank:0) step=(\d{1,15}), skipped=(\d{1,15}), lr=\[([^\]]{1,2000})\], mom=\[", re.ASCII
)
_SPEED = pattern(
    r"\] (?:epoch=\d{1,9}/micro_step=\d{1,15}/global_step=|\d{1,9}/)(\d{1,15}), (?=(?:Running|Samples)\w*=)",
    re.ASCII,
)
_TIMERS = pattern(r"\[Rank 0\] time \(ms\) \| ")
_HEAD_LENGTH = 400
_PAIR = pattern(rf"(\w[\w ]*+)[=:] ?({NUMBER})(?:GB)?", re.ASCII | re.IGNORECASE)
_RATE = pattern(NUMBER, re.ASCII | re.IGNORECASE)
_LAST = "deepspeed step"


def parse(text: str, context: Context) -> Row | None:
    """The row of one line."""
    step = _STEP.search(text, 0, _HEAD_LENGTH + 2000)
    if step:
        return _step(step, context)
    speed = _SPEED.search(text, 0, _HEAD_LENGTH)
    timers = None if speed else _TIMERS.search(text, 0, _HEAD_LENGTH)
    if speed is None and timers is None:
        return None
    head, separator = (speed, ", ") if speed else (timers, " | ")
    assert head is not None
    pairs = [_PAIR.fullmatch(field.strip()) for field in text[head.end() :].split(separator)]
    values = {pair[1]: float(pair[2]) for pair in pairs if pair}
    if len(values) < len(pairs):
        return None
    at = float(speed[1]) if speed else context.marks.get(_LAST, NAN)
    prefix = "" if speed else "time (ms)/"
    return Row({prefix + name: value for name, value in values.items()}, split="train", step=at)


def _step(line: re.Match[str], context: Context) -> Row:
    step = float(line[1])
    context.marks[_LAST] = step
    if not step:
        return SKIP
    first, *others = (float(rate) for rate in _RATE.findall(line[3]))
    rates = {f"lr/{i}": rate for i, rate in enumerate(others, 1) if rate != first}
    return Row({"lr": first, "skipped": float(line[2]), **rates}, split="train", step=step)


LINES = LineFormat(
    name="deepspeed",
    title="DeepSpeed: lines of its engine beside those of a trainer",
    sample="""\
[2023-11-07 01:55:23,711] [INFO] [logging.py:96:log_dist] [Rank 0] step=10, skipped=4, lr=[4.99804827338393e-05, \
4.99804827338393e-05], mom=[(0.9, 0.95), (0.9, 0.95)]
[2023-11-07 01:55:23,714] [INFO] [timer.py:260:stop] epoch=0/micro_step=40/global_step=10, \
RunningAvgSamplesPerSec=25.025771473496132, CurrSamplesPerSec=25.704280480541442, MemAllocated=4.32GB, \
MaxMemAllocated=38.49GB
[2024-04-04 09:09:53,313] [INFO] [logging.py:96:log_dist] [Rank 0] time (ms) | fwd: 6567.66 | bwd: 17950.35 | \
bwd_inner: 17711.19 | bwd_allreduce: 239.11 | step: 1139.29
""",
    needles=("skipped=", "SamplesPerSec=", "time (ms) | "),
    parse=parse,
    precision=16,
    origin="public training guides that quote DeepSpeed's log",
    reads="step, learning rates, steps skipped for an overflow",
    beside=True,
)
