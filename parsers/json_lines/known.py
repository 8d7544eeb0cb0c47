"""Reads at once those lines of a text whose layout has been seen before, and says which these are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainvitals.parsers.json_lines import layouts
from trainvitals.parsers.json_lines.blocks import Block
from trainvitals.parsers.json_lines.layouts import Found, Kind, Layout, Lines
from trainvitals.parsers.json_lines.texts import ABSENT, Texts
from trainvitals.parsers.json_lines.words import PADDING
from trainvitals.parsers.model import Ints

FEW = 16
"""So many lines are not worth the trouble."""

MAX_TRIED = 256
"""Different rows that are looked at for a layout; where there are more, hardly two are alike."""

MAX_PAUSE = 63
"""Texts that are passed over where those before them were of other layouts."""

APART = 16
"""Lines per stretch of other lines, which takes the rows before it from those behind it, at the cost of this many."""

_NEWLINE, _SPACE, _QUOTE, _BACKSLASH = b'\n "\\'


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Lines that were read at once: their indices `rows`, (n,), ascending, and their columns.

    `others` are the stretches of lines between them in which an object may stand: index of the first line, first byte,
    byte behind the last one.
    """

    rows: Ints
    block: Block
    others: list[tuple[int, int, int]]


class KnownLines:
    """Remembers layouts, from rows that were read one by one."""

    def __init__(self) -> None:
        self._layouts: dict[tuple[bytes, ...], Layout] = {}
        self._kinds: dict[str, Kind] = {}
        self._tried: set[tuple[Any, ...]] = set()
        self._failed = self._pause = 0
        """How many texts in a row were not to be read here, and how many are passed over for it."""

    def __deepcopy__(self, memo: dict[int, Any]) -> KnownLines:
        """One that learns by itself from here on; layouts never change."""
        twin = KnownLines()
        twin._layouts, twin._kinds, twin._tried = dict(self._layouts), dict(self._kinds), set(self._tried)
        return twin

    @property
    def count(self) -> int:
        """How many layouts are known."""
        return len(self._layouts)

    def learn(self, line: bytes, fields: Mapping[str, Any]) -> None:
        """Take note of the layout of a line that holds these fields, and nothing besides."""
        tried = (*fields, *map(type, fields.values()))
        if tried in self._tried or len(self._layouts) >= layouts.MAX_LAYOUTS or len(self._tried) >= MAX_TRIED:
            return
        self._tried.add(tried)
        found = layouts.layout_of(line, fields)
        if found is None:
            return
        kinds = {field.key: field.kind for field in found.fields if field.kind is not Kind.WORD}
        # The first kind of a key stays: a column is either numbers or texts.
        if all(self._kinds.get(key, kind) is kind for key, kind in kinds.items()):
            self._kinds |= kinds
            # One with numbers where an earlier one has words reads both.
            self._layouts[(*(field.constant for field in found.fields), found.end)] = found

    def decode(self, text: bytes) -> Known | None:
        """Read a text without a line end at its end; None where hardly any line is known."""
        if not self._layouts or text.count(b"\n", 0, 1 << 16) < FEW:
            return None
        if self._pause:
            self._pause -= 1
            return None
        found = self._decoded(text)
        self._failed = 0 if found else self._failed + 1
        self._pause = min((1 << self._failed) - 1, MAX_PAUSE)
        return found

    def _decoded(self, text: bytes) -> Known | None:
        lines = _lines(text)
        if lines is None:
            return None
        rest, found = np.arange(lines.start.size), []
        for layout in self._layouts.values():
            if rest.size:
                found.append(layouts.find(layout, lines, rest))
                rest = _without(rest, found[-1].rows)
        found = [one for one in found if one.rows.size]
        # Lines without an object hold nothing.
        others = [one for one in _stretches(rest, lines) if text.find(b"{", *one[1:]) >= 0]
        if not found or len(others) > lines.start.size // APART:
            return None
        return Known(*_joined(found, lines.data), others)


def _lines(text: bytes) -> Lines | None:
    """The lines of a text; None where it is none. Lines with escapes or control characters are given no quotes."""
    if not (text.isascii() or _is_utf8(text)):
        return None
    data, pad = b"".join((PADDING, text, PADDING)), len(PADDING)
    chars = np.frombuffer(data, np.uint8)[pad:-pad]
    odd = ends = np.flatnonzero(chars < _SPACE)
    line_ends = chars[ends] == _NEWLINE
    ends, odd = (ends, odd[:0]) if line_ends.all() else (ends[line_ends], odd[~line_ends])
    if b"\\" in text:
        odd = np.append(odd, np.flatnonzero(chars == _BACKSLASH))
    quotes = np.flatnonzero(chars == _QUOTE)
    stop = np.append(ends, chars.size)
    until = np.searchsorted(quotes, stop)
    first = np.append(0, until[:-1])
    count = until - first
    count[np.searchsorted(stop, odd)] = 0
    return Lines(data, np.append(0, ends + 1) + pad, stop + pad, quotes + pad, first, count)


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _without(rows: Ints, taken: Ints) -> Ints:
    """The rows that are not among the taken ones."""
    if taken.size in (0, rows.size):
        return rows[: rows.size - taken.size]
    left = np.ones(int(rows[-1]) + 1, np.bool_)
    left[taken] = False
    return rows[left[rows]]


def _stretches(rows: Ints, lines: Lines) -> list[tuple[int, int, int]]:
    if not rows.size:
        return []
    breaks = np.flatnonzero(np.diff(rows) != 1)
    first, last = rows[np.append(0, breaks + 1)], rows[np.append(breaks, rows.size - 1)]
    begin, end = lines.start[first] - len(PADDING), lines.stop[last] - len(PADDING)
    return list(zip(first.tolist(), begin.tolist(), end.tolist(), strict=True))


def _joined(found: Sequence[Found], data: bytes) -> tuple[Ints, Block]:
    """The columns of all layouts, in the order of the lines."""
    if len(found) == 1:
        return found[0].rows, Block(found[0].rows.size, found[0].numbers, found[0].texts)
    rows = np.sort(np.concatenate([one.rows for one in found]))
    numbers: dict[str, Any] = {}
    texts: dict[str, Any] = {}
    for one in found:
        at = np.searchsorted(rows, one.rows)
        for key, column in one.numbers.items():
            numbers.setdefault(key, np.full(rows.size, np.nan))[at] = column
        for key, cells in one.texts.items():
            start, stop = texts.setdefault(key, (np.full(rows.size, ABSENT), np.full(rows.size, ABSENT)))
            start[at], stop[at] = cells.start, cells.stop
    columns: dict[str, list[str | None] | Texts] = {key: Texts(data, *places) for key, places in texts.items()}
    return rows, Block(rows.size, numbers, columns)
