"""Logs that were packed to save space: gzip and zstd, by their first bytes, within a budget, one layer deep."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Generator, Iterator

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.limits import FREE_EXPANSION, MAX_EXPANSION, MAX_FILE_BYTES

GZIP = b"\x1f\x8b\x08"
ZSTD = b"\x28\xb5\x2f\xfd"
SUFFIXES = (".gz", ".zst")

_STEP = 16 << 10
"""Packed bytes given to zlib at once."""

_PIECE = 1 << 20
"""Unpacked bytes asked of zlib at once, so that a bomb is seen before it fills the memory."""

_ZSTD_PIECE = 4 << 10
"""The same for zstd, whose reader loses the piece in which the data break off."""


class _TornError(Exception):
    """The packed data cannot be read to their end; the text says why."""


def log_name(path: str) -> str:
    """The file name of what is inside: `train.log` for `runs/train.log.gz`."""
    name = os.path.basename(path)
    stem, suffix = os.path.splitext(name)
    return stem if suffix.lower() in SUFFIXES else name


def is_packed(data: bytes) -> bool:
    """Whether bytes begin as gzip or zstd does; the suffix does not matter, as browsers unpack without renaming."""
    return data.startswith((GZIP, ZSTD))


def unpacked(path: str, data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """What was packed, and what was wrong with it: data that break off, or are damaged, are read up to there.

    Raises:
        ReadError: it grows beyond the budgets of `limits`, or nothing of it can be read.
    """
    out = io.BytesIO()
    try:
        for piece in _pieces(data):
            out.write(piece)
            _within_budget(path, len(data), out.tell())
    except _TornError as broken:
        if not out.tell():
            raise ReadError(path, f"is compressed, but {broken}, before anything could be read") from broken
        return out.getvalue(), (f"compressed: {broken}; what stands before it was read",)
    return out.getvalue(), ()


def in_pieces(path: str, data: bytes) -> Iterator[bytes]:
    """What was packed, piece by piece, up to where it breaks off: for one who needs no more than its beginning.

    Raises:
        ReadError: it grows beyond the budgets of `limits`.
    """
    size = 0
    try:
        for piece in _pieces(data):
            size += len(piece)
            _within_budget(path, len(data), size)
            yield piece
    except _TornError:
        return


def beginning(data: bytes, size: int) -> bytes:
    """About the first `size` bytes of what was packed, of which `data` may be a part."""
    out = io.BytesIO()
    try:
        for piece in _pieces(data):
            out.write(piece)
            if out.tell() >= size:
                break
    except _TornError:
        pass
    return out.getvalue()[:size]


def _within_budget(path: str, packed: int, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise ReadError(path, f"unpacks to more than the limit of {MAX_FILE_BYTES} bytes")
    if size > max(FREE_EXPANSION, MAX_EXPANSION * packed):
        raise ReadError(path, f"has {packed} bytes and unpacks to over {MAX_EXPANSION} times as many: no log does")


def _pieces(data: bytes) -> Iterator[bytes]:
    return _zstd(data) if data.startswith(ZSTD) else _gzip(data)


def _gzip(data: bytes) -> Iterator[bytes]:
    """All members: a log that is packed again and again at its end is a file of several."""
    at = 0
    while data.startswith(GZIP, at):
        at = yield from _member(data, at)
    # Tapes and block devices pad with zeros.
    if data[at:].strip(b"\0"):
        raise _TornError(f"after byte {at} follow {len(data) - at} bytes that are no gzip")


def _member(data: bytes, at: int) -> Generator[bytes, None, int]:
    """One gzip member; returns the byte after it."""
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for start in range(at, len(data), _STEP):
        chunk, end = data[start : start + _STEP], min(start + _STEP, len(data))
        full = True
        # A full piece may have left more of itself inside, without any input that is still to be given.
        while chunk or full:
            before = inflate.copy()
            try:
                piece = inflate.decompress(chunk, _PIECE)
            except zlib.error:
                yield from _up_to_the_damage(before, chunk, end - len(chunk))
                raise
            yield piece
            chunk, full = inflate.unconsumed_tail, len(piece) == _PIECE
        if inflate.eof:
            return end - len(inflate.unused_data)
    raise _TornError(f"the data break off after byte {len(data)}")


def _up_to_the_damage(inflate: zlib._Decompress, chunk: bytes, start: int) -> Iterator[bytes]:
    """Byte by byte, since a call that meets the damage returns nothing of what it had unpacked before; then raises."""
    at = 0
    try:
        for at in range(len(chunk)):
            yield inflate.decompress(chunk[at : at + 1])
    except zlib.error:
        pass
    raise _TornError(f"the data are damaged at byte {start + at}")


def _zstd(data: bytes) -> Iterator[bytes]:
    # Late: pyarrow takes longer to import than most logs to read.
    import pyarrow as pa

    try:
        with pa.CompressedInputStream(pa.BufferReader(data), "zstd") as stream:
            while piece := stream.read(_ZSTD_PIECE):
                yield piece
    except OSError as error:
        raise _TornError("the data break off, or are damaged") from error
