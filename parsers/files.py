"""Opening what lies on disk: regular files only, within limits, never following a surprise."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.limits import MAX_FILE_BYTES, MAX_LINE_BYTES, SNIFF_BYTES

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class LogFile:
    """The bytes of one file (UTF-16 already decoded to UTF-8, a byte order mark removed) and the path it came from."""

    path: str
    data: bytes

    @property
    def name(self) -> str:
        """The file name without its folders, in lower case."""
        return os.path.basename(self.path).lower()

    @property
    def head(self) -> bytes:
        """The first bytes, enough to recognise most formats."""
        return self.data[:SNIFF_BYTES]

    @property
    def tail(self) -> bytes:
        """The last bytes: a log may begin with a megabyte of other things, but it ends with metrics."""
        return self.data[-SNIFF_BYTES:]

    def lines(self) -> Iterator[tuple[int, bytes]]:
        r"""(1-based number, content) of every line; ends are `\n` or `\r\n`. A line over the limit comes as b""."""
        start, number, size = 0, 1, len(self.data)
        while start < size:
            end = self.data.find(b"\n", start)
            end = size if end < 0 else end
            yield number, (self.data[start:end].removesuffix(b"\r") if end - start <= MAX_LINE_BYTES else b"")
            start, number = end + 1, number + 1

    @property
    def ends_in_line(self) -> bool:
        """Whether the last line has no line end: a writer is active, or the file is torn."""
        return bool(self.data) and not self.data.endswith(b"\n")


def open_log(path: str) -> LogFile:
    """Read a file whole.

    Raises:
        ReadError: not a regular file, unreadable, or larger than `MAX_FILE_BYTES`.
    """
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer; for regular files it changes nothing.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise ReadError(path, f"cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise ReadError(path, "is not a regular file")
        if status.st_size > MAX_FILE_BYTES:
            raise ReadError(path, f"has {status.st_size} bytes, more than the limit of {MAX_FILE_BYTES}")
        try:
            return LogFile(path, decode(file.read(MAX_FILE_BYTES)))
        except OSError as error:
            raise ReadError(path, f"cannot be read: {error.strerror}") from error


def decode(data: bytes) -> bytes:
    """UTF-8 without a byte order mark, from UTF-8 or from UTF-16 with its mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(BOM)


def is_text(data: bytes) -> bool:
    """Whether a head of bytes looks like text: no NUL among the first 4 KiB, except as padding at the end."""
    return b"\0" not in data[:4096].rstrip(b"\0")


def peek(path: str) -> LogFile:
    """Head and tail of a file, enough to recognise its format without reading it whole.

    Raises:
        ReadError: as `open_log`.
    """
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise ReadError(path, "is not a regular file")
        with open(path, "rb") as file:
            if status.st_size <= 2 * SNIFF_BYTES:
                return LogFile(path, decode(file.read(2 * SNIFF_BYTES)))
            head = file.read(SNIFF_BYTES)
            file.seek(-SNIFF_BYTES, os.SEEK_END)
            return LogFile(path, decode(head + b"\n" + file.read(SNIFF_BYTES)))
    except OSError as error:
        raise ReadError(path, f"cannot be read: {error.strerror}") from error
