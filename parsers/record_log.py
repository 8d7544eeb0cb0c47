"""The framing of W&B's run files: LevelDB's log format with a header of seven bytes and plain CRC-32.

A file is a row of blocks of 32 KiB. A record stands in one block (`FULL`) or is cut into pieces (`FIRST`, `MIDDLE`,
`LAST`); each piece has a checksum, a length and a type. No piece begins in the last six bytes of a block.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

HEADER = b":W&B\xe1\xbe\0"
"""Name, magic number and version; it counts as a part of the first block."""

BLOCK = 32 << 10
"""Bytes of a block; no piece is longer."""
_PIECE = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SEEDS = {kind: zlib.crc32(bytes((kind,))) for kind in (_FULL, _FIRST, _MIDDLE, _LAST)}


class RecordLog:
    """One pass over the records, in as many pieces as the file comes in.

    `count` goes over all records that were met, `damaged` over those that were left out; `at` is the offset in the file
    behind all that was read, `size` that behind all that was given.
    """

    def __init__(self) -> None:
        self.count = self.damaged = self.at = self.size = 0
        self.truncated = False
        self._parts: list[bytes] = []

    def take(self, data: bytes, *, last: bool) -> Iterator[tuple[int, bytes]]:
        """(1-based number, content) of every record that becomes whole by the bytes that follow those at `at`.

        What is not whole is to be given again with more behind it, unless it is the `last` of the file.
        """
        for kind, body in self._pieces(data, last=last):
            if kind in (_FULL, _FIRST):
                self.count += 1
                self.damaged += bool(self._parts)
                self._parts = []
            if body is None or (kind in (_MIDDLE, _LAST) and not self._parts):
                # A piece in the middle of a record that is already given up costs nothing more.
                self.damaged += bool(self._parts) or kind in (_FULL, _FIRST)
                self._parts = []
                continue
            self._parts.append(body)
            if kind in (_FULL, _LAST):
                yield self.count, b"".join(self._parts)
                self._parts = []
        if last:
            self.truncated |= bool(self._parts)
            self.damaged += bool(self._parts)

    def _pieces(self, data: bytes, *, last: bool) -> Iterator[tuple[int, bytes | None]]:
        """(type, content) of every whole piece; the content is None where the checksum is wrong."""
        begin = self.at
        size = self.size = begin + len(data)
        self.at = max(self.at, len(HEADER)) if size >= len(HEADER) else self.at
        while self.at < size:
            at = self.at
            room = BLOCK - at % BLOCK
            if room < _PIECE.size:
                self.at += min(room, size - at)
                continue
            if at + _PIECE.size > size:
                self.truncated |= last
                return
            checksum, length, kind = _PIECE.unpack_from(data, at - begin)
            start, end = at + _PIECE.size, at + _PIECE.size + length
            if kind not in _SEEDS or end - at > room:
                if at + room > size and not last:
                    return
                # Nothing says where the next piece begins, except the next block. Zeros were never written to.
                self.at += room
                if any(data[at - begin : at - begin + room]):
                    yield _FULL, None
            elif end > size:
                self.truncated |= last
                return
            else:
                body = data[start - begin : end - begin]
                self.at = end
                yield kind, body if zlib.crc32(body, _SEEDS[kind]) == checksum else None
