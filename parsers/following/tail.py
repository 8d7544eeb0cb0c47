"""What is appended to one file, as bytes: across truncation, rotation, replacement and disappearance."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Literal

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import open_regular
from trainvitals.parsers.limits import MAX_FILE_BYTES

PIECE = 8 << 20
"""Bytes read at once."""

MARK = 64
"""Bytes at the beginning and before the end of what has been read, by which a file is known again."""

Change = Literal["same", "grown", "anew"]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file does."""

    inode: tuple[int, int]
    size: int
    modified: int


def stamp(path: str) -> Stamp | None:
    """The stamp of a file; None where there is none."""
    try:
        return _stamp(os.stat(path))
    except (OSError, ValueError):
        return None


def _stamp(found: os.stat_result) -> Stamp:
    return Stamp((found.st_dev, found.st_ino), found.st_size, found.st_mtime_ns)


class Tail:
    """One file that grows; `look`, then read the `pieces` that have come."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.at = 0
        """Bytes read so far, since the file was begun."""
        self.bytes_read = 0
        """Bytes that were asked of the disk, marks included."""
        self._stamp: Stamp | None = None
        self._start = self._end = b""

    @property
    def is_full(self) -> bool:
        """Whether the file has reached the limit, after which nothing is read."""
        return self.at >= MAX_FILE_BYTES

    def look(self) -> Change:
        """What became of the file since the last look.

        A copy that took its place and begins as it did has only grown. A file that was cut, or in whose place another
        one lies, is begun anew, also where it has already grown beyond its old size.

        Raises:
            ReadError: it is gone, or is no regular file, or may not be read.
        """
        now = stamp(self.path)
        if now is not None and now == self._stamp:
            return "same"
        with open_regular(self.path) as file:
            found = _stamp(os.fstat(file.fileno()))
            if self._stamp is None or (found.size >= self.at and self._is_known(file)):
                return "grown"
        self.begin_anew()
        return "anew"

    def begin_anew(self) -> None:
        """Forget what was read: the next pieces are those from the beginning."""
        self.at, self._start, self._end = 0, b"", b""

    def pieces(self) -> Iterator[bytes]:
        """What has come since, in pieces.

        Raises:
            ReadError: as `look`.
        """
        with open_regular(self.path) as file:
            # What is appended from here on is for the next look.
            self._stamp = _stamp(os.fstat(file.fileno()))
            file.seek(self.at)
            while left := min(self._stamp.size, MAX_FILE_BYTES) - self.at:
                piece = self._read(file, min(left, PIECE)) if left > 0 else b""
                if not piece:
                    return
                self.at += len(piece)
                self._start = (self._start + piece[:MARK])[:MARK]
                self._end = (self._end + piece[-MARK:])[-MARK:]
                yield piece

    def _is_known(self, file: BinaryIO) -> bool:
        if self._read(file, len(self._start)) != self._start:
            return False
        file.seek(self.at - len(self._end))
        return self._read(file, len(self._end)) == self._end

    def _read(self, file: BinaryIO, size: int) -> bytes:
        try:
            data = file.read(size)
        except OSError as error:
            raise ReadError(self.path, f"cannot be read: {error.strerror}") from error
        self.bytes_read += len(data)
        return data
