"""A folder that only this user can write to: files are read and replaced whole, and removed when they are of no use."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MOST_BYTES = 256 << 20
"""Bytes of all files together; one that is larger is neither read nor written."""

UNSEEN = 30 * 86400.0
"""Seconds after which a file that nobody has asked for is removed."""

ABANDONED = 3600.0
"""Seconds after which nobody is writing any more to a file that has not taken its place."""

SUFFIX, BEGUN = ".runs", ".new"
"""Ends of the names of files, and of those that have not taken their place yet; others are left alone."""

OTHERS = stat.S_IWGRP | stat.S_IWOTH


@contextmanager
def opened(place: str, *, make: bool = False) -> Iterator[int]:
    """A descriptor of the folder, through which nothing else can take its place; `make` makes it where it is absent.

    Raises:
        OSError: it is not there, or somebody else may have written to it.
    """
    if make:
        for each in (os.path.dirname(place), place):
            with suppress(FileExistsError):
                os.mkdir(each, 0o700)
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid():
            raise PermissionError(errno.EPERM, "it belongs to another user", place)
        if status.st_mode & OTHERS:
            raise PermissionError(errno.EPERM, "other users can write to it", place)
        yield folder
    finally:
        os.close(folder)


def read(folder: int, name: str) -> bytes:
    """The bytes of a file, which is used from now on; none where it is no file of this user, or too large.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    # O_NONBLOCK: whatever stands in its place is not waited for.
    file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_size > MOST_BYTES:
            return b""
        with suppress(OSError):
            os.utime(file)
        with os.fdopen(file, "rb", closefd=False) as opened:
            return opened.read(MOST_BYTES)
    finally:
        os.close(file)


def write(folder: int, name: str, *parts: bytes) -> None:
    """Put a file in the place of an older one, for every reader at once.

    Raises:
        OSError: it cannot be written, or is too large; what stood there is still there.
    """
    if sum(map(len, parts)) > MOST_BYTES:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), name)
    begun = f"{name}.{secrets.token_hex(8)}{BEGUN}"
    file = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=folder)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.writelines(parts)
        os.replace(begun, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        with suppress(OSError):
            os.unlink(begun, dir_fd=folder)
        raise


def prune(folder: int, now: float) -> None:
    """Remove what nobody has used for long, and then what was not used for longest while all is too much."""
    kept: list[tuple[float, int, str]] = []
    for name in os.listdir(folder):
        with suppress(OSError):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            age, size = now - status.st_mtime, status.st_size
            if (name.endswith(BEGUN) and age > ABANDONED) or (name.endswith(SUFFIX) and age > UNSEEN):
                os.unlink(name, dir_fd=folder)
            elif name.endswith(SUFFIX):
                kept.append((age, size, name))
    room = MOST_BYTES
    for _, size, name in sorted(kept):
        room -= size
        if room < 0:
            with suppress(OSError):
                os.unlink(name, dir_fd=folder)
