"""A line per data set below a header per epoch, as many tutorials' training loops print it.

    Epoch 1/20
    Train Loss: 7.4976 - Train Perplexity: 1803.70
    Valid Loss: 6.6521 - Valid Perplexity: 774.41

All names of a line say their data set, and a colon follows them, which tells such a line from others and from code.
Where the epochs begin anew, so does a run.
"""

from __future__ import annotations

import math
import re

from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context, LineFormat, Row
from trainvitals.parsers.text.pairs import MAX_LENGTH, fields, pairs

_NAMED = pattern(r"(?:train|training|val|valid|validation|eval|evaluation|dev|test)[ _/.-]", re.IGNORECASE)
_SPACE = pattern(r":\s+")


def parse(text: str, context: Context) -> Row | None:
    """The row of one such line, at the epoch of the header above it."""
    line = text.strip()
    if context.bar is not None or len(line) > MAX_LENGTH or "=" in line or not _NAMED.match(line):
        return None
    values = pairs(fields(_SPACE.sub(": ", line)))
    if not values or not all(_NAMED.match(name) for name in values):
        return None
    if not any("loss" in name.lower() for name in values):
        return None
    epoch = context.epoch
    starts = not math.isnan(epoch) and context.goes_back(epoch)
    return Row(values, epoch=epoch, starts_run=starts)


LINES = LineFormat(
    name="epoch_losses",
    title="training loops that print `Train Loss: ... - Train Perplexity: ...` below a header per epoch",
    sample="""\
Epoch 1/20
Train Loss: 7.4976 - Train Perplexity: 1803.70
Valid Loss: 6.6521 - Valid Perplexity: 774.41
""",
    needles=("oss:", "oss :"),
    parse=parse,
    origin="a public console log of a training loop, shortened",
    reads="epoch, split, several runs in one file",
)
