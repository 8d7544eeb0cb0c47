"""Many alike events at once: what one event looks like is parsed, the rest of its kind is compared and gathered.

Two events of one length are alike when they agree in every byte except those of the tag, the time, the step's digits
and the value. Then the numbers stand at the same places, and the checksums differ only by what those bytes add.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from trainvitals.parsers.crc32c import Words, checksum, contribution, masked
from trainvitals.parsers.event_scalars import parse_event
from trainvitals.parsers.event_wire import WireError
from trainvitals.parsers.model import Bools, Floats, Ints

_CODES = ("<f", "<d", "<e")
_LONGEST_STEP = 9
"""Bytes of a step below 2**63; ten bytes are a negative one."""

_HASH = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where an event of `length` bytes with one scalar keeps its parts; `time_at`, `step_at` are -1 if absent."""

    length: int
    time_at: int
    step_at: int
    step_width: int
    code: str
    value_at: int
    tag_at: int
    tag_stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Events of one length, gathered from the file.

    Shapes: `row` (n,) their places in the block, `raw` (n, 8 * w) their bytes, `words` (w, n) the same turned.
    """

    row: Ints
    raw: npt.NDArray[np.uint8]
    words: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.raw)

    def take(self, index: Ints | Bools) -> Rows:
        """The rows chosen by an index array or a mask."""
        return Rows(self.row[index], self.raw[index], self.words[:, index])

    def column(self, at: int, kind: str) -> Any:
        """The numbers of a type that start at a byte of every row: (n,)."""
        return np.ndarray((len(self.raw),), kind, self.raw, at, (self.raw.shape[1],))


def row_width(length: int) -> int:
    """Bytes gathered for a record: its data and the checksum behind it, rounded up to whole words."""
    return -(-(length + 4) // 8) * 8


def gather(data: bytes, row: Ints, start: Ints, length: int) -> Rows:
    """The records of one length that start at these bytes (n,); `row_width(length)` bytes must exist from each."""
    width = row_width(length)
    items = np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))
    raw = items[start].view(np.uint8).reshape(start.size, width)
    return Rows(row, raw, np.ascontiguousarray(raw.view("<u8").T))


def layout_of(record: bytes) -> Layout | None:
    """The layout of an event that holds exactly one scalar of a fixed width, else None."""
    try:
        event = parse_event(record)
    except WireError:
        return None
    if len(event.values) != 1 or event.step_width > _LONGEST_STEP:
        return None
    value = event.values[0]
    if value.number is None or value.number.at < 0 or value.number.code not in _CODES or not value.tag_at:
        return None
    where = event.time_at, event.step_at, event.step_width, value.number.code, value.number.at
    return Layout(len(record), *where, value.tag_at, value.tag_stop)


@lru_cache(maxsize=1024)
def _variable(layout: Layout) -> tuple[int, ...]:
    """The bytes of the time, the step and the value."""
    width = np.dtype(layout.code).itemsize
    time = range(layout.time_at, layout.time_at + 8 if layout.time_at >= 0 else layout.time_at)
    step = range(layout.step_at, layout.step_at + layout.step_width)
    return (*time, *step, *range(layout.value_at, layout.value_at + width))


@lru_cache(maxsize=1024)
def _masks(layout: Layout) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Which bits must agree for the layout to be the same, and which are the tag: (w,) and (w,)."""
    fixed, tag = (np.zeros(row_width(layout.length), np.uint8) for _ in range(2))
    fixed[: layout.length] = 255
    fixed[list(_variable(layout))] = 0
    # The highest bit of a byte of the step says whether another byte follows.
    fixed[layout.step_at : layout.step_at + layout.step_width] = 0x80
    tag[layout.tag_at : layout.tag_stop] = 255
    return (fixed & ~tag).view("<u8"), tag.view("<u8")


def alike(rows: Rows, layout: Layout) -> Bools:
    """Which rows have the layout that the first one has: (n,)."""
    return _agree(rows.words, rows.words[:, :1], _masks(layout)[0])


def _agree(words: npt.NDArray[np.uint64], other: npt.NDArray[np.uint64], mask: npt.NDArray[np.uint64]) -> Bools:
    used = np.flatnonzero(mask)
    same: Bools = (((words[used] ^ other[used]) & mask[used, None]) == 0).all(axis=0)
    return same


def by_tag(rows: Rows, layout: Layout) -> tuple[Ints, Ints]:
    """Rows of one layout in runs of equal tags.

    Returns:
        (order, first): `order` (m,) are row numbers, tag after tag, in order within a tag; a run starts at every
        position in `first` (k,). Rows whose tag shares its hash with another one are left out.
    """
    mask = _masks(layout)[1]
    used = np.flatnonzero(mask)
    if not used.size or _agree(rows.words, rows.words[:, :1], mask).all():
        return np.arange(len(rows)), np.zeros(1, np.int64)
    key = np.zeros(len(rows), np.uint64)
    for word in used:
        key = (key ^ (rows.words[word] & mask[word])) * _HASH
        key ^= key >> np.uint64(29)
    bucket = (key >> np.uint64(48)).astype(np.uint16)
    order = bucket.argsort(kind="stable")
    first = _run_starts(bucket[order])
    leader = np.repeat(order[first], np.diff(first, append=order.size))
    certain = _agree(rows.words[:, order], rows.words[:, leader], mask)
    if not certain.all():
        leader, order = leader[certain], order[certain]
        first = _run_starts(leader)
    return order, first


def _run_starts(values: npt.NDArray[Any]) -> Ints:
    return np.concatenate(([0], np.flatnonzero(values[1:] != values[:-1]) + 1))


def times(rows: Rows, layout: Layout) -> Floats:
    """Wall times in seconds: (n,)."""
    return np.zeros(len(rows)) if layout.time_at < 0 else rows.column(layout.time_at, "<f8").astype(np.float64)


def values(rows: Rows, layout: Layout) -> Floats:
    """The scalars: (n,)."""
    # A signalling NaN is a value like any other.
    with np.errstate(invalid="ignore"):
        found: Floats = rows.column(layout.value_at, layout.code).astype(np.float64)
    return found


def steps(rows: Rows, layout: Layout) -> Floats:
    """The steps: (n,)."""
    total = np.zeros(len(rows), np.int64)
    for place in range(layout.step_width):
        total |= (rows.raw[:, layout.step_at + place] & 127).astype(np.int64) << (7 * place)
    return total.astype(np.float64)


def intact(rows: Rows, layout: Layout, first: Ints) -> Bools:
    """Which rows have the checksum that is stored behind them: (n,). A run of equal tags starts at every `first`."""
    variable = _variable(layout)
    constant = np.array([checksum(_without(rows.raw[row], layout, variable)) for row in first.tolist()], np.uint32)
    crc = np.repeat(constant, np.diff(first, append=len(rows)))
    crc ^= contribution(rows.raw[:, variable], tuple(layout.length - 1 - at for at in variable))
    good: Bools = masked(crc) == rows.column(layout.length, "<u4")
    return good


def _without(row: npt.NDArray[np.uint8], layout: Layout, variable: tuple[int, ...]) -> bytes:
    blank: Words | npt.NDArray[np.uint8] = row[: layout.length].copy()
    blank[list(variable)] = 0
    return blank.tobytes()
