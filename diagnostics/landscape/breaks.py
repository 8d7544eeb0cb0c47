"""Places where a loss jumps or bends: cells of an even grid that look suspicious, narrowed down by bisection.

What happens twice within one cell of the grid is seen once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainvitals.parsers.model import Bools, Floats

CELLS = 4000
"""Cells of the grid: a place is first known to 1 / 4000 of the range, and then narrowed down."""
HALVINGS = 36
"""Halvings of a cell; after them a continuous function differs by no more than rounding between its ends."""
JUMP = 1e-4
"""What must be left of a cell's difference after all halvings: a root's has shrunk to 4e-6, a jump's not at all."""
LEAST_JUMP = 1e-6
"""Smaller jumps, against the whole range of values, are taken for rounding: a loss may compute in single precision."""
KINK = 0.2
"""What must be left of a change of slope in a window 1/4096 as wide: a smooth one has shrunk to 1/4096."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A place where the loss takes two values: those just before and just after it, and the slopes there."""

    at: float
    before: float
    after: float
    slope_before: float
    slope_after: float


@dataclass(frozen=True, slots=True)
class Kink:
    """A place where the loss is continuous and its slope is not."""

    at: float
    slope_before: float
    slope_after: float


def jumps(f: Callable[[Floats], Floats], x: Floats, y: Floats) -> tuple[Jump, ...]:
    """The jumps of a loss with values `y` `(n,)` on the grid `x`.

    Every cell is halved towards what its neighbours' slope does not explain; a jump is what is left at the end.
    """
    cell = np.flatnonzero(np.isfinite(y[:-1]) & np.isfinite(y[1:]))
    slope = _usual_slopes(x, y)[cell]
    a, b, fa, fb = x[cell], x[cell + 1], y[cell], y[cell + 1]
    first = np.abs(fb - fa)
    for _ in range(HALVINGS):
        middle = (a + b) / 2
        fm = f(middle)
        half = slope * (b - a) / 2
        left = np.abs(fm - fa - half) >= np.abs(fb - fm - half)
        a, fa = np.where(left, a, middle), np.where(left, fa, fm)
        b, fb = np.where(left, middle, b), np.where(left, fm, fb)
    finite = y[np.isfinite(y)]
    rounding = max(LEAST_JUMP * float(np.ptp(finite)), 1e-12 * float(np.abs(finite).max()))
    rest = np.abs(fb - fa)
    found = np.flatnonzero(np.isfinite(rest) & (rest > JUMP * first) & (rest > rounding))
    step = (x[1] - x[0]) * 1e-3
    # A jump on a point of the grid is seen by one of its two cells only, as its value belongs to one side.
    return tuple(
        Jump(float(b[i]), float(fa[i]), float(fb[i]), *_sides(f, float(a[i]), float(b[i]), step)) for i in found
    )


def _usual_slopes(x: Floats, y: Floats) -> Floats:
    """The median slope of each cell and its neighbours, two to each side, `(n - 1,)`."""
    padded = np.pad(np.diff(y) / np.diff(x), 2, mode="edge")
    with np.errstate(all="ignore"):
        middle = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=-1)
    return np.nan_to_num(middle, nan=0.0, posinf=0.0, neginf=0.0)


def _sides(f: Callable[[Floats], Floats], before: float, after: float, step: float) -> tuple[float, float]:
    """Slopes to the left of `before` and to the right of `after`, extrapolated from two chords to the place itself."""
    at = f(np.array([before - step, before - step / 2, before, after, after + step / 2, after + step]))
    left = 2 * (at[2] - at[1]) / (step / 2) - (at[2] - at[0]) / step
    right = 2 * (at[4] - at[3]) / (step / 2) - (at[5] - at[3]) / step
    return float(left), float(right)


def with_sides(x: Floats, y: Floats, jumps: tuple[Jump, ...]) -> tuple[Floats, Floats]:
    """The samples with both sides of each jump put in, in the order of x."""
    # As far before the jump as the last bracket around it was wide, or it might lie behind the jump already.
    bracket = [max((x[1] - x[0]) * 2.0 ** (1 - HALVINGS), 4 * float(np.spacing(abs(j.at)))) for j in jumps]
    place = np.array([v for j, wide in zip(jumps, bracket, strict=True) for v in (j.at - wide, j.at)])
    value = np.array([v for j in jumps for v in (j.before, j.after)])
    grid = ~np.isin(x, place)
    every = np.concatenate([x[grid], place])
    order = np.argsort(every, kind="stable")
    return every[order], np.concatenate([y[grid], value])[order]


def slopes(x: Floats, y: Floats, jumps: tuple[Jump, ...]) -> tuple[Floats, Bools]:
    """Slopes `(n - 1,)` between samples, and which of them are of the function itself and not of a jump."""
    with np.errstate(all="ignore"):
        slope = np.diff(y) / np.diff(x)
    wide = np.diff(x) > 1e-6 * (x[-1] - x[0]) / x.size
    return slope, wide & np.isfinite(slope) & ~np.isin(x[1:], [j.at for j in jumps])


def kinks(f: Callable[[Floats], Floats], x: Floats, jumps: tuple[Jump, ...], mean_slope: float) -> tuple[Kink, ...]:
    """Places away from the jumps where the slope changes at once; `mean_slope` says what is a change at all."""
    grid = np.linspace(x[0], x[-1], CELLS + 1)
    h = float(grid[1] - grid[0])
    value = f(grid)
    bend = np.abs(np.diff(value, 2)) / h
    around = np.lib.stride_tricks.sliding_window_view(np.pad(bend, 4, mode="edge"), 9)
    with np.errstate(all="ignore"):
        usual = np.median(around, axis=-1)
        suspicious = np.flatnonzero((bend > 3 * usual) & (bend > 1e-4 * mean_slope))
    clear = [i for i in suspicious if all(abs(grid[i + 1] - j.at) > 2.5 * h for j in jumps)]
    groups = np.split(np.array(clear, np.intp), np.flatnonzero(np.diff(clear) > 2) + 1) if clear else []
    found = [_kink(f, float(grid[g[np.argmax(bend[g])] + 1]), h, float(bend[g].max())) for g in groups]
    return tuple(kink for kink in found if kink is not None)


def _kink(f: Callable[[Floats], Floats], at: float, h: float, bend: float) -> Kink | None:
    """A window around a bend is narrowed fourfold, six times, towards where the slope changes most."""
    width = h
    for _ in range(6):
        points = at + np.linspace(-width, width, 17)
        change = np.abs(np.diff(f(points), 2))
        at, width = float(points[1 + int(np.argmax(change))]), width / 4
    left, right = _sides(f, at - width, at + width, width * 8)
    if not (abs(right - left) > KINK * bend and math.isfinite(right - left)):
        return None
    # Where the lines of both sides meet is known much better than where the window ended.
    below, above = f(np.array([at - 2 * width, at + 2 * width]))
    met = at + (above - below - 2 * width * (left + right)) / (left - right)
    found = Kink(float(met), *_sides(f, float(met) - 1e-9 * h, float(met) + 1e-9 * h, h * 1e-2))
    # A true change has one size at each scale (or half, in the middle of a cell); that of rounding grows as one looks
    # closer.
    return found if 0.5 * bend < abs(found.slope_after - found.slope_before) < 2.5 * bend else None
