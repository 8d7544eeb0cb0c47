"""The two lines of nanoGPT: estimates at every evaluation, and the loss of one batch in between.

    step 0: train loss 6.0601, val loss 6.0586
    iter 0: loss 6.0659, time 254533.85ms, mfu -100.00%

The train loss of a `step` line is an estimate over many batches, with dropout off. Where there are `iter` lines as
well, it stays a series of its own, `estimated_loss`. The loss of an `iter` line is that of the last micro batch, which
nanoGPT has already multiplied by the accumulation steps. An `mfu` below 0 means that it is not known yet.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context, LineFormat, Row

_HEAD = pattern(r"(?:\A|(?<=[\s\]]))(?:step|iter) (\d{1,15}): (?=train loss|val loss|loss)", re.ASCII)
_HEAD_LENGTH = 120
# A unit behind the number (`BPC`, `ms`) is one word.
_FIELD = pattern(rf"([A-Za-z][A-Za-z_ ]{{0,30}}) ({NUMBER})(?: ?[A-Za-z]{{1,6}}| ?%)?", re.ASCII | re.IGNORECASE)
_ESTIMATE = "train estimated_loss"


def parse(text: str, context: Context) -> Row | None:  # noqa: ARG001 - every line says all of it
    """The row of one line."""
    head = _HEAD.search(text, 0, _HEAD_LENGTH)
    if head is None:
        return None
    fields = [_FIELD.fullmatch(field.strip()) for field in text[head.end() :].split(", ")]
    values = {field[1]: float(field[2]) for field in fields if field}
    if len(values) < len(fields):
        return None
    if values.get("mfu", 0.0) < 0:
        del values["mfu"]
    if "train loss" in values:
        values = {_ESTIMATE if name == "train loss" else name: value for name, value in values.items()}
    return Row(values, step=float(head[1]))


LINES = LineFormat(
    name="nanogpt",
    title="nanoGPT: console output",
    sample="""\
2023-03-22 09:32:22 iter 2990: loss 3.8853, time 1096.65ms, mfu 15.34%
2023-03-22 09:32:32 step 3000: train loss 4.0390, val loss 4.0427
2023-03-22 09:32:41 iter 3000: loss 4.2490, time 35392.33ms, mfu 13.85%
2023-03-22 09:32:52 iter 3010: loss nan, time 1019.95ms, mfu 14.12%
""",
    needles=(": train loss ", ": val loss ", ": loss "),
    parse=parse,
    origin="karpathy/nanoGPT issue 215",
    reads="step, split",
)
