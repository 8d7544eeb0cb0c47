"""Masked CRC32C, the checksum of event-file records: of one record, and of many alike at once."""

from __future__ import annotations

from functools import lru_cache

import google_crc32c
import numpy as np

from trainvitals.parsers.model import Bytes, Words

_MASK_DELTA = 0xA282EAD8
"""Added by the record format so that the checksum of data that contains checksums is no special case."""


def checksum(data: bytes) -> int:
    """The CRC32C (Castagnoli) of some bytes."""
    return int(google_crc32c.value(data))


def continued(data: bytes) -> int:
    """The CRC32C of some bytes continued from a checksum of 0, as the later part of a message has it."""
    return int(google_crc32c.extend(0, data))


def masked_checksum(data: bytes) -> int:
    """The CRC32C of some bytes as records store it: rotated right by 15 bits, plus a constant."""
    crc = checksum(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def masked(crc: Words) -> Words:
    """Plain checksums as records store them, element by element."""
    return (crc >> np.uint32(15) | crc << np.uint32(17)) + np.uint32(_MASK_DELTA)


@lru_cache(maxsize=4096)
def byte_table(after: int) -> Words:
    """What a byte changes in the checksum when `after` bytes follow it: (256,), to be XORed.

    CRC32C is affine over GF(2): of two messages of one length the checksums differ by the XOR of what each differing
    byte contributes, and that depends only on the XOR of the two bytes and on their distance from the end.
    """
    tail = bytes(after)
    zero = checksum(b"\0" + tail)
    return _spanned(tuple(checksum(bytes((1 << bit,)) + tail) ^ zero for bit in range(8)))


@lru_cache(maxsize=1024)
def byte_tables(after: tuple[int, ...]) -> Words:
    """The tables of several bytes of one message, one after the other: (256 * k,)."""
    return _frozen(np.concatenate([byte_table(distance) for distance in after]))


@lru_cache(maxsize=1024)
def shift_tables(length: int) -> Words:
    """What the four bytes (lowest first) of the checksum of a beginning add to that of the whole: (4 * 256,).

    `length` is how many bytes follow: crc(a + b) = shift(crc(a)) ^ crc(b continued from 0), and shift is linear.
    """
    tail = bytes(length)
    zero = google_crc32c.extend(0, tail)
    bits = [google_crc32c.extend(1 << bit, tail) ^ zero for bit in range(32)]
    return _frozen(np.concatenate([_spanned(tuple(bits[low : low + 8])) for low in range(0, 32, 8)]))


def looked_up(tables: Words, columns: Bytes) -> Words:
    """The XOR of what the bytes of each row contribute.

    Args:
        tables: (256 * k,), one table per column.
        columns: (n, k).

    Returns:
        (n,), to be XORed with the checksum of the message whose k bytes are 0.
    """
    found: Words = np.bitwise_xor.reduce(tables[columns + np.arange(0, tables.size, 256)], axis=1)
    return found


def _spanned(bits: tuple[int, ...]) -> Words:
    """The table of a linear function of one byte from its values at the eight single bits: (256,)."""
    table = np.zeros(1, np.uint32)
    for value in bits:
        table = np.concatenate((table, table ^ np.uint32(value)))
    return _frozen(table)


def _frozen(table: Words) -> Words:
    table.setflags(write=False)
    return table
