"""Columns for Arrow tables, made of buffers: `pyarrow.array` first imports pandas, which takes longer than all runs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import pyarrow as pa

from trainvitals.parsers.model import Ints


def texts(values: Sequence[str]) -> pa.Array:
    """A column of text."""
    data = [value.encode("utf-8", "replace") for value in values]
    buffers = [None, pa.py_buffer(_ends(data)), pa.py_buffer(b"".join(data))]
    return pa.Array.from_buffers(pa.large_string(), len(data), buffers)


def numbers(values: Iterable[float | None]) -> pa.Array:
    """A column of numbers; what is not finite is left empty."""
    return _floats([v if v is not None and math.isfinite(v) else None for v in values])


def marked(values: Iterable[float | None]) -> pa.Array:
    """A column of numbers in which NaN and infinities stand as they are, and None is left empty."""
    return _floats(list(values))


def curves(values: Sequence[Sequence[float]]) -> pa.Array:
    """A column of lists of numbers, with half of the digits."""
    flat = np.fromiter(chain.from_iterable(values), np.float32)
    return _lists(values, pa.Array.from_buffers(pa.float32(), flat.size, [None, pa.py_buffer(flat)]))


def tags(values: Sequence[Sequence[str]]) -> pa.Array:
    """A column of lists of text."""
    return _lists(values, texts(list(chain.from_iterable(values))))


def moments(seconds: Sequence[float]) -> pa.Array:
    """A column of points in time, given in seconds since 1970."""
    stamps = np.array([round(1000 * each) for each in seconds], np.int64)
    return pa.Array.from_buffers(pa.timestamp("ms", "UTC"), stamps.size, [None, pa.py_buffer(stamps)])


def filled(column: pa.Array) -> bool:
    """Whether there is anything in a column: a number, or a text or list that is not empty."""
    if pa.types.is_large_string(column.type) or pa.types.is_large_list(column.type):
        return bool(np.frombuffer(column.buffers()[1], np.int64)[-1])
    return bool(column.null_count < len(column))


def _floats(values: Sequence[float | None]) -> pa.Array:
    known = np.array([value is not None for value in values], np.bool_)
    data = np.array([math.nan if value is None else value for value in values], np.float64)
    present = pa.py_buffer(np.packbits(known, bitorder="little"))
    return pa.Array.from_buffers(pa.float64(), data.size, [present, pa.py_buffer(data)])


def _lists(values: Sequence[Sequence[object]], inside: pa.Array) -> pa.Array:
    buffers = [None, pa.py_buffer(_ends(values))]
    return pa.Array.from_buffers(pa.large_list(inside.type), len(values), buffers, children=[inside])


def _ends(values: Sequence[Sequence[object] | bytes]) -> Ints:
    """Where each value begins, and where the last one ends, `(n + 1,)`."""
    return np.cumsum([0, *map(len, values)], dtype=np.int64)
