"""Where a text of JSON lines may be cut."""

from __future__ import annotations

import numpy as np

from trainvitals.parsers.limits import MAX_LINE_BYTES

LITERALS = (b"NaN", b"Infinity")
"""Words that Python writes for non-finite numbers, and that no fast JSON decoder accepts."""


def block_end(data: bytes, start: int, size: int, wanted: int) -> int:
    """Where a block of about so many bytes ends: behind whole lines, none of which is over the limit; -1 for none."""
    # A short rest would be a block of its own.
    stop = size if size - start <= wanted * 5 // 4 else start + wanted
    end, begin = -1, start
    while begin < stop:
        found = _line_end(data, begin, size, min(stop - begin, MAX_LINE_BYTES))
        if found < 0:
            break
        end, begin = found, found + 1
    return end


def _line_end(data: bytes, start: int, size: int, wanted: int) -> int:
    """The last line end within so many bytes, else the next one within the limit of a line; -1 for none."""
    if size - start <= wanted:
        return size
    end = data.rfind(b"\n", start, start + wanted + 1)
    if end < 0:
        end = data.find(b"\n", start, min(start + MAX_LINE_BYTES + 1, size))
    return size if end < 0 and size - start <= MAX_LINE_BYTES else end


def line_ends(data: bytes) -> int:
    """How many lines end in some bytes."""
    # Several times as fast as bytes.count, which pays for each one that it finds.
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord("\n")))


def literal_lines(chunk: bytes) -> list[int]:
    """Where the lines start that hold a non-finite literal (or its word in a text)."""
    starts = set()
    for word in LITERALS:
        at = chunk.find(word)
        while at >= 0:
            starts.add(chunk.rfind(b"\n", 0, at) + 1)
            end = chunk.find(b"\n", at)
            at = chunk.find(word, end) if end >= 0 else -1
    return sorted(starts)
