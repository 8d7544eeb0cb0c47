"""Two curves: the difference of their levels over the last part of what they have in common, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.compare import student
from trainvitals.diagnostics.compare.axis import Points
from trainvitals.diagnostics.statistics import detrended, short_memory
from trainvitals.parsers.model import Floats

SHARE = 0.3
"""The end of the common range that is compared."""
WIDEST = 0.5
"""The share that a sparse series (evaluations) may take instead, to have `ENOUGH` points."""
ENOUGH = 16

BLOCKS, FEW_BLOCKS = 16, 8
"""Batch means: 16, or 8 where a sixteenth would be shorter than `SPAN` times the memory of the noise."""
SPAN = 3.0

INDEPENDENT = 9.0
"""Independent points that an interval needs; half as many where neighbours hardly depend on each other."""
SHORT_MEMORY = 2.0

PAIRED = 0.3
"""Correlation of the noise of two runs beyond which they saw the same batches in the same order."""
PAIR_POINTS = 30
"""Points below which such a correlation is chance."""
LINE = 20
"""Points through which a curve is a line: longer windows would take their common bend for common noise."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the common range that is compared, and its share of that range."""

    start: float
    end: float
    share: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The difference `other - first` of two levels, with a 95 % interval `difference ± half`.

    Attributes:
        p: two-sided, of no difference; NaN, as `half`, where `reason` says why nothing can be said.
        points: those of the sparser series in the window.
        memory: points per independent point.
        correlation: of the noise of both runs, step by step; NaN where they share too few steps.
    """

    first: float
    other: float
    difference: float
    half: float
    p: float
    points: int
    blocks: int
    memory: float
    correlation: float
    reason: str = ""

    @property
    def paired(self) -> bool:
        """Whether the noise of both runs is that of the same batches."""
        return self.correlation > PAIRED


def window(curves: Sequence[Points], share: float = SHARE) -> Window | None:
    """The last part of the range that all curves have in common; None where they have none.

    Longer, up to half of that range, where the sparsest curve has less than 16 points in it.
    """
    if not all(map(len, curves)):
        return None
    low, high = max(float(c.x[0]) for c in curves), min(float(c.x[-1]) for c in curves)
    if high <= low:
        return None
    start = high - share * (high - low)
    for curve in curves:
        before = curve.x[curve.x <= high]
        wanted = before[-ENOUGH] if before.size >= ENOUGH else low
        start = min(start, max(float(wanted), high - max(share, WIDEST) * (high - low)))
    return Window(start, high, (high - start) / (high - low))


def estimate(first: Points, other: Points, place: Window) -> Estimate | None:
    """Compare two curves over a window; None where one of them has no point in it.

    Both are cut at common edges, so that each block compares what was learnt by the same place. Its 16 differences
    give a mean and a t interval (batch means); where steps are shared, they are subtracted one by one.
    """
    a, b = first.within(place.start, place.end), other.within(place.start, place.end)
    if not len(a) or not len(b):
        return None
    shared = _shared(a, b)
    if shared is not None:
        a, b = shared
    points = min(len(a), len(b))
    correlation = _correlation(a.value, b.value) if shared is not None else math.nan
    memory = _memory((b.value - a.value,) if shared is not None else (a.value, b.value))
    means = _block_means(a, b, points, memory)
    levels = means.mean(axis=1)
    gap = means[1] - means[0]
    reason = "" if _is_enough(points, memory) and gap.size > 3 else _too_few(points, memory)
    half, p = _interval(gap) if not reason else (math.nan, math.nan)
    return Estimate(
        float(levels[0]), float(levels[1]), float(gap.mean()), half, p, points, gap.size, memory, correlation, reason
    )


def _shared(a: Points, b: Points) -> tuple[Points, Points] | None:
    """Both at the steps that they share; None where those are not nearly all of the sparser and half of the denser."""
    _, i, j = np.intersect1d(a.x, b.x, assume_unique=True, return_indices=True)
    sparse, dense = sorted((len(a), len(b)))
    if i.size < max(0.9 * sparse, 0.5 * dense):
        return None
    return Points(a.x[i], a.value[i]), Points(b.x[j], b.value[j])


def _correlation(a: Floats, b: Floats) -> float:
    """Correlation of what is left of two curves when short lines are taken out; NaN with few points."""
    rows = a.size // LINE
    if a.size < PAIR_POINTS or rows < 1:
        return math.nan
    left, right = (detrended(v[-rows * LINE :].reshape(rows, LINE)).ravel() for v in (a, b))
    size = float(np.sqrt((left @ left) * (right @ right)))
    return float(left @ right) / size if size > 0 else math.nan


def _memory(curves: Sequence[Floats]) -> float:
    return max((short_memory(detrended(c[None, :])[0]) for c in curves if c.size > 3), default=1.0)


def _is_enough(points: int, memory: float) -> bool:
    """Whether there are enough independent points even if the memory is one standard error longer than it seems."""
    lag1 = (memory - 1) / (memory + 1)
    highest = min(0.95, lag1 + math.sqrt((1 - lag1**2) / points))
    longest = (1 + highest) / (1 - highest)
    needed = INDEPENDENT / 2 if longest <= SHORT_MEMORY else INDEPENDENT
    return points / longest >= needed


def _too_few(points: int, memory: float) -> str:
    if not math.isfinite(memory) or memory <= SHORT_MEMORY:
        return f"{points} points are too few for an interval"
    independent = max(1, round(points / memory))
    return f"{points} points that hang together tell as much as {independent} independent one{'s'[: independent - 1]}"


def _block_means(a: Points, b: Points, points: int, memory: float) -> Floats:
    """Means of both curves in blocks of equal count of the sparser one, shape `(2, B)`; empty blocks are left out."""
    count = BLOCKS if points >= BLOCKS * SPAN * memory else min(FEW_BLOCKS, points)
    sparse = a if len(a) <= len(b) else b
    cuts = np.linspace(0, len(sparse), count + 1).astype(np.int64)[1:-1]
    # Between two points, so that rounding does not decide on which side a point lies.
    edges = (sparse.x[cuts] + sparse.x[cuts - 1]) / 2
    sums, sizes = np.zeros((2, count)), np.zeros((2, count))
    for row, curve in enumerate((a, b)):
        place = np.searchsorted(edges, curve.x, side="right")
        sums[row] = np.bincount(place, curve.value, count)
        sizes[row] = np.bincount(place, minlength=count)
    full = (sizes > 0).all(axis=0)
    return np.asarray(sums[:, full] / sizes[:, full])


def _interval(gap: Floats) -> tuple[float, float]:
    """(half of the 95 % interval, p) of a mean of block differences."""
    dof = gap.size - 1
    error = float(gap.std(ddof=1)) / math.sqrt(gap.size)
    mean = abs(float(gap.mean()))
    if error <= 1e-12 * mean or error == 0:
        return 0.0, 0.0 if mean > 0 else 1.0
    return student.quantile(dof) * error, student.two_sided(mean / error, dof)
