"""Curves thinned for drawing: the extremes of every pixel column stay, so that no spike vanishes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.parsers.model import Floats, Ints


@dataclass(frozen=True, slots=True)
class Thinned:
    """Indices of the points to draw, and the x where values are not finite (marks of their own)."""

    keep: Ints
    broken: Floats


def thin(x: Floats, y: Floats, columns: int = 1000) -> Thinned:
    """First, last, minimum and maximum of each of `columns` intervals of x; all points where there are few.

    Args:
        x: growing positions, shape (n,).
        y: values, shape (n,); those that are not finite are left out and reported in `broken`.
        columns: pixel columns of the chart.
    """
    finite = np.isfinite(y)
    broken = x[~finite]
    index = np.flatnonzero(finite)
    if index.size > 4 * columns:
        index = _extremes(x[index], y[index], index, columns)
    return Thinned(index, broken if broken.size <= columns else broken[:: -(-broken.size // columns)])


def _extremes(x: Floats, y: Floats, index: Ints, columns: int) -> Ints:
    edges = np.searchsorted(x, np.linspace(x[0], x[-1], columns + 1)[:-1], side="left")
    starts = np.unique(edges)
    column = np.repeat(np.arange(starts.size), np.diff(np.append(starts, x.size)))
    order = np.lexsort((y, column))
    lowest, highest = order[starts], order[np.append(starts[1:], x.size) - 1]
    ends = np.append(starts[1:], x.size) - 1
    return np.asarray(index[np.unique(np.concatenate([starts, ends, lowest, highest]))])
