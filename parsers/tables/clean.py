"""The fast way through a table that is clean to its end: only decimal numbers and gaps, every row of one width.

It answers exactly what the careful way answers, or not at all: what needs a closer look is left to that.
"""

from __future__ import annotations

import io

import numpy as np

from trainvitals.parsers.limits import MAX_LINE_BYTES
from trainvitals.parsers.model import Floats

_NUMERIC = b"0123456789eE+-.\n"
"""Over these characters `float`, numpy's reader and the strict grammar agree on what is a number."""

_GAP = b"nan"
"""Stands for an empty cell; `nan` itself is not over `_NUMERIC`, so that the two cannot be confused."""


def clean_rows(data: bytes, width: int, delimiter: bytes) -> Floats | None:
    """All rows of whole lines with shape `(rows, width)`, NaN for an empty cell; None if anything is unusual."""
    body = _unquoted(data.replace(b"\r\n", b"\n"), delimiter)
    if width < 2 or body is None or not body.endswith(b"\n") or body.translate(None, _NUMERIC + delimiter):
        return None
    if not _rectangular(body, delimiter, width):
        return None
    try:
        text = io.StringIO(_filled(body, delimiter).decode())
        rows: Floats = np.loadtxt(text, delimiter=delimiter.decode(), comments=None, ndmin=2)
    except ValueError:
        return None
    return rows


def _unquoted(body: bytes, delimiter: bytes) -> bytes | None:
    """The body without its quotes, if every single cell stands between two of them or none does."""
    quotes = body.count(b'"')
    if not quotes:
        return body
    delimiters, lines = body.count(delimiter), body.count(b"\n")
    framed = (
        body.startswith(b'"')
        and body.endswith(b'"\n')
        and body.count(b'"' + delimiter + b'"') == delimiters
        and body.count(b'"\n"') == lines - 1
        and quotes == 2 * (delimiters + lines)
    )
    return body.replace(b'"', b"") if framed else None


def _rectangular(body: bytes, delimiter: bytes, width: int) -> bool:
    """Whether each line has `width` cells and no line is over the limit."""
    characters = np.frombuffer(body, np.uint8)
    at = np.flatnonzero((characters == ord("\n")) | (characters == ord(delimiter)))
    if at.size % width:
        return False
    ends = (characters[at] == ord("\n")).reshape(-1, width)
    longest = np.diff(at[width - 1 :: width], prepend=-1).max(initial=0)
    return bool(ends[:, -1].all() and not ends[:, :-1].any() and longest <= MAX_LINE_BYTES)


def _filled(body: bytes, delimiter: bytes) -> bytes:
    empty, full = delimiter * 2, delimiter + _GAP + delimiter
    body = body.replace(empty, full).replace(empty, full)  # twice, as neighbouring gaps share a delimiter
    body = body.replace(b"\n" + delimiter, b"\n" + _GAP + delimiter).replace(
        delimiter + b"\n", delimiter + _GAP + b"\n"
    )
    return _GAP + body if body.startswith(delimiter) else body
