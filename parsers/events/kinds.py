"""Events of all kinds at once, for the many files that are short: the steps are those of `bodies`, but not tag by tag.

The first event of each length is parsed; every other one of its length must agree with it in all bytes but those of the
value. What does not is tried again with the first event among the rest. So a few calls read the events of twenty tags.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainvitals.parsers.events import bodies as event_bodies
from trainvitals.parsers.events.bodies import Layout
from trainvitals.parsers.events.crc32c import byte_table, checksum, masked
from trainvitals.parsers.events.heads import STEP_AT, TIME_AT, TIME_STOP, Heads, constant_head
from trainvitals.parsers.model import Bools, Bytes, Column, Floats, Ints, Longs, Words

LONGEST = 120
"""Bytes of a body that is read here; longer ones are no scalars, or few."""

ROUNDS = 4
"""Kinds of one length that are looked for; the rest is read tag by tag."""

MANY = 0.75
"""Share left after a round from which on there are so many kinds that they are better sorted by tag."""

_DISTANCES = 160
"""Bytes that can follow one within an event: more than the head and the longest body have."""

_CODE, _WIDTH = "<f", 4

_AFTER_TIME = np.arange(TIME_AT, TIME_STOP)[:, None] + 1
_AFTER_VALUE = np.arange(_WIDTH)[:, None] + 1


@dataclass(frozen=True, slots=True, eq=False)
class Alike:
    """Events that were read: their rows in the block, the number of their kind, value, and whether they are intact.

    Shapes: (n,) each; `tags` are those of the kinds.
    """

    row: Ints
    kind: Ints
    value: Floats
    good: Bools
    tags: list[bytes]


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """What all events of one kind have in common: the bytes of the body with a value of 0, and where that stands."""

    body: bytes
    layout: Layout


def read(data: bytes, start: Ints, length: Ints, front: Heads) -> Alike:
    """The events at these places, (n,) and (n,), that have one scalar of 32 bits and nothing else."""
    size = length - front.length
    at = start + front.length
    row = np.flatnonzero(front.regular & (size >= event_bodies.SHORTEST) & (size <= LONGEST))
    width = event_bodies.row_width(int(size[row].max(initial=0)))
    row = row[at[row] <= len(data) - width]
    size, at = size[row], at[row]
    kinds: list[_Kind] = []
    kind = _kinds(_view(data, f"V{width}")[at].view("<u8").reshape(at.size, width // 8), size, kinds)
    if not kinds:
        none = row[:0]
        return Alike(none, none, np.empty(0), np.empty(0, np.bool_), [])
    found = np.flatnonzero(kind >= 0)
    row, kind, at = row[found], kind[found], at[found]
    value_at = at + np.array([one.layout.value_at for one in kinds]).take(kind)
    value = _view(data, "V4")[value_at]
    good = _intact(
        data, start[row] + length[row], (front.raw[row], front.length[row], value.view(np.uint8)), kind, kinds
    )
    # A signalling NaN is a value like any other.
    with np.errstate(invalid="ignore"):
        numbers = value.view(_CODE).astype(np.float64)
    tags = [one.body[one.layout.tag_at : one.layout.tag_stop] for one in kinds]
    return Alike(row, kind, numbers, good, tags)


def _kinds(words: Longs, size: Ints, kinds: list[_Kind]) -> Ints:
    """The number of the kind of each body, (n,), -1 for none; the kinds are appended.

    `words`, (n, w), are the bytes of the bodies and more behind them, `size` (n,) how many are theirs.
    """
    kind = np.full(size.size, -1)
    words = np.ascontiguousarray(words.T)
    rest = np.arange(size.size)
    for _ in range(ROUNDS):
        if rest.size < event_bodies.FEW:
            break
        group = np.full(LONGEST + 1, -1)
        masks: list[Longs] = []
        wanted: list[Longs] = []
        for leader in _leaders(size):
            body = words[:, leader].tobytes()[: size[leader]]
            layout = event_bodies.layout_of(body)
            if layout and layout.code == _CODE:
                group[layout.length] = len(masks)
                masks.append(_mask(layout)[: len(words)])
                wanted.append(words[:, leader] & masks[-1])
                kinds.append(_Kind(body[: layout.value_at] + bytes(_WIDTH) + body[layout.value.stop :], layout))
        if not masks:
            break
        number = group[size]
        differing = words & np.array(masks).T.take(number, axis=1)
        differing ^= np.array(wanted).T.take(number, axis=1)
        same = (np.bitwise_or.reduce(differing, axis=0) == 0) & (number >= 0)
        left = np.flatnonzero(~same)
        if not left.size:
            kind[rest] = number + (len(kinds) - len(masks))
            break
        kind[rest[same]] = number[same] + (len(kinds) - len(masks))
        if left.size > MANY * rest.size:
            break
        rest, size, words = rest[left], size[left], words[:, left]
    return kind


def _leaders(size: Ints) -> list[int]:
    """The first body of each length."""
    first = np.full(LONGEST + 1, -1)
    first[size[::-1]] = np.arange(size.size - 1, -1, -1)
    found: list[int] = first[first >= 0].tolist()
    return found


@lru_cache(maxsize=1024)
def _mask(layout: Layout) -> Longs:
    """Which bits of the words of a body are those of the layout and the tag."""
    mask = np.zeros(event_bodies.row_width(LONGEST), np.uint8)
    mask[: layout.length] = 255
    mask[layout.value] = 0
    mask.setflags(write=False)
    words: Longs = mask.view("<u8")
    return words


def _intact(data: bytes, stop: Ints, varying: tuple[Bytes, Ints, Bytes], kind: Ints, kinds: list[_Kind]) -> Bools:
    """Which events, whose data end at these bytes, have the checksum that is stored there: (n,).

    `varying` are their heads (n, GATHERED) with their lengths (n,), and the bytes of their values (4 * n,).
    """
    raw, head, value = varying
    behind = np.array([one.layout.length - one.layout.value_at for one in kinds]).take(kind)
    total = head + np.array([one.layout.length for one in kinds]).take(kind)
    widest = int(head.max())
    columns = np.arange(STEP_AT, widest)[:, None]
    index = np.empty((TIME_STOP - TIME_AT + len(columns) + _WIDTH, kind.size), np.int64)
    times, steps, values = np.split(index, (TIME_STOP - TIME_AT, -_WIDTH))
    np.subtract(total, _AFTER_TIME, out=times)
    # The bytes of the step are looked at up to the longest one; those that are of the body have no part.
    steps[:] = np.where(columns < head, total - 1 - columns, _DISTANCES)
    np.subtract(behind, _AFTER_VALUE, out=values)
    index <<= 8
    times += raw[:, TIME_AT:TIME_STOP].T
    steps += raw[:, STEP_AT:widest].T
    values += value.reshape(-1, _WIDTH).T
    crc: Words = np.bitwise_xor.reduce(_tables().take(index), axis=0)
    pair = kind * (widest + 1) + head
    constant = np.zeros(len(kinds) * (widest + 1), np.uint32)
    for code in np.flatnonzero(np.bincount(pair)).tolist():
        constant[code] = _constant(kinds[code // (widest + 1)].body, code % (widest + 1))
    good: Bools = masked(crc ^ constant.take(pair)) == _view(data, "<u4")[stop]
    return good


@lru_cache(maxsize=4096)
def _constant(body: bytes, head: int) -> int:
    """The checksum of an event in which time, step and value are 0: the files of many runs hold the same kinds."""
    return checksum(constant_head(head) + body)


@lru_cache(maxsize=1)
def _tables() -> Words:
    """What a byte changes in the checksum, by how many bytes follow it; behind them, nothing: (161 * 256,)."""
    tables = [byte_table(0)]
    for _ in range(_DISTANCES - 1):
        last = tables[-1]
        tables.append(last >> np.uint32(8) ^ tables[0][last & np.uint32(255)])
    return np.concatenate([*tables, np.zeros(256, np.uint32)])


def _view(data: bytes, kind: str) -> Column:
    """The bytes as items that start at every byte."""
    width = np.dtype(kind).itemsize
    return np.ndarray((max(0, len(data) - width + 1),), kind, data, strides=(1,))
