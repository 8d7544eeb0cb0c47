"""The first fields of many events at once: wall time and step, which every writer puts in front.

    0x09, 8 bytes of wall time | 0x10, the step as a base-128 number; left out where it is 0 | the body: the summary

What follows the head is alike for all events of a tag, whatever their steps: see `event_bodies`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.parsers.events.crc32c import byte_tables, checksum, looked_up
from trainvitals.parsers.model import Bools, Bytes, Floats, Ints, Words

GATHERED = 24
"""Bytes looked at: 10 up to the step, whose first 8 bytes cover all steps below 2**56."""

_TIME, _STEP = 0x09, 0x10
_WITHOUT_STEP = 9
TIME_AT, TIME_STOP, STEP_AT = 1, 9, 10
"""Where the bytes of the time and of the step stand."""

_ENDS = np.uint64(0x8080808080808080)


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """The heads of n events; all arrays are (n,).

    `regular` says which events begin as above; the others' rows mean nothing. `length` is the length of the head in
    bytes, `raw`, (n, GATHERED), are the first bytes of the event.
    """

    regular: Bools
    time: Floats
    step: Floats
    length: Ints
    raw: Bytes

    def part(self, rows: slice) -> Heads:
        """Some of them."""
        return Heads(self.regular[rows], self.time[rows], self.step[rows], self.length[rows], self.raw[rows])

    def checksums(self, row: Ints) -> Words:
        """The checksums of some heads: (k,)."""
        return _checksums(self.raw.take(row, axis=0), self.length[row])


def heads(data: bytes, start: Ints, length: Ints) -> Heads:
    """The heads of the events at these places, (n,) and (n,)."""
    inside = (start + GATHERED <= len(data)) & (length >= GATHERED - 8)
    if not inside.any():
        none = np.zeros(start.size)
        return Heads(
            inside, none, none.copy(), np.zeros(start.size, np.int64), np.zeros((start.size, GATHERED), np.uint8)
        )
    items = np.ndarray((len(data) - GATHERED + 1,), f"V{GATHERED}", data, strides=(1,))
    raw = items[np.where(inside, start, 0)].view(np.uint8).reshape(start.size, GATHERED)
    words = np.ndarray((start.size,), "<u8", raw, _WITHOUT_STEP + 1, (GATHERED,)).astype(np.uint64)
    step, width = _varints(words)
    stepped = raw[:, _WITHOUT_STEP] == _STEP
    regular = inside & (raw[:, 0] == _TIME) & (~stepped | (width > 0))
    size = np.where(stepped, _WITHOUT_STEP + 1 + width, _WITHOUT_STEP)
    time = np.ndarray((start.size,), "<f8", raw, 1, (GATHERED,)).astype(np.float64)
    return Heads(regular, time, np.where(stepped, step, 0).astype(np.float64), size, raw)


def constant_head(length: int) -> bytes:
    """A head of so many bytes in which time and step are 0."""
    return bytes((_TIME,)) + bytes(8) + bytes((_STEP,) * (length > _WITHOUT_STEP)) + bytes(max(0, length - STEP_AT))


def _varints(words: np.ndarray[tuple[int], np.dtype[np.uint64]]) -> tuple[Ints, Ints]:
    """(value, width in bytes) of the base-128 numbers at the low ends of 8-byte words; a width of 0 is a longer one."""
    ends = ~words & _ENDS
    last = ends & (~ends + np.uint64(1))
    width = np.where(ends > 0, np.bitwise_count(last - np.uint64(1)) // 8 + 1, 0).astype(np.int64)
    digits = words & (last - np.uint64(1)) & ~_ENDS
    value = np.zeros(words.size, np.uint64)
    for place in range(int(width.max(initial=0))):
        value |= (digits >> np.uint64(8 * place) & np.uint64(127)) << np.uint64(7 * place)
    return value.astype(np.int64), width


def _checksums(raw: np.ndarray[tuple[int, int], np.dtype[np.uint8]], size: Ints) -> Words:
    """The checksums of the first `size` bytes of each row: (n,)."""
    crc = np.zeros(size.size, np.uint32)
    for length in np.flatnonzero(np.bincount(size)).tolist():
        rows = size == length
        some = raw if rows.all() else raw[rows]
        # The first byte is the same in all of them, and so is the one before the step.
        constant = np.uint32(checksum(constant_head(length)))
        places = [*range(TIME_AT, TIME_STOP), *range(STEP_AT, length)]
        tables = byte_tables(tuple(length - 1 - at for at in places))
        crc[rows] = constant ^ looked_up(tables, some[:, places])
    return crc
