"""Blocks that a trainer prints once per epoch: a header, then one indented metric a line.

    Epoch 1:
      loss_ce:     0.906  (high - model learning EOS for first time)
      loss_coords: 1.373  (normal)

A block ends at the first line that is neither indented nor blank. Every line is a row of its own at the block's
epoch, so that it can be cited.
"""

from __future__ import annotations

import re

from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row
from trainvitals.parsers.text.pairs import MAX_LENGTH, fields, pairs

_HEADER = pattern(
    r"[\W_]{0,40}epoch[\W_]{0,5}(\d{1,9})(?: ?(?:/|of) ?(\d{1,9}))?"
    r"(?:[\W_]{0,40}|\W{1,5}(?:results|summary|done|metrics):?|\W{1,5}(?:epoch |elapsed )?time\W{1,3}[\d.:hms ]{1,20})",
    re.IGNORECASE | re.ASCII,
)
_AFTER_NAME = pattern(r"([:=])\s+")


def parse(text: str, context: Context) -> Row | None:
    """A header opens a block and sets the epoch; an indented line of an open block is a row."""
    if context.bar is not None or len(text) > MAX_LENGTH:
        return None
    header = _HEADER.fullmatch(text) if "poch" in text or "POCH" in text else None
    if header:
        context.epoch = float(header[1])
        context.epochs = int(header[2] or 0)
        context.headers += 1
        context.indented_block = True
        return SKIP
    if not context.indented_block or not text[:1].isspace():
        return None
    values = pairs(fields(_AFTER_NAME.sub(r"\1 ", text)))
    return Row(values, epoch=context.epoch) if values else None


LINES = LineFormat(
    name="epoch_blocks",
    title="a header per epoch with one indented metric a line, as trainers with an EOS loss print",
    sample="""\
Epoch 1:
  loss_ce:     0.906  (high - model learning EOS for first time)
  loss_coords: 1.373  (normal - unaffected by EOS weighting)

Epoch 2:
  loss_ce:     0.607
  loss_coords: 1.408
""",
    needles=("poch", "POCH", "  ", "\t"),
    parse=parse,
    precision=3,
    origin="lines quoted by practitioners",
    reads="epoch",
)
