"""`loss_log.txt` of CycleGAN, pix2pix, CUT and their relatives.

    ================ Training Loss (Fri Apr 16 01:48:05 2021) ================
    (epoch: 1, iters: 100, time: 0.507, data: 0.091) D_A: 0.201 G_A: 0.297 cycle_A: 4.741 idt_A: 0.712

`iters` counts the images of an epoch, and how many an epoch has is written nowhere: a row has an epoch and no step.
Every start appends a header and its rows; where they begin with the first epoch anew, they are a run of their own.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row

_HEADER = pattern(r"=+ Training Loss \([^()]{0,40}\) =+\s*")
_ROW = pattern(
    rf"(?:\[Rank \d++\] )?\s*+\(epoch: (\d{{1,9}}), iters: \d{{1,15}}, time: ({NUMBER})(?:, data: ({NUMBER}))?\)",
    re.ASCII | re.IGNORECASE,
)
_ITEM = pattern(rf"[\s,]++([A-Za-z_][\w/.-]*+): ({NUMBER})(?=[\s,]|\Z)", re.ASCII | re.IGNORECASE)
_HEADED = "cyclegan_headed"


def parse(text: str, context: Context) -> Row | None:
    """The row of one line; a header only tells that the next row may be of another run."""
    if _HEADER.fullmatch(text):
        context.marks[_HEADED] = 1.0
        return SKIP
    row = _ROW.match(text)
    values = _items(text, row.end()) if row else None
    if row is None or not values:
        return None
    values["time"] = float(row[2])
    if row[3]:
        values["data"] = float(row[3])
    epoch = float(row[1])
    headed = context.marks.pop(_HEADED, 0.0) > 0
    return Row(values, split="train", epoch=epoch, starts_run=context.goes_back(epoch, opened=headed))


def _items(text: str, position: int) -> dict[str, float] | None:
    values: dict[str, float] = {}
    while match := _ITEM.match(text, position):
        values[match[1]] = float(match[2])
        position = match.end()
    return None if text[position:].strip(" ,\r") else values


LINES = LineFormat(
    name="cyclegan_log",
    title="CycleGAN, pix2pix, CUT: loss_log.txt",
    sample="""\
================ Training Loss (Fri Apr 16 01:48:05 2021) ================
(epoch: 1, iters: 100, time: 0.507, data: 0.091) D_A: 0.201 G_A: 0.297 cycle_A: 4.741 idt_A: 0.712 D_B: 0.250
(epoch: 1, iters: 200, time: 0.513, data: 0.001) D_A: 0.111 G_A: 0.589 cycle_A: 2.417 idt_A: 1.068 D_B: 0.263
""",
    needles=("(epoch: ", "Training Loss ("),
    parse=parse,
    precision=3,
    origin="junyanz/pytorch-CycleGAN-and-pix2pix issue 510; header of JunlinHan/DCLGAN",
    reads="epoch, several runs in one file",
)
