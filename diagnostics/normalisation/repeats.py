"""Rows that a log has twice in a row, as a logger with two handlers writes them: the second one says nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from trainvitals.parsers.model import Bools, Floats, Ints, Run, Series


# Several rules ask for it; a run is equal to itself alone.
@lru_cache(maxsize=2)
def once(run: Run) -> Run:
    """The run with each row once; the run itself where none is repeated."""
    series = without_repeats(run.series)
    return run if all(a is b for a, b in zip(series, run.series, strict=True)) else replace(run, series=series)


def without_repeats(series: Sequence[Series]) -> tuple[Series, ...]:
    """The series without rows whose every value repeats the one before at the same step; in file order.

    Part of a row may repeat by chance, as a rounded norm or a rate does when micro-batches are logged.
    """
    repeated = [_repeats(one) for one in series]
    if not any(mask.any() for mask in repeated):
        return tuple(series)
    rows = [_rows(one) for one in series]
    row, points = np.unique(np.concatenate(rows), return_counts=True)
    again, repeats = np.unique(np.concatenate([r[m] for r, m in zip(rows, repeated, strict=True)]), return_counts=True)
    whole = again[points[np.searchsorted(row, again)] == repeats]
    kept = [~np.isin(r, whole) for r in rows]
    return tuple(one if mask.all() else one.take(mask) for one, mask in zip(series, kept, strict=True))


def _repeats(series: Series) -> Bools:
    """Which points have step, epoch, value and file of the point before, shape `(n,)`."""
    found = np.zeros(len(series), np.bool_)
    if len(series) > 1:
        same_file = series.source[1:] == series.source[:-1]
        found[1:] = same_file & (series.step[1:] == series.step[:-1])
    if found.any():
        found[1:] &= _equal(series.value) & _equal(series.epoch)
    return found


def _equal(column: Floats) -> Bools:
    return np.asarray((column[1:] == column[:-1]) | (np.isnan(column[1:]) & np.isnan(column[:-1])))


def _rows(series: Series) -> Ints:
    """One number for each line of each file."""
    return series.source * (1 << 40) + series.line
