"""Event files as a chain of records: length, its checksum, data, its checksum (the framing of TFRecord).

    uint64 length | uint32 masked CRC32C of the length | length bytes | uint32 masked CRC32C of the bytes

This module follows the chain and vouches for the lengths; the data of a record is checked by whoever decodes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trainvitals.parsers.events.crc32c import byte_table, checksum, masked, masked_checksum
from trainvitals.parsers.limits import MAX_EXAMPLES
from trainvitals.parsers.model import Ints, Words

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

_SHORT_SPAN, _LONG_SPAN = 1 << 12, 1 << 18
"""Bytes searched for headers at once: at first and after damage, and where one short record follows another."""

_FIRST_SPAN = 1 << 17
"""The same at the beginning, where most files are short and hold little but scalars."""

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


def header_holds(data: bytes, at: int) -> bool:
    """Whether a record header with a valid checksum starts at a byte."""
    if len(data) - at < HEADER:
        return False
    return masked_checksum(data[at : at + 8]) == int.from_bytes(data[at + 8 : at + HEADER], "little")


class Records:
    """Follows the chain of records, in as many pieces as it comes in, across damage where whole records follow it."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses
        self.base = 0
        """The byte of the file at which the next piece begins."""
        self._number, self._repairs, self._budget = 1, 0, MAX_SEARCH_BYTES
        self.over = False
        """Whether nothing that follows will be read."""

    def take(self, data: bytes, *, last: bool) -> Iterator[Block]:
        """The whole records of a piece, which begins where the one before was read to: at `base`.

        While more may follow, damage is only passed over where nothing that comes can change what follows it.
        """
        chain, at, start = _Chain(data, self._budget), 0, _EMPTY
        self.losses.truncated = False
        while not self.over:
            start, at = chain.follow(at)
            self.losses.records = self._number - 1 + start.size
            if start.size:
                length = np.diff(start, append=at + HEADER) - OVERHEAD
                yield Block(self._number, start, length)
                self._number += start.size
            if start.size >= BLOCK:
                continue
            if chain.ends(at):
                self.losses.truncated = at < len(data)
                break
            found = self._repaired(chain, at, last=last)
            if found is None:
                break
            at = found
        self._budget = chain.budget
        self.base += at

    def _repaired(self, chain: _Chain, at: int, *, last: bool) -> int | None:
        """The byte after damage at which records go on; None where they do not, or not yet for certain."""
        gives_up = self._repairs >= MAX_REPAIRS
        budget = chain.budget
        found = None if gives_up else chain.next_whole(at + 1)
        if not (last or gives_up or (found is not None and chain.is_settled(at + 1, found))):
            chain.budget = budget
            return None
        place = self.base + at
        self.losses.records = self._number
        self.losses.add(self._number, place, "the checksum of its length is wrong")
        self._number += 1
        self._repairs += 1
        if found is None:
            self.losses.remark(f"gave up at byte {place}" if gives_up else f"nothing readable after byte {place}")
            self.over = True
        return found


@lru_cache(maxsize=1)
def _short_checksums() -> Words:
    """The masked checksums of the lengths below 64 KiB: (65536,)."""
    return masked(np.uint32(checksum(bytes(8))) ^ (byte_table(6)[:, None] ^ byte_table(7)).ravel())


