"""Writes event files record by record: the few fields of the Event message that scalars and histograms need."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import google_crc32c


def record(data: bytes) -> bytes:
    """The data with its length and both masked checksums."""
    length = struct.pack("<Q", len(data))
    return b"".join((length, _masked_checksum(length), data, _masked_checksum(data)))


def version(time: float) -> bytes:
    """The event that opens every file."""
    return b"\x09" + struct.pack("<d", time) + _field(3, b"brain.Event:2")


def simple(time: float, step: int, tag: str, value: float) -> bytes:
    """A scalar as PyTorch's SummaryWriter logs it."""
    return _event(time, step, _field(1, tag.encode()) + b"\x15" + struct.pack("<f", value))


def tensor(time: float, step: int, tag: str, value: float) -> bytes:
    """A scalar as TensorFlow 2 logs it: a tensor of one element, with metadata in every record."""
    content = b"\x08\x01" + _field(2, b"") + _field(5, struct.pack("<f", value))
    metadata = _field(1, _field(1, b"scalars")) + b"\x20\x01"
    return _event(time, step, _field(1, tag.encode()) + _field(8, content) + _field(9, metadata))


def histogram(time: float, step: int, tag: str, buckets: Sequence[float]) -> bytes:
    """A histogram, which is no scalar and of any length."""
    content = _field(7, struct.pack(f"<{len(buckets)}d", *buckets))
    return _event(time, step, _field(1, tag.encode()) + _field(5, content))


def _event(time: float, step: int, value: bytes) -> bytes:
    stepped = b"\x10" + _varint(step) if step else b""
    return b"\x09" + struct.pack("<d", time) + stepped + _field(5, _field(1, value))


def _field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2,)) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 127:
        digits.append(value & 127 | 128)
        value >>= 7
    digits.append(value)
    return bytes(digits)


def _masked_checksum(data: bytes) -> bytes:
    crc = int(google_crc32c.value(data))
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)
