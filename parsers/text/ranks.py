"""Rows that several processes print at once: one process is kept, as the others say the same or a share of it."""

from __future__ import annotations

import re

from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context

_PREFIX = pattern(r"\s{0,8}(?:\[?(?:rank|default|task)?_?\d{1,6}\]?:[ \t]*){1,3}", re.ASCII)
_NUMBERS = pattern(r"\d+", re.ASCII)

_NEAR_LINES = 256
"""Lines within which a process that prints at all has printed again."""
_NEAR_ROWS = 2
"""Rows by which one process may run ahead of another in a log that they share."""


def is_twin(text: str, step: float, context: Context, name: str) -> bool:
    """Whether a row is that of another process than the one whose rows of `name` are kept: the first that printed.

    Processes print the same step almost at once. A row that is far off, in lines or in steps, is of a new attempt, in
    which another process may have the word; its rows are kept from there on.
    """
    marks = context.marks
    rank = rank_of(text)
    kept, line = marks.get(f"{name} rank", rank), marks.get(f"{name} line", 0.0)
    last, stride = marks.get(f"{name} step", step), marks.get(f"{name} stride", 1.0)
    if rank != kept and context.line - line <= _NEAR_LINES and abs(step - last) <= _NEAR_ROWS * stride:
        return True
    marks[f"{name} rank"], marks[f"{name} line"], marks[f"{name} step"] = rank, float(context.line), step
    marks[f"{name} stride"] = max(1.0, step - last)
    return False


def rank_of(text: str) -> float:
    """One number for the process that a launcher's prefix names (`55:`, `[rank7]:`, `9: [default3]:`); -1 for none."""
    prefix = _PREFIX.match(text)
    rank = -1.0
    for number in _NUMBERS.findall(prefix[0]) if prefix else ():
        rank = max(rank, 0.0) * 1e6 + float(number)
    return rank