class _Chain:
    """The records of one file."""

    def __init__(self, data: bytes, budget: int) -> None:
        self.data = data
        self.bytes = np.frombuffer(data, np.uint8)
        self.words = _view(data, "<u8")
        self.halves = _view(data, "<u4")
        self.budget = budget
        self.written = len(data.rstrip(b"\0"))

    def ends(self, at: int) -> bool:
        """Whether the file ends here, or was cut here: within a header, within a record, or filled up with zeros."""
        return len(self.data) - at < HEADER or at >= self.written or header_holds(self.data, at)

    def follow(self, at: int) -> tuple[Ints, int]:
        """(starts of the data of at least BLOCK records, the byte after them); fewer where the chain ends or breaks."""
        parts, count, span = [_EMPTY], 0, _SHORT_SPAN if at else _FIRST_SPAN
        while count < BLOCK:
            start, stop = self._linked(at, at + span)
            if not start.size:
                start, stop = self._single(at)
                span = _SHORT_SPAN // 8
            if not start.size:
                break
            parts.append(start)
            count, at, span = count + start.size, stop, min(span * 8, _LONG_SPAN)
        return np.concatenate(parts), at

    def _single(self, at: int) -> tuple[Ints, int]:
        """The data of the record of any length that starts here, if it is whole, and the byte after it."""
        if not header_holds(self.data, at):
            return _EMPTY, at
        stop = at + int(self.words[at]) + OVERHEAD
        return (np.array([at + HEADER]), stop) if stop <= len(self.data) else (_EMPTY, at)

    def _linked(self, at: int, stop: int) -> tuple[Ints, int]:
        """The data of the short records from a byte on that start before another one, and the byte after them."""
        heads, ends = self._headers(at, stop)
        heads, ends = heads[ends <= len(self.data)], ends[ends <= len(self.data)]
        if not heads.size or heads[0] != at:
            return _EMPTY, at
        if not (heads[1:] == ends[:-1]).all():
            chosen = _path(heads, ends)
            heads, ends = heads[chosen], ends[chosen]
        return heads + HEADER, int(ends[-1])

    def _headers(self, at: int, stop: int) -> tuple[Ints, Ints]:
        """Where in a range valid headers of records shorter than 64 KiB stand, and where these records end."""
        stop = min(stop, len(self.data) - OVERHEAD + 1)
        if stop <= at:
            return _EMPTY, _EMPTY
        # Six of the eight bytes of such a length are 0.
        zero = self.bytes[at + 2 : stop + 7] == 0
        two = zero[:-1] & zero[1:]
        six = two[:-4] & two[2:-2] & two[4:]
        found = np.flatnonzero(six) + at
        length = self.halves[found]
        valid = _short_checksums()[length] == self.halves[found + 8]
        heads = found[valid]
        return heads, heads + (length[valid].astype(np.int64) + OVERHEAD)

    def next_whole(self, at: int) -> int | None:
        """The first byte from `at` on at which a record starts whose two checksums hold; None within the budget."""
        span = 1 << 8
        while at + OVERHEAD <= len(self.data) and self.budget > 0:
            stop = at + span
            for head, end in zip(*(found.tolist() for found in self._headers(at, stop)), strict=True):
                if self._is_whole(head, end):
                    return int(head)
            self.budget -= span
            at, span = stop, min(span * 4, 1 << 20)
        return None

    def is_settled(self, at: int, found: int) -> bool:
        """Whether `found`, by `next_whole` from `at` on, stays the answer however the file goes on."""
        return bool((self._headers(at, found)[1] <= len(self.data)).all())

    def _is_whole(self, head: int, end: int) -> bool:
        if end > len(self.data):
            return False
        self.budget -= end - head
        stored = int.from_bytes(self.data[end - 4 : end], "little")
        return self.budget > 0 and masked_checksum(self.data[head + HEADER : end - 4]) == stored


def _path(heads: Ints, ends: Ints) -> list[int]:
    """Which of them follow one another from the first one on; what looks like a header inside of data is none."""
    following = np.searchsorted(heads, ends).tolist()
    starts, stops, at = heads.tolist(), ends.tolist(), 0
    path = [0]
    while following[at] < len(starts) and starts[following[at]] == stops[at]:
        at = following[at]
        path.append(at)
    return path


def _view(data: bytes, kind: str) -> Any:
    """The bytes as overlapping items of a numpy type, one starting at every byte: (len(data) - itemsize + 1,)."""
    width = np.dtype(kind).itemsize
    return np.ndarray((max(0, len(data) - width + 1),), kind, data, strides=(1,))
