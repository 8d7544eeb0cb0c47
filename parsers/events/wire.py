"""The wire format of protocol buffers, as far as event files need it: which field lies where."""

from __future__ import annotations

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5

_WIDTH = {FIXED64: 8, FIXED32: 4}
_LONGEST_VARINT = 10

MAX_FIELDS = 100_000
"""Fields of one message; the largest real ones are summaries of some thousand values."""

Field = tuple[int, int, int, int]
"""(field number, wire type, start, stop): where the content lies, without its key and its length."""


class WireError(ValueError):
    """Bytes that are no message."""


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """(unsigned 64-bit value, the byte after it) of a base-128 number.

    Raises:
        WireError: it does not end before `end`, or has more than ten bytes.
    """
    value = shift = 0
    for at in range(at, min(end, at + _LONGEST_VARINT)):  # noqa: B020 - the position moves on
        byte = data[at]
        value |= (byte & 127) << shift
        if byte < 128:
            return value & 0xFFFFFFFFFFFFFFFF, at + 1
        shift += 7
    raise WireError("a number without an end")


def signed(value: int, bits: int = 64) -> int:
    """An unsigned number as two's complement of so many bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def fields(data: bytes, at: int, end: int) -> Iterator[Field]:
    """The fields of the message in data[at:end], in order; nothing is decoded, nested messages are not entered.

    Raises:
        WireError: the bytes are no message (a field over the end, a wire type that does not exist, groups),
            or more than `MAX_FIELDS` fields.
    """
    count = 0
    while at < end:
        count += 1
        if count > MAX_FIELDS:
            raise WireError(f"more than {MAX_FIELDS} fields")
        key, at = varint(data, at, end)
        number, wire = key >> 3, key & 7
        start = at
        if wire == VARINT:
            _, at = varint(data, at, end)
        elif wire == BYTES:
            length, start = varint(data, at, end)
            at = start + length
        elif wire in _WIDTH:
            at += _WIDTH[wire]
        else:
            raise WireError(f"wire type {wire}")
        if at > end or not number:
            raise WireError("a field over the end" if number else "field number 0")
        yield number, wire, start, at
