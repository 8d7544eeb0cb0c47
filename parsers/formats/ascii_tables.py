"""The tables that OpenAI baselines and Stable-Baselines3 print: a metric a row, a table every epoch or rollout.

    ------------------------------------      ------------------------------
    | epoch              | 35          |      | rollout/           |       |
    | test/mean_Q        | -0.9908921  |      |    ep_rew_mean     | 22.4  |
    | test/success_rate  | 1.0         |      | time/              |       |
    | train/episode      | 3600.0      |      |    total_timesteps | 2048  |
    ------------------------------------      ------------------------------

A table is one row, cited at its closing border: its step may stand anywhere in it. Rows below a heading that ends in a
slash carry that heading. Cells of text are left out.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row, Table

_BORDER = pattern(r"\s*-{10,}\s*")
_ROW = pattern(r"\|( *)([^|]*?) *\| *([^|]*?) *\|\s*")
_STEP = ("total_timesteps", "timesteps", "total timesteps", "timestepssofar", "steps", "nupdates")
_EPOCH = "epoch"
_MAX_LINE, _MAX_ROWS = 300, 500
_INDENT = 2
"""Blanks before a name that stands below a heading."""


def parse(text: str, context: Context) -> Row | None:
    """A border opens a table or, once it has rows, closes it; only then it is a row of a series."""
    if len(text) > _MAX_LINE:
        return None
    if _BORDER.fullmatch(text):
        closed, context.table = context.table, None
        if closed is None or not closed.cells:
            context.table = Table()
            return None
        return _row(closed.cells)
    cell = _ROW.fullmatch(text)
    if cell is None or context.table is None or len(context.table.cells) >= _MAX_ROWS:
        return None
    return SKIP if _keep(cell, context.table) else None


def _keep(cell: re.Match[str], table: Table) -> bool:
    indent, name, content = cell.groups()
    if not content and name.endswith("/"):
        table.heading = name
        return True
    value = number(content)
    if name and value is not None:
        table.cells[(table.heading if len(indent) >= _INDENT else "") + name] = value
    return bool(name)


def _row(cells: dict[str, float]) -> Row:
    """The row of a table; the last part of a name tells whether it counts steps or epochs."""
    last = {name.rpartition("/")[2].lower(): name for name in reversed(cells)}
    step = next((last[name] for name in _STEP if name in last), None)
    epoch = last.get(_EPOCH)
    return Row(
        {name: value for name, value in cells.items() if name not in (step, epoch)},
        step=cells[step] if step else NAN,
        epoch=cells[epoch] if epoch else NAN,
    )


LINES = LineFormat(
    name="ascii_tables",
    title="OpenAI baselines, Stable-Baselines3: tables in console output",
    sample="""\
-----------------------------------
| epoch              | 35         |
| stats_g/mean       | 0.83868843 |
| test/mean_Q        | -0.9908921 |
| test/success_rate  | 1.0        |
| train/episode      | 3600.0     |
-----------------------------------
""",
    needles=("| ", "----------"),
    parse=parse,
    precision=7,
    origin="CS15B001/HER_Improvements, Logs/Fetch_Push/openai_run1.txt",
    reads="step, epoch",
)
