"""The table that the Hugging Face Trainer draws in a notebook, copied as text or kept in the notebook's output.

     [60/60 09:26, Epoch 1/2]
    Step	Training Loss	Validation Loss
    10	2.361331	2.238496
    20	1.537237	1.518947

Between the cells stand tabs, or wide gaps where the tabs were lost. A row per logged step, or per evaluation; then the
training loss is the last one logged before it, and a cell of `No log` says that there was none. A first column `Epoch`
counts epochs. A second table that begins where the first did is another run; one that goes on from it is not.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row

_HEAD = pattern(r"\s{0,20}(Step|Epoch)(?:\t *| {2,20})Training Loss(?:\s.{0,1000})?")
_GAP = pattern(r" *\t *| {2,}")
_FIRST = pattern(r"\s{0,20}\d", re.ASCII)
_MAX_LINE = 2000
_NEAR = 100
"""Lines within which the next row of a table comes; warnings may stand between two."""
_NO_LOG = "No log"
_NAME, _LAST, _LINE, _ANEW = "notebook_table", "notebook_table last", "notebook_table line", "notebook_table anew"


def parse(text: str, context: Context) -> Row | None:
    """A header names the columns; a row below it has as many cells, and a higher step than the row before."""
    if len(text) > _MAX_LINE:
        return None
    if _HEAD.fullmatch(text):
        context.columns[_NAME] = tuple(_GAP.split(text.strip()))
        context.marks[_LAST], context.marks[_LINE], context.marks[_ANEW] = -1.0, context.line, 1.0
        return SKIP
    columns = context.columns.get(_NAME) if _FIRST.match(text) else None
    if columns is None:
        return None
    if context.line - context.marks[_LINE] > _NEAR:
        del context.columns[_NAME]
        return None
    return _row(_GAP.split(text.strip()), columns, context)


def _row(cells: list[str], columns: tuple[str, ...], context: Context) -> Row | None:
    numbers = [NAN if cell == _NO_LOG else number(cell) for cell in cells]
    at = numbers[0]
    if len(cells) != len(columns) or None in numbers or at is None or at <= context.marks[_LAST]:
        return None
    context.marks[_LAST], context.marks[_LINE] = at, context.line
    values = {
        name: value
        for name, cell, value in zip(columns[1:], cells[1:], numbers[1:], strict=True)
        if value is not None and cell != _NO_LOG
    }
    starts = context.goes_back(at, opened=context.marks.pop(_ANEW, 0.0) > 0)
    by_step = columns[0] == "Step"
    return Row(values, step=at if by_step else NAN, epoch=NAN if by_step else at, starts_run=starts)


LINES = LineFormat(
    name=_NAME,
    title="Hugging Face Trainer, TRL, Unsloth: the table in a notebook",
    sample="""\
 [60/60 09:26, Epoch 1/2]
Step\tTraining Loss\tValidation Loss
10\t2.361331\t2.238496
20\t1.537237\t1.518947
30\t1.494586\t1.442314
""",
    needles=("\t", "  "),
    parse=parse,
    precision=6,
    origin="a public notebook that fine-tunes with Unsloth",
    reads="step or epoch, split, several runs in one file",
    after=("Training Loss",),
)
