"""Bytes at many places of a text at once, eight of them as one machine word."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from trainvitals.parsers.model import Bools, Column, Ints, Longs

PADDING = bytes(64)
"""What must stand before and behind the text, so that whole words can be taken at its ends."""

_ONES = 0x0101010101010101
DIGIT_ZEROS, HIGH_BITS = ord("0") * _ONES, 0x80 * _ONES
NO_DIGIT = (0x80 - 10) * _ONES
"""Added to digits 0 to 9 it leaves the high bit of their byte 0; for anything else that bit is set in it or the sum."""


def words(data: bytes, start: Ints, count: int) -> Longs:
    """The words from these bytes on: (n, count); all of them must exist."""
    width = 8 * count
    items = np.ndarray((len(data) - width + 1,), f"V{width}", data, strides=(1,))
    return items[start].view("<u8").reshape(start.size, count)


def stands_at(data: bytes, start: Ints, constant: bytes) -> Bools:
    """Where these bytes, at least one, stand: (n,)."""
    wanted, last = _words_of(constant)
    behind = len(data) - 8 * wanted.size
    if start.size and start.max() > behind:
        # The padding is shorter than a long constant.
        same = start <= behind
        same[same] = stands_at(data, start[same], constant)
        return same
    found = words(data, start, wanted.size)
    differing = (found[:, -1] ^ wanted[-1]) & last
    for i in range(wanted.size - 1):
        differing |= found[:, i] ^ wanted[i]
    alike: Bools = differing == 0
    return alike


def eight_digits(digits: Column) -> Longs:
    """The numbers of eight digits, the first one in the lowest byte: pairs, then fours, then all."""
    pairs: Column = (digits * 2561) >> 8 & 0x00FF00FF00FF00FF
    fours: Column = (pairs * 6553601) >> 16 & 0x0000FFFF0000FFFF
    eights: Column = (fours * 42949672960001) >> 32
    return eights


def each(character: str) -> int:
    """The word of a character eight times."""
    return ord(character) * _ONES


def frozen(table: Column) -> Column:
    """A table that nobody can change."""
    table.setflags(write=False)
    return table


@lru_cache(maxsize=4096)
def _words_of(constant: bytes) -> tuple[Longs, np.uint64]:
    """The words of a constant, and which bits of the last one are its own."""
    count = -(-len(constant) // 8)
    own = len(constant) - 8 * (count - 1)
    return np.frombuffer(constant.ljust(8 * count, b"\0"), "<u8"), np.uint64((1 << 8 * own) - 1)
