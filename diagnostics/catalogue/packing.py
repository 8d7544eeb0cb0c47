"""Reports as bytes: a fraction of their memory, and nothing that could be executed when they are read back."""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING

from trainvitals.diagnostics.report import Report

if TYPE_CHECKING:
    import msgspec

PLAIN, ZIPPED = b"m", b"z"
"""How the bytes of a report begin that are as they are, and of one that are compressed."""

LARGE = 16 << 10
"""Bytes of a report from which on it is compressed, to half: a hundred microseconds, a fortieth of judging a run."""

MOST_UNPACKED = 64 << 20
"""Bytes of a report before it is packed; a larger one is kept as it is, and a bomb is not unpacked."""


def pack(report: Report) -> bytes | Report:
    """The report as bytes, or itself if it cannot be encoded: a path in it is no UTF-8, a number no double."""
    import msgspec

    try:
        data = msgspec.msgpack.encode(report)
    except (UnicodeEncodeError, OverflowError, TypeError):
        return report
    if len(data) < LARGE:
        return PLAIN + data
    return ZIPPED + zlib.compress(data, 1) if len(data) <= MOST_UNPACKED else report


def unpack(packed: bytes | Report) -> Report | None:
    """The report again, checked against its types; None where these bytes are no report."""
    if isinstance(packed, Report):
        return packed
    import msgspec

    try:
        data = _unzipped(packed[1:]) if packed[:1] == ZIPPED else packed.removeprefix(PLAIN)
        return _decoder().decode(data)
    except (zlib.error, msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _unzipped(data: bytes) -> bytes:
    """The bytes before they were compressed; a part of them if they are too many, or cut."""
    return zlib.decompressobj().decompress(data, MOST_UNPACKED)


@cache
def _decoder() -> msgspec.msgpack.Decoder[Report]:
    import msgspec

    return msgspec.msgpack.Decoder(Report)
