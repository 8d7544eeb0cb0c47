"""Any loss of an error, looked at as a black box: where it jumps, bends, falls, is flat, or grows too steep.

The function is sampled on an even grid; each suspicious cell is then narrowed down by bisection. What happens twice
within one cell of the grid is seen once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from trainvitals.diagnostics.curve import stretches
from trainvitals.diagnostics.landscape.breaks import CELLS, Jump, Kink, jumps, kinks, slopes, with_sides
from trainvitals.parsers.model import Bools, Floats

FLAT = 0.01
"""A slope below this part of the mean one is flat."""
STEEP = 10.0
"""A slope above this many times the mean one is steep."""
SHORT = 0.01
"""Flat stretches shorter than this part of the range are not told."""


@dataclass(frozen=True, slots=True)
class Fall:
    """Larger errors that cost less. From `start` to `end` the loss is below `peak`, its value just before `start`.

    Its least value there is `low`, at `low_at`. Every error from `equal` to `start` costs more than `low`, which an
    error of `equal` costs too; it is NaN where no smaller error is as cheap. `end` is infinite where the peak is not
    reached again within the range.
    """

    start: float
    end: float
    peak: float
    low: float
    low_at: float
    equal: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """An interval, and the largest size of the slope within it; infinite where it grows without bound at `at`."""

    start: float
    end: float
    slope: float
    at: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What was found between `low` and `high`, and the samples `x`, `y` `(n,)`, two at the sides of each jump.

    `mean_slope` is the whole way up and down, jumps left out, over the range. Falls are told as seen from `origin`,
    outwards, and `broken` are intervals without a finite value.
    """

    low: float
    high: float
    origin: float
    x: Floats
    y: Floats
    mean_slope: float
    jumps: tuple[Jump, ...] = ()
    kinks: tuple[Kink, ...] = ()
    falls: tuple[Fall, ...] = ()
    flat: tuple[Stretch, ...] = ()
    steep: tuple[Stretch, ...] = ()
    broken: tuple[tuple[float, float], ...] = ()


