"""Masked CRC32C, the checksum of event-file records: of one record, and of many alike at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import google_crc32c
import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint32]

_MASK_DELTA = 0xA282EAD8
"""Added by the record format so that the checksum of data that contains checksums is no special case."""


def checksum(data: bytes) -> int:
    """The CRC32C (Castagnoli) of some bytes."""
    return int(google_crc32c.value(data))


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
    table = np.zeros(1, np.uint32)
    for bit in range(8):
        table = np.concatenate((table, table ^ np.uint32(checksum(bytes((1 << bit,)) + tail) ^ zero)))
    table.setflags(write=False)
    return table


def contribution(columns: npt.NDArray[np.uint8], after: tuple[int, ...]) -> Words:
    """What the bytes of each row add to a checksum in which they were 0.

    Args:
        columns: (n, k), k bytes of n messages of one length.
        after: for each of the k columns, how many bytes of the message follow it.

    Returns:
        (n,), to be XORed with the checksum of the message whose k bytes are 0.
    """
    found = _tables(after)[columns + np.arange(0, 256 * len(after), 256)]
    total: Any = np.bitwise_xor.reduce(found, axis=1)
    return total  # type: ignore[no-any-return]


@lru_cache(maxsize=1024)
def _tables(after: tuple[int, ...]) -> Words:
    return np.concatenate([byte_table(distance) for distance in after])
