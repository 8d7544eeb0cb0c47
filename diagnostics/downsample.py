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
    whole = bool(finite.all())
    broken = x[:0] if whole else x[~finite]
    if y.size > 4 * columns:
        index = _extremes(x, y, columns)
        index = index if whole else index[finite[index]]
    else:
        index = np.flatnonzero(finite)
    return Thinned(index, broken if broken.size <= columns else broken[:: -(-broken.size // columns)])


def edges(x: Floats, columns: int) -> tuple[Ints, Ints]:
    """Where each column that has a point begins and ends: indices [start, end), shape `(columns or fewer,)`."""
    starts = np.unique(np.searchsorted(x, np.linspace(x[0], x[-1], columns + 1)[:-1], side="left"))
    return starts, np.append(starts[1:], x.size)


def _extremes(x: Floats, y: Floats, columns: int) -> Ints:
    starts, ends = edges(x, columns)
    kept = [starts, ends - 1]
    # A search within each column reads every value twice, sorts none and copies none.
    for a, b in zip(starts.tolist(), ends.tolist(), strict=True):
        piece = y[a:b]
        low, high = int(piece.argmin()), int(piece.argmax())
        if not (np.isfinite(piece[low]) and np.isfinite(piece[high])):
            low, high = _finite_extremes(piece)
        kept.append(np.array([a + low, a + high]))
    return np.unique(np.concatenate(kept))


def _finite_extremes(piece: Floats) -> tuple[int, int]:
    """The places of the extremes among the finite values, of which there may be none."""
    finite = np.flatnonzero(np.isfinite(piece))
    if not finite.size:
        return 0, 0
    return int(finite[piece[finite].argmin()]), int(finite[piece[finite].argmax()])