def vectorised(loss: Callable[[Any], Any]) -> Callable[[Floats], Floats]:
    """The loss as a function of arrays `(n,)`, whether it takes arrays or one number at a time."""

    def one_by_one(error: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.array([_single(loss, float(e)) for e in error], np.float64)

    def at_once(error: Floats) -> Floats:
        with np.errstate(all="ignore"):
            return np.asarray(loss(error), np.float64)

    probe = np.array([0.25, 0.5, 3.0])
    try:
        together = at_once(probe)
    except Exception:  # noqa: BLE001 (a stranger's function may raise anything on an array that it does not expect)
        return one_by_one
    # A loss that reduces, or that mixes its elements, is one of single numbers.
    same = together.shape == probe.shape and np.allclose(together, one_by_one(probe), equal_nan=True)
    return at_once if same else one_by_one


def _single(loss: Callable[[Any], Any], error: float) -> float:
    try:
        return float(loss(error))
    except (ArithmeticError, ValueError):
        return math.nan  # math.log(0) raises what log of an array returns as -inf


def analyse(loss: Callable[[Any], Any], low: float, high: float, *, cells: int = CELLS) -> Analysis:
    """What is remarkable about a loss between two errors.

    Args:
        loss: takes an error, a number or an array of them, and returns the loss of each.
        low: the least error, and
        high: the largest. If 0 lies between, falls are looked for from 0 to both sides.
        cells: how fine the first look is.

    Raises:
        ValueError: the range is empty or not finite, or no value in it is finite.
    """
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise ValueError(f"no range from {low} to {high}")
    with np.errstate(all="ignore"):
        return _analysed(vectorised(loss), low, high, cells)


def _analysed(f: Callable[[Floats], Floats], low: float, high: float, cells: int) -> Analysis:
    x = np.linspace(low, high, cells + 1)
    y = f(x)
    if not np.isfinite(y).any():
        raise ValueError(f"no finite value between {low} and {high}")
    jumping = jumps(f, x, y)
    x, y = with_sides(x, y, jumping)
    slope, inside = slopes(x, y, jumping)
    mean_slope = float((np.abs(slope) * np.diff(x))[inside].sum() / (high - low))
    origin = min(max(0.0, low), high)
    steep = _steep(f, x, y, slope, inside, mean_slope)
    poles = [s.at for s in steep if math.isinf(s.slope)]
    bending = tuple(
        k for k in kinks(f, x, jumping, mean_slope) if not np.isclose(k.at, poles, atol=1e-6 * (high - low)).any()
    )
    return Analysis(
        low,
        high,
        origin,
        x,
        y,
        mean_slope,
        jumping,
        bending,
        _falls(f, x, y, origin, mean_slope * (high - low)),
        _flat(x, y, slope, inside, mean_slope),
        steep,
        _broken(f, x, y),
    )


# --- falls ------------------------------------------------------------------------------------------------------------


def _falls(f: Callable[[Floats], Floats], x: Floats, y: Floats, origin: float, way: float) -> tuple[Fall, ...]:
    """Falls to the right of the origin, then those to its left, which are told with the places as they are."""
    right = x >= origin
    left = x <= origin
    found = _outwards(f, x[right], y[right], way) if right.sum() > 1 else []
    if left.sum() > 1:
        mirrored = _outwards(lambda e: f(-e), -x[left][::-1], y[left][::-1], way)
        found += [Fall(-m.start, -m.end, m.peak, m.low, -m.low_at, -m.equal) for m in mirrored]
    return tuple(found)


def _outwards(f: Callable[[Floats], Floats], x: Floats, y: Floats, way: float) -> list[Fall]:
    """Stretches where the loss is below what a smaller error has cost already."""
    good = np.isfinite(y)
    x, y = x[good], y[good]
    highest = np.maximum.accumulate(y)
    below = y < highest - 1e-9 * max(way, 1e-300)
    found = []
    for a, b in stretches(below):
        top = a - 1
        least = a + int(np.argmin(y[a : b + 1]))
        before = np.flatnonzero(y[: top + 1] < y[least])
        equal = _crossing(f, x, int(before[-1]), float(y[least])) if before.size else math.nan
        end = _crossing(f, x, b, float(highest[b])) if b + 1 < x.size else math.inf
        start, peak = _extreme(f, x, y, top, highest=True)
        low_at, low = _extreme(f, x, y, least, highest=False)
        found.append(Fall(start, end, peak, low, low_at, equal))
    return found


def _extreme(f: Callable[[Floats], Floats], x: Floats, y: Floats, i: int, *, highest: bool) -> tuple[float, float]:
    """The place and value of the extreme near sample `i`, by thirds; the sample itself where a jump makes it."""
    a, b = float(x[max(i - 1, 0)]), float(x[min(i + 1, x.size - 1)])
    sign = 1.0 if highest else -1.0
    for _ in range(60):
        first, second = a + (b - a) / 3, b - (b - a) / 3
        one, other = sign * f(np.array([first, second]))
        a, b = (first, b) if one < other else (a, second)
    at = (a + b) / 2
    found = float(f(np.array([at]))[0])
    return (at, found) if sign * found > sign * float(y[i]) else (float(x[i]), float(y[i]))


def _crossing(f: Callable[[Floats], Floats], x: Floats, i: int, level: float) -> float:
    """Where, between samples `i` and `i + 1`, the loss reaches a level from below."""
    a, b = float(x[i]), float(x[i + 1])
    for _ in range(60):
        middle = (a + b) / 2
        a, b = (middle, b) if f(np.array([middle]))[0] < level else (a, middle)
    return b


# --- slopes -----------------------------------------------------------------------------------------------------------


def _flat(x: Floats, y: Floats, slope: Floats, inside: Bools, mean_slope: float) -> tuple[Stretch, ...]:
    """Stretches of hardly any slope, those around the minimum left out: there it is meant to be so."""
    flat = (np.abs(slope) < FLAT * mean_slope) & inside
    least = int(np.nanargmin(np.where(np.isfinite(y), y, np.nan)))
    found = []
    for a, b in stretches(flat):
        if a <= least <= b + 1 or x[b + 1] - x[a] < SHORT * (x[-1] - x[0]):
            continue
        size = float(np.abs(slope[a : b + 1]).max())
        found.append(Stretch(float(x[a]), float(x[b + 1]), size if size > 1e-9 * mean_slope else 0.0))
    return tuple(found)


def _steep(
    f: Callable[[Floats], Floats], x: Floats, values: Floats, slope: Floats, inside: Bools, mean_slope: float
) -> tuple[Stretch, ...]:
    steep = (np.abs(slope) > STEEP * mean_slope) & inside
    found = []
    for a, b in stretches(steep):
        worst = a + int(np.argmax(np.abs(slope[a : b + 1])))
        beside = [float(x[i]) for i in (a - 1, b + 2) if 0 <= i < x.size and not np.isfinite(values[i])]
        at = beside[0] if beside else _pole(f, float(x[worst]), float(x[worst + 1]))
        size = math.inf if at == at else float(np.abs(slope[worst]))
        found.append(Stretch(float(x[a]), float(x[b + 1]), size, at))
    # A root that is a small part of the whole has its pole within one cell, where the slope is not yet steep.
    spots = {0, slope.size - 1, int(np.argmax(np.where(inside, np.abs(slope), -1.0)))}
    poles = {i: _pole(f, float(x[i]), float(x[i + 1])) for i in spots if inside[i] and not steep[i]}
    found += [Stretch(float(x[i]), float(x[i + 1]), math.inf, at) for i, at in poles.items() if at == at]
    return tuple(sorted(found, key=lambda s: s.start))


def _pole(f: Callable[[Floats], Floats], a: float, b: float) -> float:
    """Where the slope grows without bound as one comes closer; NaN where it does not."""
    slopes = []
    for _ in range(10):
        points = np.linspace(a, b, 9)
        with np.errstate(all="ignore"):
            size = np.abs(np.diff(f(points)) / np.diff(points))
        size = np.where(np.isfinite(size), size, -1.0)
        i = int(np.argmax(size))
        a, b = float(points[i]), float(points[i + 1])
        slopes.append(float(size[i]))
    growing = all(later > 1.5 * earlier for earlier, later in pairwise(slopes))
    return (a if abs(a) < abs(b) else b) if growing else math.nan


def _broken(f: Callable[[Floats], Floats], x: Floats, y: Floats) -> tuple[tuple[float, float], ...]:
    """Intervals of samples without a finite value, their ends found by bisection."""
    found = []
    for a, b in stretches(~np.isfinite(y)):
        low = _edge(f, x, a, a - 1) if a else float(x[0])
        high = _edge(f, x, b, b + 1) if b + 1 < x.size else float(x[-1])
        found.append((low, high))
    return tuple(found)


def _edge(f: Callable[[Floats], Floats], x: Floats, bad: int, good: int) -> float:
    wrong, right = float(x[bad]), float(x[good])
    for _ in range(50):
        middle = (wrong + right) / 2
        finite = np.isfinite(f(np.array([middle]))[0])
        wrong, right = (wrong, middle) if finite else (middle, right)
    return wrong
