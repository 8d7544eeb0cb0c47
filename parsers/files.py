"""Opening what lies on disk: regular files only, within limits, never following a surprise."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from trainvitals.parsers.compression import beginning, is_packed, log_name, unpacked
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.limits import MAX_FILE_BYTES, MAX_LINE_BYTES, PEEK_BYTES, SNIFF_BYTES

SQLITE = b"SQLite format 3\0"
"""How a database begins; the page that names its tables lies in the first megabyte, but not at the very start."""

BOM = b"\xef\xbb\xbf"

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".npz", ".safetensors")
"""Weights and pickled objects: no logs, and unpickling runs whatever code they name. They are never opened."""

_CONTROLS = bytes(set(range(32)) - set(b"\0\a\b\t\n\f\r\x1b"))
"""Control characters that no terminal output holds."""


@dataclass(frozen=True, slots=True)
class LogFile:
    """The bytes of one file (unpacked, UTF-16 decoded to UTF-8, without a byte order mark) and the path it came from.

    `problems` are sentences for the reader: what was wrong with a compressed file.
    """

    path: str
    data: bytes
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The file name without its folders and without `.gz`, in lower case."""
        return log_name(self.path).lower()

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


@contextmanager
def open_regular(path: str) -> Iterator[BinaryIO]:
    """A regular file, open for reading.

    Raises:
        ReadError: cannot be opened, or is no regular file; a FIFO is not waited for, nor a device read.
    """
    try:
        # O_NONBLOCK: opening a FIFO must not wait for a writer; for regular files it changes nothing.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:
        raise ReadError(path, f"cannot be opened: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ReadError(path, "is not a regular file")
    with os.fdopen(descriptor, "rb") as file:
        yield file


def open_log(path: str) -> LogFile:
    """Read a file whole.

    Raises:
        ReadError: not a regular file, unreadable, larger than `MAX_FILE_BYTES`, a pickle by its name, or compressed and
            over the budgets.
    """
    if log_name(path).lower().endswith(PICKLES):
        raise ReadError(path, "holds weights or pickled objects, which are not read by design")
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > MAX_FILE_BYTES:
            raise ReadError(path, f"has {size} bytes, more than the limit of {MAX_FILE_BYTES}")
        try:
            # Room is made for as much as is asked for. Files of the system say that they have no bytes.
            data = file.read(size or MAX_FILE_BYTES)
        except OSError as error:
            raise ReadError(path, f"cannot be read: {error.strerror}") from error
    return log_file(path, data)


def log_file(path: str, data: bytes) -> LogFile:
    """The log in these bytes, as they stand on disk.

    Raises:
        ReadError: compressed, and over the budgets.
    """
    if not is_packed(data):
        return LogFile(path, decode(data))
    inside, problems = unpacked(path, data)
    return LogFile(path, decode(inside), problems)


def decode(data: bytes) -> bytes:
    """UTF-8 without a byte order mark, from UTF-8 or from UTF-16 with its mark."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace").encode()
    return data.removeprefix(BOM)


def is_text(data: bytes) -> bool:
    """Whether a head of bytes looks like text.

    Among its first 4 KiB stand no NUL, except as padding at the end, and next to no characters that neither print nor
    move a cursor.
    """
    head = data[:4096].rstrip(b"\0")
    return b"\0" not in head and 20 * (len(head) - len(head.translate(None, _CONTROLS))) <= len(head)


def peek(path: str) -> LogFile:
    """Head and tail of a file, enough to recognise its format without reading it whole.

    Of a compressed file the tail is that of its first part, as the end cannot be had without all that stands before it.

    Raises:
        ReadError: as `open_log`.
    """
    with open_regular(path) as file:
        try:
            size = os.fstat(file.fileno()).st_size
            if size <= 2 * SNIFF_BYTES:
                whole = file.read(2 * SNIFF_BYTES)
                return _ends(path, beginning(whole, PEEK_BYTES) if is_packed(whole) else whole)
            head = file.read(SNIFF_BYTES)
            if head.startswith(SQLITE):
                return LogFile(path, head + file.read(PEEK_BYTES))
            if is_packed(head):
                return _ends(path, beginning(head + file.read(PEEK_BYTES), PEEK_BYTES))
            file.seek(size - SNIFF_BYTES)
            return LogFile(path, decode(head + b"\n" + file.read(SNIFF_BYTES)))
        except OSError as error:
            raise ReadError(path, f"cannot be read: {error.strerror}") from error


def _ends(path: str, data: bytes) -> LogFile:
    cut = len(data) > 2 * SNIFF_BYTES
    return LogFile(path, decode(data[:SNIFF_BYTES] + b"\n" + data[-SNIFF_BYTES:] if cut else data))
