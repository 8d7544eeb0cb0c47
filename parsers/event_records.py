"""Event files as a chain of records: length, its checksum, data, its checksum (the framing of TFRecord).

    uint64 length | uint32 masked CRC32C of the length | length bytes | uint32 masked CRC32C of the bytes

This module follows the chain and vouches for the lengths; the data of a record is checked by whoever decodes it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trainvitals.parsers.crc32c import checksum, contribution, masked, masked_checksum
from trainvitals.parsers.limits import MAX_EXAMPLES
from trainvitals.parsers.model import Ints

HEADER = 12
OVERHEAD = 16
"""Bytes of a record beside its data: 12 before it, 4 after it."""

BLOCK = 1 << 16
"""Records handed on together: some megabytes, which stay in the processor's cache while they are decoded."""

MAX_REPAIRS = 10_000
"""Breaks in the chain after which a file is given up: it is noise rather than a damaged log."""

MAX_SEARCH_BYTES = 256 << 20
"""Bytes looked through for the next whole record, over all breaks of one file."""

MAX_LISTED = 10_000
"""Lost records remembered one by one; further ones are only counted."""

_SHORT_WALK = 256
_LONGEST_PERIOD = 1024

_HEADER = struct.Struct("<QI")
_EMPTY = np.empty(0, np.int64)


