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
step 0: train loss 6.0601, val loss 6.0586
iter 0: loss 6.0659, time 254533.85ms, mfu -100.00%
iter 10: loss 5.8831, time 1210.22ms, mfu 3.41%
""",
    needles=(": train loss ", ": val loss ", ": loss "),
    parse=parse,
)
