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

_BLOCK = 32 << 10
_PIECE = struct.Struct("<IHB")
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_SEEDS = {kind: zlib.crc32(bytes((kind,))) for kind in (_FULL, _FIRST, _MIDDLE, _LAST)}


class RecordLog:
    """One pass over the records. `count` goes over all that were met, `damaged` over those that were left out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.count = self.damaged = 0
        self.truncated = False

    def records(self) -> Iterator[tuple[int, bytes]]:
        """(1-based number, content) of every whole record."""
        parts: list[bytes] = []
        for kind, body in self._pieces():
            if kind in (_FULL, _FIRST):
                self.count += 1
                self.damaged += bool(parts)
                parts = []
            if body is None or (kind in (_MIDDLE, _LAST) and not parts):
                # A piece in the middle of a record that is already given up costs nothing more.
                self.damaged += bool(parts) or kind in (_FULL, _FIRST)
                parts = []
                continue
            parts.append(body)
            if kind in (_FULL, _LAST):
                yield self.count, b"".join(parts)
                parts = []
        self.truncated |= bool(parts)
        self.damaged += bool(parts)

    def _pieces(self) -> Iterator[tuple[int, bytes | None]]:
        """(type, content) of every piece; the content is None where the checksum is wrong."""
        data, at, size = self._data, len(HEADER), len(self._data)
        while at < size:
            room = _BLOCK - at % _BLOCK
            if room < _PIECE.size:
                at += room
                continue
            if at + _PIECE.size > size:
                self.truncated = True
                return
            checksum, length, kind = _PIECE.unpack_from(data, at)
            start, end = at + _PIECE.size, at + _PIECE.size + length
            if kind not in _SEEDS or end - at > room:
                # Nothing says where the next piece begins, except the next block. Zeros were never written to.
                if any(data[at : at + room]):
                    yield _FULL, None
                at += room
            elif end > size:
                self.truncated = True
                return
            else:
                body = data[start:end]
                yield kind, body if zlib.crc32(body, _SEEDS[kind]) == checksum else None
                at = end
