"""Many alike events at once: what one body looks like is parsed, the others of its kind are compared and gathered.

Two bodies (events without their heads) of one length are alike when they agree in every byte except those of the tag
and of the value. Then the numbers stand at the same places, and the checksums differ only by what those bytes add.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trainvitals.parsers.events.crc32c import byte_tables, continued, looked_up, masked, shift_tables
from trainvitals.parsers.events.scalars import parse_event
from trainvitals.parsers.events.wire import WireError
from trainvitals.parsers.model import Bools, Bytes, Column, Floats, Ints, Longs, Words

_WIDTH = {"<f": 4, "<d": 8, "<e": 2}
"""Types that are read many at once, and their bytes."""

SHORTEST, LONGEST = 8, 1024
"""Lengths of bodies that are read many at once; others are no scalars, or few."""

FEW = 6
"""So many alike events are not worth the trouble."""

MAX_KNOWN = 64
"""Layouts of one length that are remembered from file to file."""

_HASH = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a body of `length` bytes with one scalar keeps its value and its tag."""

    length: int
    code: str
    value_at: int
    tag_at: int
    tag_stop: int

    @property
    def value(self) -> slice:
        """The bytes of the value."""
        return slice(self.value_at, self.value_at + _WIDTH[self.code])


@dataclass(frozen=True, slots=True, eq=False)
class Bodies:
    """Bodies of one length, gathered from the file with the checksum behind each.

    Shapes: `row` (n,) their places in the block, `items` (n,) their bytes as opaque items of 8 * w bytes, which numpy
    copies whole.
    """

    row: Ints
    items: Column

    def __len__(self) -> int:
        return len(self.items)

    def take(self, index: Ints | Bools) -> Bodies:
        """The bodies chosen by an index array or a mask."""
        return Bodies(self.row[index], self.items[index])

    @property
    def raw(self) -> Bytes:
        """The bytes: (n, 8 * w)."""
        return self.items.view(np.uint8).reshape(len(self.items), self.items.itemsize)

    def words(self, used: slice | Ints = slice(None)) -> Longs:
        """The bytes, or some of them, as 8-byte words, turned: (w, n)."""
        return np.ascontiguousarray(self.items.view("<u8").reshape(len(self.items), -1)[:, used].T)

    def column(self, at: int, kind: str) -> Any:
        """The numbers of a type that start at a byte of every body: (n,), n > 0."""
        return np.ndarray((len(self.items),), kind, self.items, at, (self.items.itemsize,))


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Bodies of one layout, sorted so that those of one tag follow one another; a run starts at each of `first`."""

    bodies: Bodies
    first: Ints

    def spread(self, values: Column) -> Any:
        """One value per run as one value per body: (k,) to (n,), or to (1,) where one tag is all."""
        if len(values) == 1:
            return values
        return np.repeat(values, np.append(self.first[1:], len(self.bodies)) - self.first)


def row_width(length: int) -> int:
    """Bytes gathered for a body and the checksum behind it, rounded up to whole words."""
    return -(-(length + 4) // 8) * 8


def gather(data: bytes, row: Ints, start: Ints, length: int) -> Bodies:
    """The bodies of one length that start at these bytes (n,); `row_width(length)` bytes must exist from each."""
    width = row_width(length)
    items = np.ndarray((max(0, len(data) - width + 1),), f"V{width}", data, strides=(1,))
    return Bodies(row, items[start])


def layout_of(body: bytes) -> Layout | None:
    """The layout of a body that holds exactly one scalar of a fixed width and no further head, else None."""
    known = _known(len(body))
    for layout, before, behind in known:
        if body.startswith(before) and body.endswith(behind):
            return layout
    found = _parsed_layout(body)
    if found and len(known) < MAX_KNOWN:
        known.append((found, body[: found.value.start], body[found.value.stop :]))
    return found


@lru_cache(maxsize=256)
def _known(length: int) -> list[tuple[Layout, bytes, bytes]]:  # noqa: ARG001 - one list for each length
    """Layouts met so far, with what stands before and behind the value: the files of many runs hold the same tags.

    The value has a fixed width, so bodies that differ in nothing else have the same layout.
    """
    return []


def _parsed_layout(body: bytes) -> Layout | None:
    try:
        event = parse_event(body)
    except WireError:
        return None
    if len(event.values) != 1 or event.time_at >= 0 or event.step_at >= 0:
        return None
    value = event.values[0]
    if value.number is None or value.number.code not in _WIDTH or not value.tag_at:
        return None
    return Layout(len(body), value.number.code, value.number.at, value.tag_at, value.tag_stop)


@lru_cache(maxsize=1024)
def _masks(layout: Layout) -> tuple[Longs, Longs]:
    """Which bits must agree for the layout to be the same, and which are the tag: (w,) and (w,)."""
    fixed, tag = (np.zeros(row_width(layout.length), np.uint8) for _ in range(2))
    tag[layout.tag_at : layout.tag_stop] = 255
    fixed[: layout.length] = 255
    fixed[layout.value] = 0
    return (fixed & ~tag).view("<u8"), tag.view("<u8")


def alike(bodies: Bodies, layout: Layout) -> Bools:
    """Which bodies have the layout that the first one has: (n,)."""
    words = bodies.words()
    return _agree(words, words[:, :1], _masks(layout)[0])


def _agree(words: Longs, other: Longs, mask: Longs) -> Bools:
    same: Bools = (((words ^ other) & mask[:, None]) == 0).all(axis=0)
    return same


def by_tag(bodies: Bodies, layout: Layout) -> Runs:
    """Bodies of one layout in runs of equal tags. Those whose tag shares its hash with another one are left out."""
    mask = _masks(layout)[1]
    used = np.flatnonzero(mask)
    words, mask = bodies.words(used), mask[used]
    if _agree(words, words[:, :1], mask).all():
        return Runs(bodies, np.zeros(1, np.int64))
    key = np.zeros(len(bodies), np.uint64)
    for word, bits in zip(words, mask, strict=True):
        key = (key ^ (word & bits)) * _HASH
        key ^= key >> np.uint64(29)
    # Numpy sorts 16-bit integers by radix.
    bucket = (key >> np.uint64(48)).astype(np.uint16)
    order = bucket.argsort(kind="stable")
    first = _run_starts(bucket[order])
    leader = np.repeat(order[first], np.append(first[1:], order.size) - first)
    certain = _agree(words[:, order], words[:, leader], mask)
    if not certain.all():
        leader, order = leader[certain], order[certain]
        first = _run_starts(leader)
    return Runs(bodies.take(order), first)


def _run_starts(values: Column) -> Ints:
    return np.append(0, np.flatnonzero(values[1:] != values[:-1]) + 1)


def values(bodies: Bodies, layout: Layout) -> Floats:
    """The scalars: (n,)."""
    # A signalling NaN is a value like any other.
    with np.errstate(invalid="ignore"):
        found: Floats = bodies.column(layout.value_at, layout.code).astype(np.float64)
    return found


def intact(runs: Runs, layout: Layout, head_crc: Words) -> Bools:
    """Which bodies, behind heads with these checksums (n,), have the checksum that is stored after them: (n,)."""
    bodies = runs.bodies
    constant = np.array([_constant(bodies.items[at].tobytes(), layout) for at in runs.first.tolist()], np.uint32)
    value = layout.value
    crc = looked_up(shift_tables(layout.length), head_crc.astype("<u4").view(np.uint8).reshape(-1, 4))
    crc ^= looked_up(
        byte_tables(tuple(range(layout.length - 1 - value.start, layout.length - 1 - value.stop, -1))),
        bodies.raw[:, value],
    )
    crc ^= runs.spread(constant)
    good: Bools = masked(crc) == bodies.column(layout.length, "<u4")
    return good


def _constant(body: bytes, layout: Layout) -> int:
    value = layout.value
    return continued(body[: value.start] + bytes(_WIDTH[layout.code]) + body[value.stop : layout.length])
