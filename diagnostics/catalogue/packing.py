"""Reports as bytes: a tenth of their memory, and nothing that could be executed when they are read back."""

from __future__ import annotations

import zlib
from functools import cache
from typing import TYPE_CHECKING

from trainvitals.diagnostics.report import Report

if TYPE_CHECKING:
    import msgspec

MOST_UNPACKED = 64 << 20
"""Bytes of a report before it is packed; a larger one is kept as it is, and a bomb is not unpacked."""


def pack(report: Report) -> bytes | Report:
    """The report as bytes, or itself if it cannot be encoded: a path in it is no UTF-8, a number no double."""
    import msgspec

    try:
        data = msgspec.msgpack.encode(report)
    except (UnicodeEncodeError, OverflowError, TypeError):
        return report
    return zlib.compress(data, 1) if len(data) <= MOST_UNPACKED else report


def unpack(packed: bytes | Report) -> Report | None:
    """The report again, checked against its types; None where these bytes are no report."""
    if isinstance(packed, Report):
        return packed
    import msgspec

    try:
        unzipped = zlib.decompressobj()
        data = unzipped.decompress(packed, MOST_UNPACKED)
        return _decoder().decode(data) if unzipped.eof else None
    except (zlib.error, msgspec.MsgspecError, ValueError, RecursionError):
        return None


@cache
def _decoder() -> msgspec.msgpack.Decoder[Report]:
    import msgspec

    return msgspec.msgpack.Decoder(Report)
