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
    starts = np.unique(np.searchsorted(x, np.linspace(x[0], x[-1], columns + 1)[:-1], side="left"))
    ends = np.append(starts[1:], x.size)
    # A search within each column reads every value twice and sorts none.
    lowest = [a + int(y[a:b].argmin()) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    highest = [a + int(y[a:b].argmax()) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    return np.asarray(index[np.unique(np.concatenate([starts, ends - 1, lowest, highest]))])
