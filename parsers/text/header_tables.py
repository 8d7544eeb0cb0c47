"""Tables of an unknown trainer: a header with names, then rows of numbers below it.

      epoch    train_loss    valid_acc    cp     dur        epoch,loss        | step | loss |
    -------  ------------  -----------  ----  ------        1,0.7679          |    1 | 0.52 |
          1        0.5862       0.7741     +  2.2838

A header has at least two names, of which one counts steps or epochs. Cells of text, times and signs are left out.
"""

from __future__ import annotations

import re

from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text import naming
from trainvitals.parsers.text.template import MAX_LINE, NUMBER, value
from trainvitals.parsers.text.tokens import Field
from trainvitals.parsers.text.units import SCALES

_GAP = pattern(r"\s{2,}|\t")
_RULE = pattern(r"[\s|+=:-]*+")
_DASHES = pattern(r"[-=]+")
_WORD = pattern(r"\S+")
_CELL_NAME = pattern(r"[^\W\d][\w./@%()#' -]{0,60}|#")
_CELL = pattern(rf"({NUMBER})([kM%]|s|ms)?(?:\s?/\s?\d+)?", re.IGNORECASE)
_NO_NUMBER = pattern(r"[+*✓-]|none|n/a|\d+(?::\d\d)+|\d+\.?\d*[GMK]i?B?|", re.IGNORECASE)
_MAX_CELLS = 60
_COUNTERS = frozenset({"step", "batch", "epoch"})
_COUNTING = ("poch", "POCH", "tep", "TEP", "ter", "TER", "#", "atch", "ound", "pisode")


class HeaderTables:
    """Remembers the last header; `fields` are those of its columns."""

    def __init__(self) -> None:
        self._choices: list[tuple[str, ...]] = []
        self._mark = ""
        self._spans: list[tuple[int, int]] = []
        self.fields: tuple[Field, ...] = ()
        self.text = ""
        """The names of the columns, as a row would be written."""

    @property
    def open(self) -> bool:
        """Whether a header has been seen."""
        return bool(self._choices)

    def header(self, line: str) -> None:
        """Take a line without numbers, if it is a header or the rule below one."""
        if self._choices and _RULE.fullmatch(line):
            self._spans = [found.span() for found in _DASHES.finditer(line)]
            return
        if len(line) > MAX_LINE or not any(word in line for word in _COUNTING):
            return
        mark = "|" if "|" in line else "," if "," in line else ""
        choices = [names for names in _split(line, mark) if _is_header(names)]
        if choices:
            self._choices, self._mark, self._spans = choices, mark, []

    def row(self, line: str) -> tuple[float | None, ...] | None:
        """The numbers of a row, None for cells without one; None where the line is no row of the table."""
        begin = line.lstrip()[:1]
        if not begin or not (begin.isdigit() or begin == "|"):
            return None
        cells = self._cells(line)
        if cells is None:
            return None
        names, texts = cells
        numbers = [_number(text) for text in texts]
        if any(number is None and not _NO_NUMBER.fullmatch(text) for number, text in zip(numbers, texts, strict=True)):
            return None
        fields = tuple(map(_field, names, [names] * len(names)))
        counters = [
            number for number, one in zip(numbers, fields, strict=True) if one.role in ("step", "batch", "epoch")
        ]
        if None in counters or not any(one.role == "value" for one in fields):
            return None
        self.fields, self.text = (
            fields,
            (f" {self._mark} " if self._mark else " ").join(f"{{{name}}}" for name in names),
        )
        return tuple(numbers)

    def _cells(self, line: str) -> tuple[tuple[str, ...], list[str]] | None:
        """Names and texts of the cells of a row."""
        found = _parts(line, self._mark) if self._mark else line.split()
        for names in self._choices:
            if len(names) == len(found):
                return names, found
        names = self._choices[0]
        if self._mark or len(self._spans) != len(names) or len(found) > len(names):
            return None
        return self._below(line, names)

    def _below(self, line: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], list[str]] | None:
        """The cells of a row with gaps, by the dashes above them."""
        texts = [""] * len(names)
        for word in _WORD.finditer(line):
            at = next((i for i, (a, b) in enumerate(self._spans) if word.start() < b and word.end() > a), None)
            if at is None or texts[at]:
                return None
            texts[at] = word[0]
        return names, texts


def _split(line: str, mark: str) -> list[tuple[str, ...]]:
    """The ways to cut a header into names: at its marks, at wide gaps, and at every blank."""
    if mark:
        return [tuple(_parts(line, mark))]
    return list(dict.fromkeys((tuple(part for part in _GAP.split(line.strip()) if part), tuple(line.split()))))


def _parts(line: str, mark: str) -> list[str]:
    parts = [part.strip() for part in line.split(mark)]
    return parts[bool(not parts[0]) : len(parts) - (not parts[-1])] if mark == "|" and len(parts) > 2 else parts


def _is_header(names: tuple[str, ...]) -> bool:
    if not 2 <= len(names) <= _MAX_CELLS or len(set(names)) < len(names):
        return False
    if not all(_CELL_NAME.fullmatch(name) and len(name.split()) <= 4 for name in names):
        return False
    roles = [_field(name, names).role for name in names]
    return not _COUNTERS.isdisjoint(roles) and "value" in roles


def _field(name: str, names: tuple[str, ...]) -> Field:
    if name in ("E", "#") and names[:2] == ("E", "#"):
        # spaCy counts so
        return Field(name, "epoch" if name == "E" else "step")
    if role := naming.counter(name):
        return Field(name, role)
    return Field(name, "total") if naming.is_no_metric(name) else Field(name, "value")


def _number(text: str) -> float | None:
    found = _CELL.fullmatch(text)
    return value(found[1]) * SCALES.get(found[2] or "", 1.0) if found else None
