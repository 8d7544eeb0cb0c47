"""Smoothed curves for the eye: the two exponential means that people know, over every point of a series.

Both are a weighted mean of all values so far, in which a value that is `d` away weighs `w**d`:

- `time`: W&B's time-weighted mean. `w = min(sqrt(p), 0.999)`, and `d` is the distance in x as a share of the whole
  range times 1000, so that irregular logging does not change the picture.
- `points`: TensorBoard's mean. `w = p`, and `d` counts points. Its debiased recurrence is the same weighted mean.

Values that are not finite take no part, and the smoothed line is broken there. No verdict is drawn from any of this.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from trainvitals.parsers.model import Floats

Kind = Literal["time", "points"]

VIEWPORT = 1000.0
"""Units of distance in the whole range of x, for the time-weighted mean."""
MOST_TIME_WEIGHT = 0.999

NARROWEST = 1e-300
"""A range of x this narrow is none: its inverse would overflow."""

BLOCK = 1 << 15
"""Points that are summed at once: they stay in the cache of a core."""
SPAN = 300.0
"""Largest exponent of a block, and of what it takes over: exp(600) leaves room for sums within a double."""
HUGE = 1e40
"""Larger values are scaled down before they are summed."""


def smooth(x: Floats, y: Floats, p: float, kind: Kind = "time") -> Floats:
    """The smoothed values at every point, NaN where `y` is not finite; shape `(n,)`.

    Args:
        x: positions that do not decrease, shape `(n,)`; only the time-weighted mean looks at them.
        y: values, shape `(n,)`.
        p: 0 (no smoothing) to below 1, as on the slider.
        kind: which of the two means.
    """
    if not p > 0 or not y.size:
        return np.where(np.isfinite(y), y, np.nan)
    finite = np.isfinite(y)
    whole = bool(finite.all())
    at, values = (x, y) if whole else (x[finite], y[finite])
    largest = max(float(values.max(initial=0.0)), -float(values.min(initial=0.0)))
    if largest > HUGE:
        values = values / largest
    mean = _timed(at, values, p) if kind == "time" else _counted(values, p)
    if largest > HUGE:
        mean *= largest
    if whole:
        return mean
    spread = np.full(y.shape, np.nan)
    spread[finite] = mean
    return spread


def _timed(x: Floats, y: Floats, p: float) -> Floats:
    width = float(x[-1] - x[0]) if x.size else 0.0
    if not NARROWEST < width < math.inf:
        return weighted_mean(np.zeros(y.size), y, 1.0)
    decay = -math.log(min(math.sqrt(p), MOST_TIME_WEIGHT)) * VIEWPORT / width
    return weighted_mean(x, y, decay)


def _counted(y: Floats, p: float) -> Floats:
    """A loop in compiled code: a mean over so few points would be cut into too many blocks by `weighted_mean`."""
    import polars as pl

    return np.array(pl.Series(y).ewm_mean(alpha=1 - min(p, 1 - 1e-12), adjust=True).to_numpy())


def weighted_mean(x: Floats, y: Floats, decay: float) -> Floats:
    """The mean of all values so far, each weighed by `exp(-decay * distance in x)`; shape `(n,)`.

    `exp(-decay * (x_i - x_j))` is a product of a term in `x_i`, which a quotient of two sums loses, and one in `x_j`:
    running sums of `exp(decay * x_j) * y_j` and of `exp(decay * x_j)` are all that is needed. They grow, so they are
    begun anew, at the last position, every `BLOCK` points or `SPAN` units of the exponent.

    Args:
        x: positions that do not decrease, finite; `decay` is per unit of them.
        y: finite values.
        decay: 0 or more.
    """
    mean = np.empty(y.size)
    total = weight = 0.0
    origin, start = float(x[0]) if x.size else 0.0, 0
    while start < y.size:
        end = _block_end(x, start, decay)
        if decay * float(x[start] - origin) > SPAN:
            # What lies so far back weighs nothing, and its exponent would be too large.
            total, weight, origin = 0.0, 0.0, float(x[start])
        grown = np.exp(decay * (x[start:end] - origin))
        weights = np.cumsum(grown)
        weights += weight
        grown *= y[start:end]
        sums = np.cumsum(grown, out=grown)
        sums += total
        np.divide(sums, weights, out=mean[start:end])
        shrunk = math.exp(-decay * float(x[end - 1] - origin))
        total, weight, origin = float(sums[-1]) * shrunk, float(weights[-1]) * shrunk, float(x[end - 1])
        start = end
    return mean


def _block_end(x: Floats, start: int, decay: float) -> int:
    end = min(start + BLOCK, x.size)
    if decay * float(x[end - 1] - x[start]) <= SPAN:
        return end
    return max(start + 1, start + int(np.searchsorted(x[start:end], x[start] + SPAN / decay, side="right")))
