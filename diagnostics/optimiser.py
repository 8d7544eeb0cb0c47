"""What the rules about the optimiser share: gradient norms, the learning rate as one schedule, and jumps in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import SCALES, Curve, curve
from trainvitals.diagnostics.statistics import median, spacing
from trainvitals.parsers.model import Floats, Ints, Series

GRADIENT_WORDS = frozenset({"grad", "grads", "gradient", "gradients", "gnorm", "gradnorm"})
NO_NORM_WORDS = frozenset(
    {
        *("cos", "cosine", "sim", "similarity", "conflict", "angle", "noise", "var", "variance", "cov"),
        *("std", "stddev", "hist", "histogram", "quantile", "skew", "kurtosis"),
        *("clip", "clipped", "clipping", "coef", "frac", "fraction", "ratio", "scale", "scaler", "weight", "overflow"),
        *("num", "number", "count", "accum", "accumulation", "accumulate", "step", "steps", "time", "ms"),
        *("zero", "zeros", "zeroed", "nan", "nans", "inf"),
    }
)
"""Words that make a name with `grad` in it something else: a cosine, a clip coefficient, a loss scale, a counter."""

ELEMENT_WORDS = frozenset({"mean", "min", "median", "abs"})
"""Words of statistics over the elements of a gradient, where the name does not say `norm` as well."""

MOST_PARTS = 8
"""More norms than that are those of single layers, of which some come and go in any run: they are not judged."""

RATE = re.compile(r"(learning_?rate|lr)([-/_.:](\S+))?")
NO_RATE_WORDS = frozenset({"scale", "mult", "multiplier", "factor", "decay", "ratio", "min", "max", "loss", "range"})


@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """The learning rate over the run, of all parameter groups the largest.

    Attributes:
        series: the rate of the group that reaches the highest value, one point per step.
        x: steps, growing; the order of the points where the log has no steps.
        value: the rate at each of them, `(n,)`, finite and not negative.
    """

    series: Series
    x: Floats
    value: Floats

    def __len__(self) -> int:
        return int(self.x.size)

    @property
    def gap(self) -> float:
        """Median distance of two points."""
        return spacing(self.x)


# Four rules ask for it; a case is equal to itself alone.
@lru_cache(maxsize=2)
def rates(case: Case) -> Rates | None:
    """The learning rate of a run; None where none is logged.

    A group that is frozen at 0, or warms up on its own, is no matter as long as another one trains.
    """
    found = [c for s in case.run.series if s.split == "train" and _is_rate(s.metric) and len(c := curve(s))]
    if not found:
        return None
    main = max(found, key=lambda c: (len(c), float(c.series.value.max()), c.series.metric == "learning_rate"))
    value = main.series.value
    for other in found:
        if other is not main:
            at = np.clip(np.searchsorted(other.x, main.x, side="right") - 1, 0, None)
            value = np.maximum(value, other.series.value[at])
    good = value >= 0
    if good.all():
        return Rates(main.series, main.x, value)
    return Rates(main.series.take(good), main.x[good], value[good]) if good.any() else None


@lru_cache(maxsize=1024)
def _is_rate(metric: str) -> bool:
    match = RATE.fullmatch(metric)
    return match is not None and not NO_RATE_WORDS & set(re.split(r"[^a-z]+", (match[3] or "").lower()))


# Three rules ask for them; a case is equal to itself alone.
@lru_cache(maxsize=2)
def gradient_norms(case: Case) -> tuple[Series, ...]:
    """The norms of the gradient that are logged: of the whole model first, then of its parts, where these are few."""
    found = [s for s in case.run.series if s.split == "train" and _is_norm(s.metric) and np.isfinite(s.value).any()]
    parts = [s for s in found if s.metric != "grad_norm"]
    return (*(s for s in found if s.metric == "grad_norm"), *(parts if len(parts) <= MOST_PARTS else ()))


@lru_cache(maxsize=1024)
def _is_norm(metric: str) -> bool:
    words = set(re.split(r"[^a-z]+", metric.lower()))
    of_elements = bool(words & ELEMENT_WORDS) and "norm" not in words
    return bool(words & GRADIENT_WORDS) and not words & NO_NORM_WORDS and not of_elements


# Three rules ask for the same norms; a series is equal to itself alone.
@lru_cache(maxsize=4)
def positive(series: Series) -> Curve:
    """The finite positive points of a norm."""
    good = np.isfinite(series.value) & (series.value > 0)
    return curve(series if good.all() else series.take(good))


def recent_points(n: int) -> int:
    """How many points the present level of a norm is taken from: a sixteenth of them, 5 at least."""
    return min(n, max(5, n // 16))


def without_scale(case: Case, series: Series) -> Series | None:
    """The series divided by the loss scale that was logged with it; None where none was.

    Some trainers log the norm of the scaled gradient, which doubles whenever the scaler does.
    """
    scale = next((s for s in case.run.series if s.metric.replace(" ", "_") in SCALES and len(s)), None)
    if scale is None:
        return None
    c = curve(scale)
    if not len(c) or c.series.value.max() <= 1 or not np.isfinite(series.step).all():
        return None
    at = np.clip(np.searchsorted(c.x, series.step, side="right") - 1, 0, None)
    factor = np.maximum(c.series.value[at], np.finfo(float).tiny)
    return replace(series, value=series.value / factor)


def jumps(rate: Rates, factor: float) -> Ints:
    """Indices of the points before which the rate rose by more than `factor` at once and stayed up for one more."""
    value = rate.value
    if value.size < 3:
        return np.empty(0, np.int64)
    low = value[:-2]
    return np.flatnonzero((value[1:-1] > factor * low) & (value[2:] > factor * low)) + 1


def regular(x: Floats, places: Ints, gap: float, start: float, tolerance: float = 0.1) -> bool:
    """Whether events come with an even period, or with one that grows by a constant factor, counted from `start` on."""
    if places.size < 2:
        return False
    periods = np.diff(np.concatenate([[start], x[places]]))
    if places.size > 2:  # the first period may include a warm-up
        periods = periods[1:]
    slack = np.maximum(tolerance * periods[:-1], 1.5 * gap)
    even = np.abs(np.diff(periods)) <= slack
    growth = periods[1:] / np.maximum(periods[:-1], 1e-300)
    steady = np.abs(growth - median(growth)) <= tolerance * median(growth) + 1.5 * gap / periods[:-1]
    return bool(even.all() or (median(growth) > 1 and steady.all()))


def second_warm_ups(rate: Rates, drop: float = 3.0, high: float = 0.15, back: float = 0.5) -> Ints:
    """Indices of the points at which the rate falls at once from a working level and climbs again over several points.

    From at least `high` of its peak by a factor of `drop` or more, then over 3 or more points to `drop` times that and
    to `back` of the peak, or as the log itself began. Where the first logged point lies further up, the fall may be
    less if the climb is as steep as that at the begin of the log. After a trough, as at a warm restart, it falls from
    no working level.
    """
    value = rate.value
    peak = float(value.max(initial=0.0))
    tops = np.append(np.flatnonzero(np.diff(value) < -1e-9 * peak), value.size - 1)
    found = []
    falls = np.flatnonzero((value[:-1] >= high * peak) & (value[1:] * 1.25 < value[:-1])) + 1
    for i in falls.tolist():
        climb = value[i : int(tops[np.searchsorted(tops, i)]) + 1]
        if value[i] * drop >= value[i - 1] and not (_at_once(value, i) and _as_at_first(value, climb)):
            continue
        warms_up = climb.size >= 3 and climb[-1] > drop * climb[0] and climb[-1] >= back * peak and climb[1] < climb[-1]
        if warms_up or same_start(value, value[i:]):
            found.append(i)
    return np.array(found, np.int64)


def _at_once(value: Floats, i: int, times: float = 3.0) -> bool:
    """Whether the fall to point `i` is much larger than those before it."""
    before = value[max(0, i - 4) : i]
    return before.size >= 3 and bool(value[i - 1] - value[i] > times * np.abs(np.diff(before)).max())


def _as_at_first(value: Floats, climb: Floats, tolerance: float = 0.1) -> bool:
    """Whether a climb of 4 or more points is as steep as that with which the log begins; its last rise may be cut."""
    first = value[: int(np.argmin(np.diff(value) > 0)) + 1]
    if min(first.size, climb.size) < 4:
        return False
    pace = median(np.diff(first)[:-1])
    return bool(abs(median(np.diff(climb)[:-1]) - pace) <= tolerance * pace)


def cycles(rate: Rates, high: float = 0.5, least: int = 3) -> bool:
    """Whether the rate comes back to `high` of its peak `least` times or more, with a regular period."""
    above = np.concatenate([[False], rate.value >= high * rate.value.max(initial=0.0), [False]])
    ups, downs = (np.flatnonzero(np.diff(above.astype(np.int8)) == side) for side in (1, -1))
    middle = ((ups + downs - 1) // 2).astype(np.int64)
    return middle.size >= least and regular(rate.x, middle, rate.gap, float(rate.x[0]))


def same_start(value: Floats, after: Floats, rows: int = 5, tolerance: float = 0.02) -> bool:
    """Whether the rates after a point are those of the first rows, where these are not all alike; 3 rows at least."""
    n = min(rows, after.size)
    first = value[:n]
    if n < 3 or np.ptp(first) <= tolerance * first.max():
        return False
    return bool((np.abs(after[:n] - first) <= tolerance * np.maximum(first, 1e-3 * value.max())).all())
