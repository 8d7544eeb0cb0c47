"""What must hold for whatever a reader makes of any bytes."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from trainvitals.parsers.limits import MAX_METRICS, MAX_NAME_LENGTH, MAX_POINTS
from trainvitals.parsers.model import Parsed, Series

NAN_WORD = re.compile(rb"nan", re.IGNORECASE)
INFINITE = re.compile(rb"inf|[eE][+]?\d{2}|\d{300}|k|%", re.IGNORECASE)
"""What a text needs so that a number in it may be infinite: the word, an exponent, hundreds of digits, or a unit."""

COLUMNS = ("value", "step", "epoch", "time", "line", "source")


class ViolationError(AssertionError):
    """A reader has answered, and the answer cannot be right."""


def check(found: Iterable[Parsed], data: bytes | None) -> None:
    """Check what a reader found in `data`; None where the bytes are no text that spells its numbers.

    Raises:
        ViolationError: an invariant of the data model does not hold.
    """
    points = 0
    for parsed in found:
        for series in parsed.series:
            _check_series(series, data)
            points += len(series)
        source = parsed.source
        require(not source.error, "a reader gives errors by raising them")
        require(source.lines >= 0 and source.unread_lines >= 0, "counts are not negative")
        require(len(parsed.series) <= 3 * MAX_METRICS, "the limit of metrics holds")
        keys = [(one.metric, one.split) for one in parsed.series]
        require(len(keys) == len(set(keys)) or parsed.source.format == "mmcv_json", "series are distinct by name")
    require(points <= MAX_POINTS, "the limit of points holds")


def same(one: Parsed, other: Parsed) -> None:
    """Check that two ways to read one file agree.

    Raises:
        ViolationError: they differ.
    """
    require(repr(one.source) == repr(other.source), f"sources agree: {one.source!r} != {other.source!r}")
    require(repr(one.config) == repr(other.config), "settings agree")
    require(repr(one.summary) == repr(other.summary), "summaries agree")
    first, second = ({(s.metric, s.split): s for s in parsed.series} for parsed in (one, other))
    require(list(first) == list(second), f"names agree, in order: {list(first)!r} != {list(second)!r}")
    for key, series in first.items():
        for column in COLUMNS:
            left, right = getattr(series, column), getattr(second[key], column)
            equal = np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
            require(equal, f"{column} of {key!r} agrees: {left!r} != {right!r}")


def _check_series(series: Series, data: bytes | None) -> None:
    name = series.metric
    require(0 < len(name) <= 8 * MAX_NAME_LENGTH + 16 and name.isprintable(), f"a name can be shown: {name!r}")
    require(len(series) > 0, "a series has points")
    sizes = {column: getattr(series, column).shape for column in COLUMNS}
    require(set(sizes.values()) == {series.value.shape} and series.value.ndim == 1, f"columns are parallel: {sizes}")
    kinds = {column: getattr(series, column).dtype.str for column in COLUMNS}
    require(all(kinds[c] == "<f8" for c in COLUMNS[:4]), f"numbers are doubles: {kinds}")
    require(int(series.line.min()) >= 1, "lines count from one")
    if data is not None:
        require(not np.isnan(series.value).any() or bool(NAN_WORD.search(data)), f"NaN was logged: {series.value}")
        require(not np.isinf(series.value).any() or bool(INFINITE.search(data)), f"inf was logged: {series.value}")


def require(holds: bool, sentence: str) -> None:
    """Raise a `ViolationError` with this sentence where it does not hold."""
    if not holds:
        raise ViolationError(sentence)
