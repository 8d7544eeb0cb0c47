"""The layout of a JSON line: everything in it but the values, which is the same in most lines of a log.

A line of a known layout is verified byte by byte: its constant parts are compared, its numbers read, its texts hold no
quotation mark, no backslash and no control character. So what is accepted is certain to be what a JSON decoder finds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from trainvitals.parsers.json_lines.numerals import numbers
from trainvitals.parsers.json_lines.row import BOOKKEEPING
from trainvitals.parsers.json_lines.texts import Texts
from trainvitals.parsers.json_lines.words import PADDING, stands_at
from trainvitals.parsers.model import Floats, Ints
from trainvitals.parsers.patterns import pattern

MAX_LAYOUTS = 32
"""Layouts that are remembered, first come first served; a log has one for each kind of its rows."""

MAX_KEYS = 512
"""Keys of one layout; a row of more is no row of metrics, or one of few."""

_MEMBER = pattern(rb'([{,] *)("[^"\\]*" *: *)("[^"\\]*"|[^" ,{}\[\]]+)', re.ASCII)
_END = pattern(rb" *\}", re.ASCII)

_QUOTE = b'"'


class Kind(Enum):
    """What stands behind a key: a number, a text, or a word such as `null`."""

    NUMBER = "number"
    TEXT = "text"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Field:
    """One key with its value.

    `constant` are the bytes from the value before it to its own, and `quote` is the place in them of the quotation mark
    that opens the key, which is the one with the number `number` in the line.
    """

    key: str
    kind: Kind
    constant: bytes
    quote: int
    number: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of a line, the bytes after its last value, and how many quotation marks it has."""

    fields: tuple[Field, ...]
    end: bytes
    quotes: int


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Lines of a text that has `numerals.PADDING` around it.

    Shapes: `start` and `stop` (n,), `quotes` the places of all quotation marks, `first` (n,) the index in it of the
    first one of each line, `count` (n,) how many each line has.
    """

    data: bytes
    start: Ints
    stop: Ints
    quotes: Ints
    first: Ints
    count: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The lines of one layout: their indices (n,), and the columns of (n,) values that are numbers and texts."""

    rows: Ints
    numbers: dict[str, Floats]
    texts: dict[str, Texts]


def layout_of(line: bytes, fields: Mapping[str, Any]) -> Layout | None:
    """The layout of a line that holds these fields; None for one that is nested, or writes a key with escapes."""
    if len(fields) > MAX_KEYS:
        return None
    found: list[Field] = []
    at, quotes, before = 0, 0, b""
    for key, content in fields.items():
        match = _MEMBER.match(line, at)
        if not match or match[1].startswith(b"{") == bool(found):
            return None
        name, _, _ = match[2][1:].partition(_QUOTE)
        if name != key.encode("utf-8", "replace"):
            return None
        kind = _kind(content)
        quoted = _QUOTE if kind is Kind.TEXT else b""
        if match[3].startswith(_QUOTE) != bool(quoted):
            return None
        constant = before + match[1] + match[2] + quoted
        found.append(Field(key, kind, constant, len(before + match[1]), quotes))
        at, quotes, before = match.end(), quotes + 2 + 2 * len(quoted), quoted
    end = before + line[at:]
    if not found or not _END.fullmatch(line, at) or max(len(end), *(f.quote for f in found)) > len(PADDING):
        return None
    return Layout(tuple(found), end, quotes)


def _kind(content: Any) -> Kind:
    if isinstance(content, str):
        return Kind.TEXT
    return Kind.WORD if content is None or isinstance(content, bool) else Kind.NUMBER


def find(layout: Layout, lines: Lines, rows: Ints) -> Found:
    """Those of some lines that have a layout."""
    rows = rows[lines.count[rows] == layout.quotes]
    rows, starts = _alike(layout, lines, rows)
    return _read(layout, lines, rows, starts) if rows.size else Found(rows, {}, {})


def _alike(layout: Layout, lines: Lines, rows: Ints) -> tuple[Ints, Ints]:
    """Those of some lines, with as many quotes, whose constant parts are those of a layout, and where these start.

    Returns:
        (k,) and (fields, k)
    """
    first = lines.first[rows]
    same = stands_at(lines.data, lines.stop[rows] - len(layout.end), layout.end)
    starts = np.empty((len(layout.fields), rows.size), np.int64)
    for start, field in zip(starts, layout.fields, strict=True):
        np.subtract(lines.quotes[first + field.number], field.quote, out=start)
        same &= stands_at(lines.data, start, field.constant)
        if field.number == 0:
            same &= start == lines.start[rows]
            # Lines of another layout mostly differ in their first key.
            if 4 * np.count_nonzero(same) < same.size:
                return _alike(layout, lines, rows[same]) if same.any() else (rows[:0], starts[:, :0])
    return (rows, starts) if same.all() else (rows[same], starts[:, same])


def _read(layout: Layout, lines: Lines, rows: Ints, starts: Ints) -> Found:
    """The values of lines whose constant parts are those of the layout."""
    known = np.ones(rows.size, np.bool_)
    columns: dict[str, Floats] = {}
    spans: dict[str, tuple[Ints, Ints]] = {}
    ends = [*starts[1:], lines.stop[rows] - len(layout.end)]
    for field, start, end in zip(layout.fields, starts, ends, strict=True):
        begin = start + len(field.constant)
        if field.kind is not Kind.TEXT:
            value, fine = numbers(lines.data, begin, end)
            known &= fine & np.isnan(value) if field.kind is Kind.WORD else fine
            columns |= {field.key: value} if field.kind is Kind.NUMBER else {}
        elif field.key not in BOOKKEEPING:
            spans[field.key] = begin, end
    index = slice(None) if known.all() else np.flatnonzero(known)
    return Found(
        rows[index],
        {key: value[index] for key, value in columns.items()},
        {key: Texts(lines.data, start[index], stop[index]) for key, (start, stop) in spans.items()},
    )
