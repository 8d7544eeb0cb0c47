"""Decodes many JSON lines at once into columns, as long as they hold only keys and types that are known.

The decoder is made from the keys seen so far and refuses everything else: a key never seen, another type, nesting, a
`NaN` literal, a torn line. A refusal is no error; the caller reads those lines one by one and lets the decoder learn.
So nothing is lost, and what is accepted is certain: one flat object a line, without repeated keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from trainvitals.parsers.json_lines.row import PREDICTED, SUMMARY_KEYS
from trainvitals.parsers.model import Floats

MAX_KEYS = 512
"""A struct type of more fields costs more than it saves."""

_QUOTE = ord('"')
_ABSENT = float("-inf")
"""Marks a missing key among numbers: JSON has no infinity, and the decoder refuses numbers that overflow to one."""

_TYPES: dict[type, Any] = {
    float: float | None,
    str: str | None | UnsetType,
    bool: bool | None | UnsetType,
    type(None): None | UnsetType,
}


@dataclass(frozen=True, slots=True)
class Block:
    """Columns of `size` rows. In `numbers`, shape `(size,)`, NaN means absent; in `texts`, None does."""

    size: int
    numbers: dict[str, Floats]
    texts: dict[str, list[str | None]]


class BlockDecoder:
    """Decodes stretches of lines whose keys it has learnt from rows that were read one by one."""

    def __init__(self) -> None:
        self._kinds: dict[str, type] = {}
        self._untyped: set[str] = set()
        self._decoder: msgspec.json.Decoder[Any] | None = None

    def learn(self, fields: Mapping[str, Any]) -> None:
        """Take note of the keys of one row and of the types of their values."""
        if fields.keys() <= self._kinds.keys() - self._untyped:
            return
        for key, content in fields.items():
            kind = float if type(content) is int else type(content)
            # The first type other than null stays: one stray "nan" must not slow down all numbers after it.
            typed = key in self._untyped and kind is not type(None)
            if kind in _TYPES and (typed or (key not in self._kinds and self._is_new(key))):
                self._kinds[key] = kind
                self._untyped = {k for k, known in self._kinds.items() if known is type(None)}
                self._decoder = None

    def _is_new(self, key: str) -> bool:
        """Whether a key may become a field: not one that makes its row a summary, or that JSON would have to escape."""
        plain = key.isprintable() and '"' not in key and "\\" not in key
        return plain and len(self._kinds) < MAX_KEYS and key not in SUMMARY_KEYS and not key.startswith(PREDICTED)

    def decode(self, data: bytes) -> Block | None:
        """Columns of lines without a final line end; None if any of them must be read with more care."""
        size = data.count(b"\n") + 1
        # Flat objects that all start a line, and as many of them as lines: one object on each line.
        if not self._kinds or data[:1] != b"{" or data.count(b"\n{") != size - 1:
            return None
        if self._decoder is None:
            self._decoder = msgspec.json.Decoder(_row_type(self._kinds))
        try:
            rows = self._decoder.decode_lines(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return self._columns(rows, data) if len(rows) == size else None

    def _columns(self, rows: list[Any], data: bytes) -> Block | None:
        keys = {
            kind: [(f"f{i}", key) for i, (key, k) in enumerate(self._kinds.items()) if k is kind] for kind in _TYPES
        }
        matrix = _matrix(rows, [field for field, _ in keys[float]])
        absent = matrix == _ABSENT
        quotes = 2 * (matrix.size - int(np.count_nonzero(absent)))
        matrix[absent] = np.nan
        texts: dict[str, list[str | None]] = {}
        for field, key in keys[str]:
            column = list(map(attrgetter(field), rows))
            quotes += _quotes(column)
            texts[key] = [None if text is UNSET else text for text in column]
        for field, _ in keys[bool] + keys[type(None)]:
            quotes += 2 * sum(getattr(row, field) is not UNSET for row in rows)
        # A repeated key would be overwritten silently; it shows as quotes that no field accounts for.
        if int(np.count_nonzero(np.frombuffer(data, np.uint8) == _QUOTE)) != quotes:
            return None
        return Block(len(rows), {key: matrix[i] for i, (_, key) in enumerate(keys[float])}, texts)


def _row_type(kinds: Mapping[str, type]) -> type:
    fields = [(f"f{i}", _TYPES[kind], _ABSENT if kind is float else UNSET) for i, kind in enumerate(kinds.values())]
    names = {f"f{i}": key for i, key in enumerate(kinds)}
    return msgspec.defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _matrix(rows: list[Any], fields: list[str]) -> Floats:
    """Numbers of all rows, shape `(fields, rows)`; null becomes NaN."""
    if not fields:
        return np.empty((0, len(rows)))
    cells = map(attrgetter(*fields), rows)
    flat = cells if len(fields) == 1 else chain.from_iterable(cells)
    try:
        matrix = np.fromiter(flat, np.float64, len(rows) * len(fields))
    except TypeError:  # null stands somewhere
        matrix = np.array([tuple(getattr(row, field) for field in fields) for row in rows], np.float64)
    return np.ascontiguousarray(matrix.reshape(len(rows), len(fields)).T)


def _quotes(column: list[Any]) -> int:
    """Quotation marks that the cells of a text column, with their keys, take up in the document."""
    present = [text for text in column if text is not UNSET]
    written = [text for text in present if text is not None]
    return 2 * len(present) + 2 * len(written) + "".join(written).count('"')
