"""Decodes many JSON lines at once into columns, as long as they hold only keys and types that are known.

The decoder is made from the keys seen so far and refuses everything else: a key never seen, another type, nesting, a
`NaN` literal, a torn line. A refusal is no error; the caller reads those lines one by one and lets the decoder learn.
So nothing is lost, and what is accepted is certain: one flat object a line, without repeated keys.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from trainvitals.parsers.json_lines.row import PREDICTED, SUMMARY_KEYS
from trainvitals.parsers.json_lines.texts import Texts
from trainvitals.parsers.model import Bytes, Floats

if TYPE_CHECKING:
    import msgspec

MAX_KEYS = 512
"""A struct type of more fields costs more than it saves."""

_NEWLINE, _QUOTE, _BRACE = b'\n"{'
_ABSENT = float("-inf")
"""Marks a missing key among numbers: JSON has no infinity, and the decoder refuses numbers that overflow to one."""

_TYPES = (float, str, bool, type(None))


@dataclass(frozen=True, slots=True)
class Block:
    """Columns of `size` rows. In `numbers`, shape `(size,)`, NaN means absent; in `texts`, None does."""

    size: int
    numbers: dict[str, Floats]
    texts: Mapping[str, list[str | None] | Texts]


class BlockDecoder:
    """Decodes stretches of lines whose keys it has learnt from rows that were read one by one."""

    def __init__(self) -> None:
        self._kinds: dict[str, type] = {}
        self._untyped: set[str] = set()
        self._decoder: msgspec.json.Decoder[Any] | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> BlockDecoder:
        """A decoder that learns by itself from here on; what has been made for the keys so far is shared."""
        twin = BlockDecoder()
        twin._kinds, twin._untyped, twin._decoder = dict(self._kinds), set(self._untyped), self._decoder
        return twin

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
        if not self._kinds or data[:1] != b"{" or data[-1:] == b"\n":
            return None
        # Flat objects that all start a line, and as many of them as lines: one object on each line.
        characters = np.frombuffer(data, np.uint8)
        ends = np.flatnonzero(characters == _NEWLINE)
        size = ends.size + 1
        if not (characters[ends + 1] == _BRACE).all():
            return None
        # Late: most logs are read without it.
        import msgspec

        if self._decoder is None:
            self._decoder = msgspec.json.Decoder(_row_type(self._kinds))
        try:
            rows = self._decoder.decode_lines(data)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None
        return self._columns(rows, characters) if len(rows) == size else None

    def _columns(self, rows: list[Any], characters: Bytes) -> Block | None:
        from msgspec import UNSET
        from msgspec.structs import astuple

        cells = dict(zip(self._kinds, zip(*map(astuple, rows), strict=True), strict=True))
        numbers = [key for key, kind in self._kinds.items() if kind is float]
        matrix = _matrix([cells[key] for key in numbers], len(rows))
        absent = matrix == _ABSENT
        quotes = 2 * (matrix.size - int(np.count_nonzero(absent)))
        matrix[absent] = np.nan
        texts: dict[str, list[str | None] | Texts] = {}
        for key, kind in self._kinds.items():
            if kind is str:
                texts[key], count = _texts(cells[key])
                quotes += count
            elif kind is not float:
                quotes += 2 * (len(rows) - cells[key].count(UNSET))
        # A repeated key would be overwritten silently; it shows as quotes that no field accounts for.
        if int(np.count_nonzero(characters == _QUOTE)) != quotes:
            return None
        return Block(len(rows), dict(zip(numbers, matrix, strict=True)), texts)


def _row_type(kinds: Mapping[str, type]) -> type:
    from msgspec import UNSET, UnsetType, defstruct

    types: dict[type, Any] = {float: float | None} | {kind: kind | None | UnsetType for kind in (str, bool)}
    types[type(None)] = None | UnsetType
    fields = [(f"f{i}", types[kind], _ABSENT if kind is float else UNSET) for i, kind in enumerate(kinds.values())]
    names = {f"f{i}": key for i, key in enumerate(kinds)}
    return defstruct("Row", fields, rename=names, forbid_unknown_fields=True, gc=False)


def _matrix(columns: Sequence[Sequence[float | None]], size: int) -> Floats:
    """Columns of numbers, shape `(columns, size)`; null becomes NaN."""
    # Packing a column of Python floats is several times faster than making an array of them.
    pack = struct.Struct(f"{size}d").pack
    try:
        packed = [pack(*column) for column in columns]
    except struct.error:  # null stands somewhere
        packed = [np.array(column, np.float64).tobytes() for column in columns]
    return np.frombuffer(bytearray().join(packed)).reshape(len(columns), size)


def _texts(column: tuple[Any, ...]) -> tuple[list[str | None], int]:
    """A text column, and how many quotation marks its cells, with their keys, take up in the document."""
    from msgspec import UNSET

    try:
        return list(column), 4 * len(column) + "".join(column).count('"')
    except TypeError:  # a cell is null, or its key is missing
        present = [text for text in column if text is not UNSET]
        written = [text for text in present if text is not None]
        quotes = 2 * len(present) + 2 * len(written) + "".join(written).count('"')
        return [None if text is UNSET else text for text in column], quotes
