"""From a series to what is drawn of it: placed on an axis, smoothed, cut to a window, and thinned; in this order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.charts.axes import Axis, position
from trainvitals.diagnostics.downsample import thin
from trainvitals.diagnostics.smoothing import Kind, smooth
from trainvitals.parsers.model import Bools, Floats, Ints, Series

QUANTILES = (0.05, 0.95)
"""What 'ignore outliers' shows, with `PADDING` of that range around it."""
PADDING = 0.25
LARGEST = 1e250
"""Values beyond this are not told apart from it in a picture: the width of a range must stay a number."""
SAMPLE = 200_000
"""Points from which quantiles are taken; of more points, every second, third ..."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """A series on an axis.

    Attributes:
        run: name of its run, as in the log.
        x: positions, finite and not decreasing, shape `(n,)`.
        y: values as normalised, shape `(n,)`, NaN and infinities kept.
        unplaced: points left out because their position is unknown.
    """

    run: str
    metric: str
    split: str
    x: Floats
    y: Floats
    unplaced: int


@dataclass(frozen=True, slots=True)
class Window:
    """The part of an axis that is shown; infinite where it is not cut. `log` axes have positive positions only."""

    start: float = -np.inf
    end: float = np.inf
    log: bool = False

    def cut(self, x: Floats) -> slice:
        """The points inside, and the next one on each side, so that lines go on to the edges."""
        first = int(np.searchsorted(x, self.start, side="left")) - 1
        last = int(np.searchsorted(x, self.end, side="right")) + 1
        positive = int(np.searchsorted(x, 0.0, side="right")) if self.log else 0
        return slice(max(first, positive, 0), min(last, x.size))

    def inside(self, x: Floats) -> Bools:
        """Which positions are shown."""
        shown: Bools = (x >= self.start) & (x <= self.end)
        return shown & (x > 0) if self.log else shown


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """What is drawn: NaN in `y` breaks the line. Shapes `(m,)` each; `at` are the points behind them, -1 for breaks."""

    x: Floats
    y: Floats
    at: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What is drawn of the values as they are, and how many points are not, within the window.

    Attributes:
        line: the thinned values; without those of 0 or less on a logarithmic axis.
        broken: positions of values that are not finite.
        sunk: positions of values of 0 or less, which a logarithmic axis cannot show.
        points, broken_points, sunk_points: how many there are, all of them counted.
        low, high: the range of the values that are drawn; NaN where there are none.
        trimmed: that range without outliers.
    """

    line: Line
    broken: Floats
    sunk: Floats
    points: int
    broken_points: int
    sunk_points: int
    low: float
    high: float
    trimmed: tuple[float, float]


def trace(case: Case, series: Series, axis: Axis) -> Trace:
    """A series on an axis, in order of position."""
    x = position(case, series, axis)
    y = series.value
    placed = np.isfinite(x)
    unplaced = int(x.size - np.count_nonzero(placed))
    if unplaced:
        x, y = x[placed], y[placed]
    if x.size > 1 and not (x[1:] >= x[:-1]).all():
        order = np.argsort(x, kind="stable")
        x, y = x[order], y[order]
    return Trace(case.run.name, series.metric, series.split, x, y, unplaced)


def drawn(one: Trace, window: Window, columns: int, *, log: bool) -> Drawn:
    """The values as they are, thinned to `columns` pixel columns; `log` is that of the y axis."""
    part = window.cut(one.x)
    x, y = one.x[part], one.y[part]
    inside = window.inside(x)
    finite = np.isfinite(y)
    sunk = finite & (y <= 0) & log
    shown = np.where(sunk, np.nan, y) if sunk.any() else y
    visible = y[inside & finite & ~sunk]
    low, high = (float(visible.min()), float(visible.max())) if visible.size else (np.nan, np.nan)
    return Drawn(
        _line(x, shown, part.start, columns),
        _marks(x[inside & ~finite], columns),
        _marks(x[inside & sunk], columns),
        int(np.count_nonzero(inside)),
        int(np.count_nonzero(inside & ~finite)),
        int(np.count_nonzero(inside & sunk)),
        low,
        high,
        trimmed(visible, log=log),
    )


def smoothed(one: Trace, window: Window, columns: int, weight: float, kind: Kind) -> Line:
    """The smoothed line; it is smoothed over all points first, so that neither window nor thinning changes it."""
    part = window.cut(one.x)
    return _line(one.x[part], smooth(one.x, one.y, weight, kind)[part], part.start, columns)


def trimmed(values: Floats, *, log: bool) -> tuple[float, float]:
    """The range between quantiles, and some padding: in log space where it is drawn there."""
    if not values.size:
        return np.nan, np.nan
    sample = np.clip(values[:: -(-values.size // SAMPLE)], -LARGEST, LARGEST)
    low, high = np.quantile(np.log(sample) if log else sample, QUANTILES).tolist()
    room = PADDING * (high - low)
    ends = (low - room, high + room)
    # exp(700) is nearly the largest number.
    return (float(np.exp(max(ends[0], -700.0))), float(np.exp(min(ends[1], 700.0)))) if log else ends


def outside(one: Trace, window: Window, low: float, high: float) -> int:
    """How many finite values lie beyond a range, all of them counted."""
    part = window.cut(one.x)
    y = one.y[part][window.inside(one.x[part])]
    return int(np.count_nonzero((y < low) & np.isfinite(y)) + np.count_nonzero((y > high) & np.isfinite(y)))


def value_at(one: Trace, x: Floats) -> Ints:
    """The index of the last point at or before each position, -1 before the first and beyond the last one."""
    found = np.searchsorted(one.x, x, side="right") - 1
    return np.where(x > one.x[-1], -1, found) if one.x.size else np.full(x.size, -1)


def _line(x: Floats, y: Floats, offset: int, columns: int) -> Line:
    if not x.size:
        return Line(x, y, np.empty(0, np.int64))
    keep = thin(x, y, columns).keep
    finite = np.isfinite(y)
    at = keep.astype(np.int64) + offset
    if finite.all() or keep.size < 2:
        return Line(x[keep], y[keep], at)
    # A value that is missing between two that are drawn breaks the line between them.
    missing = np.cumsum(~finite)
    gaps = np.flatnonzero(missing[keep[1:]] > missing[keep[:-1]]) + 1
    between = x[keep[gaps] - 1]
    return Line(np.insert(x[keep], gaps, between), np.insert(y[keep], gaps, np.nan), np.insert(at, gaps, -1))


def _marks(x: Floats, most: int) -> Floats:
    return x if x.size <= most else x[:: -(-x.size // most)]
