"""The table that fastai prints while it fits, one row an epoch.

    epoch     train_loss  valid_loss  accuracy  time
    0         1.102223    0.367693    0.916667  00:00
    1         0.688286    0.281458    0.916667  00:00

A fit of one epoch is followed by another of the same training, as `fine_tune` freezes the body first; the epochs of the
table after it go on from there. A longer fit that is followed by one from epoch 0 on is a run of its own.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import duration, number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row

_HEAD = pattern(r"\s{0,20}epoch {2,20}train_loss {1,20}(?:valid_loss(?: .{0,1000})?)?")
_ROW = pattern(r"\s{0,20}\d{1,9} ", re.ASCII)
_CELLS = pattern(r" {2,}")
_MAX_LINE = 2000
_MISSING = ("#na#", "None")
_TIME = "time"
_NAME, _DONE, _ROWS, _ANEW = "fastai_text", "fastai done", "fastai rows", "fastai anew"


def parse(text: str, context: Context) -> Row | None:
    """A header opens a fit; a row below it has as many cells and the next epoch."""
    if len(text) > _MAX_LINE or context.bar is not None:
        return None
    if _HEAD.fullmatch(text):
        marks = context.marks
        single = marks.get(_ROWS, 0.0) == 1
        marks[_DONE] = marks.get(_DONE, 0.0) + 1 if single else 0.0
        marks[_ANEW] = float(not single and marks.get(_ROWS, 0.0) > 1)
        marks[_ROWS] = 0.0
        context.columns[_NAME] = tuple(text.split())
        return SKIP
    columns = context.columns.get(_NAME) if _ROW.match(text) else None
    return _row(_CELLS.split(text.strip()), columns, context) if columns else None


def _row(cells: list[str], columns: tuple[str, ...], context: Context) -> Row | None:
    marks = context.marks
    first = number(cells[0])
    # Version 1 counted from 1.
    if len(cells) != len(columns) or first is None or first not in (marks[_ROWS], marks[_ROWS] + 1):
        return None
    values: dict[str, float] = {}
    for name, cell in zip(columns[1:], cells[1:], strict=True):
        value = duration(cell) if name == _TIME else number(cell)
        if value is None and cell not in _MISSING:
            return None
        if value is not None and name != _TIME:
            values[name] = value
    marks[_ROWS] += 1
    return Row(values, epoch=marks[_DONE] + first, starts_run=marks.pop(_ANEW, 0.0) > 0)


LINES = LineFormat(
    name=_NAME,
    title="fastai: the table that a fit prints",
    sample="""\
epoch     train_loss  valid_loss  accuracy  time
0         1.102223    0.367693    0.916667  00:00
1         0.688286    0.281458    0.916667  00:00
2         0.508243    0.329499    0.916667  00:00
""",
    needles=("  ",),
    parse=parse,
    precision=6,
    origin="a public README of a training script that uses fastai",
    reads="epoch, split, several runs in one file",
    after=("epoch     train_loss",),
)