class Losses:
    """What was lost while a file was read."""

    def __init__(self) -> None:
        self.records = 0
        """Records seen, lost ones included."""
        self.count = 0
        self.truncated = False
        self._lost: list[tuple[int, int, str]] = []
        self._remarks: list[str] = []

    def add(self, number: int, offset: int, reason: str) -> None:
        """Count a lost record by its 1-based number and the byte at which it starts."""
        self.count += 1
        if len(self._lost) < MAX_LISTED:
            self._lost.append((number, offset, reason))

    def remark(self, sentence: str) -> None:
        """Keep a sentence about the whole file."""
        self._remarks.append(sentence)

    def problems(self) -> tuple[str, ...]:
        """Sentences for the reader: the first lost records, how many more, and the remarks."""
        shown = [f"record {n} at byte {at} dropped: {why}" for n, at, why in sorted(self._lost)[:MAX_EXAMPLES]]
        if self.count > len(shown):
            shown.append(f"{self.count - len(shown)} more records dropped")
        return (*shown, *self._remarks)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Consecutive records: `number` is the 1-based one of the first; `start` and `length`, (n,), locate their data."""

    number: int
    start: Ints
    length: Ints


def view(data: bytes, kind: str) -> Any:
    """The bytes as overlapping items of a numpy type, one starting at every byte: (len(data) - itemsize + 1,)."""
    width = np.dtype(kind).itemsize
    return np.ndarray((max(0, len(data) - width + 1),), kind, data, strides=(1,))


def header_holds(data: bytes, at: int) -> bool:
    """Whether a record header with a valid checksum starts at a byte."""
    if len(data) - at < HEADER:
        return False
    length, crc = _HEADER.unpack_from(data, at)
    return bool(_length_checksum(length) == crc)


def blocks(data: bytes, losses: Losses) -> Iterator[Block]:
    """Follow the chain of records, across damage where whole records follow it."""
    chain, at, number, repairs = _Chain(data), 0, 1, 0
    while True:
        start, at = chain.follow(at)
        losses.records = number - 1 + start.size
        if start.size:
            length = np.diff(start, append=at + HEADER) - OVERHEAD
            yield Block(number, start, length)
            number += start.size
        if start.size >= BLOCK:
            continue
        if chain.ends(at):
            losses.truncated = at < len(data)
            return
        losses.records = number
        losses.add(number, at, "the checksum of its length is wrong")
        repairs += 1
        found = chain.next_whole(at + 1) if repairs <= MAX_REPAIRS else None
        if found is None:
            losses.remark(f"nothing readable after byte {at}" if repairs <= MAX_REPAIRS else f"gave up at byte {at}")
            return
        at, number = found, number + 1


@lru_cache(maxsize=1 << 16)
def _length_checksum(length: int) -> int:
    return masked_checksum(length.to_bytes(8, "little"))


class _Chain:
    """The records of one file. Regular logs repeat the same lengths step after step, which is guessed, then checked."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.words = view(data, "<u8")
        self.halves = view(data, "<u4")
        self.budget = MAX_SEARCH_BYTES
        self.written = len(data.rstrip(b"\0"))

    def ends(self, at: int) -> bool:
        """Whether the file ends here, or was cut here: within a header, within a record, or filled up with zeros."""
        return len(self.data) - at < HEADER or at >= self.written or header_holds(self.data, at)

    def follow(self, at: int) -> tuple[Ints, int]:
        """(starts of the data of at least BLOCK records, the byte after them); fewer where the chain ends or breaks."""
        parts, count, walk = [], 0, _SHORT_WALK
        while count < BLOCK:
            start, at = self._walk(at, walk)
            parts.append(start)
            count += start.size
            if start.size < walk:
                break
            guessed, at = self._repeat(start, at)
            parts.append(guessed)
            count += guessed.size
            walk = _SHORT_WALK if guessed.size >= walk else min(walk * 4, BLOCK)
        return np.concatenate(parts), at

    def _walk(self, at: int, count: int) -> tuple[Ints, int]:
        """Up to `count` records one by one, each length checked."""
        data, unpack, holds = self.data, _HEADER.unpack_from, _length_checksum
        last = len(data) - OVERHEAD
        found: list[int] = []
        while at <= last and len(found) < count:
            length, crc = unpack(data, at)
            if holds(length) != crc or length > last - at:
                break
            found.append(at + HEADER)
            at += length + OVERHEAD
        return np.array(found, np.int64), at

    def _repeat(self, start: Ints, at: int) -> tuple[Ints, int]:
        """Records that go on with the period in which the last ones came, as far as their headers agree."""
        strides = np.diff(start, append=at + HEADER)
        period = _period(strides.tolist())
        if not period:
            return _EMPTY, at
        cycle, turns, parts, count = strides[-period:], 1 + 512 // period, [_EMPTY], 0
        while count < BLOCK:
            turns = min(turns, 1 + BLOCK // period, (len(self.data) - at) // int(cycle.sum()))
            found = self._agreeing(cycle, turns, at)
            parts.append(found)
            count += found.size
            at += (found.size // period) * int(cycle.sum()) + int(cycle[: found.size % period].sum())
            if not turns or found.size < turns * period:
                break
            turns *= 4
        return np.concatenate(parts), at

    def _agreeing(self, cycle: Ints, turns: int, at: int) -> Ints:
        """Starts of the data of the first records of `turns` cycles from a byte whose headers are as predicted."""
        headers = (at + np.arange(turns)[:, None] * cycle.sum() + (np.cumsum(cycle) - cycle)).ravel()
        length = cycle - OVERHEAD
        crc = np.array([_length_checksum(n) for n in length.tolist()], np.uint32)
        agree = (self.words[headers] == np.tile(length, turns).view(np.uint64)) & (
            self.halves[headers + 8] == np.tile(crc, turns)
        )
        kept: Ints = headers[: headers.size if agree.all() else int(agree.argmin())] + HEADER
        return kept

    def next_whole(self, at: int) -> int | None:
        """The first byte from `at` on at which a record starts whose two checksums hold; None within the budget."""
        span = 1 << 8
        while at + OVERHEAD <= len(self.data) and self.budget > 0:
            stop = min(at + span, len(self.data) - OVERHEAD + 1)
            for candidate in self._headers(at, stop):
                if self._is_whole(candidate):
                    return candidate
            self.budget -= stop - at
            at, span = stop, min(span * 4, 1 << 20)
        return None

    def _headers(self, at: int, stop: int) -> list[int]:
        """Bytes in a range at which a length stands that fits into the file and has its checksum behind it."""
        fits = np.flatnonzero(self.words[at:stop] <= len(self.data) - at - OVERHEAD) + at
        columns = np.frombuffer(self.data, np.uint8)[fits[:, None] + np.arange(8)]
        crc = np.uint32(checksum(bytes(8))) ^ contribution(columns, tuple(range(7, -1, -1)))
        starts: list[int] = fits[masked(crc) == self.halves[fits + 8]].tolist()
        return starts

    def _is_whole(self, at: int) -> bool:
        end = at + HEADER + int(self.words[at])
        if end + 4 > len(self.data):
            return False
        self.budget -= end - at
        return self.budget > 0 and masked_checksum(self.data[at + HEADER : end]) == int(self.halves[end])


def _period(strides: list[int]) -> int:
    """The smallest period in which the last strides came three times; 0 if there is none."""
    for period in range(1, min(len(strides) // 3, _LONGEST_PERIOD) + 1):
        last = strides[-period:]
        # The first comparison is only quick; the three turns decide.
        if last[-1] == strides[-1 - period] and last * 3 == strides[-3 * period :]:
            return period
    return 0
