"""A ratio of two losses: its values at matched steps, whether both losses still fall, and what a value means.

The same ratio is right early in a run and wrong later, so it is read by its trajectory: 'stuck' means that the
reference loss has stopped falling while the weighted one goes on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import Any

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Band, Ratio, Reading
from trainvitals.diagnostics.statistics import blocks, median, noise, theil_sen
from trainvitals.parsers.model import Bools, Floats, Ints, Series, Split

PRIOR_NOISE = 0.05
"""Relative noise assumed of a logged loss where too few points tell it: most windows of 10 batches scatter by less."""

MOST_FALL_BLOCKS = 24
"""Blocks through which the line of a fall is laid: all pairs of them are compared."""

SPARSE = 8
"""Logs with fewer points are typed or summarised: what they show need not be confirmed by more points."""

CONFIRMED = 1.2
"""How much longer the log must be when a stuck reference is confirmed."""

MOST_PREFIXES = 64
"""Beginnings of a run at which its trajectory is looked at."""


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Points at which several series were logged together, in order of step.

    `values` has the shape `(series, n)`, `index` says which point of each series it was, `step` and `epoch` are those
    of the first series, NaN where the log has none. Only points whose values are all finite.
    """

    step: Floats
    epoch: Floats
    values: Floats
    index: Ints

    def __len__(self) -> int:
        return int(self.step.size)

    def take(self, chosen: slice | Ints | Bools) -> Matched:
        """The points chosen by a slice, a mask or an index."""
        return Matched(self.step[chosen], self.epoch[chosen], self.values[:, chosen], self.index[:, chosen])


def matched(*series: Series) -> Matched:
    """The points at which all of these series have a finite value: at the same step, else on the same line.

    Of several values of one series at one step the last one counts.
    """
    by_step = all(len(s) and np.isfinite(s.step).all() for s in series)
    keys = [s.step if by_step else s.line.astype(np.float64) for s in series]
    index = _common(keys)
    values = np.stack([s.value[i] for s, i in zip(series, index, strict=True)])
    found = Matched(series[0].step[index[0]], series[0].epoch[index[0]], values, index)
    finite: Bools = np.isfinite(values).all(axis=0)
    return found if finite.all() else found.take(finite)


def _common(keys: list[Floats]) -> Ints:
    """Indices of the keys that all columns have, in increasing order; the last one of equal keys."""
    first = keys[0]
    if all(np.array_equal(first, key) for key in keys[1:]) and (np.diff(first) > 0).all():
        return np.tile(np.arange(first.size), (len(keys), 1))
    orders = [np.argsort(key, kind="stable") for key in keys]
    ordered = [key[order] for key, order in zip(keys, orders, strict=True)]
    common = reduce(np.intersect1d, ordered[1:], np.unique(ordered[0]))
    return np.stack([o[np.searchsorted(k, common, side="right") - 1] for k, o in zip(ordered, orders, strict=True)])


@dataclass(frozen=True, slots=True, eq=False)
class RatioValues:
    """A ratio at matched steps; `numerator` and `denominator` are the series that were divided."""

    ratio: Ratio
    numerator: Series
    denominator: Series
    points: Matched
    value: Floats

    def __len__(self) -> int:
        return len(self.points)

    def of(self, metric: str) -> Floats:
        """The matched values of the numerator or of the denominator, by metric name."""
        return np.asarray(self.points.values[0 if metric == self.ratio.numerator else 1])


def ratio_values(case: Case, ratio: Ratio) -> RatioValues | str:
    """The ratio at every step where it can be formed, or why it cannot.

    A ratio within one split is also looked for on the held-out splits. Between splits the numerator is interpolated to
    the steps of the denominator. Points with a denominator of 0 or less, or a negative numerator, are left out.
    """
    pairs = [(ratio.split, ratio.denominator_split)]
    if ratio.split == ratio.denominator_split:
        held_out: tuple[Split, ...] = ("eval", "test")
        pairs += [(split, split) for split in held_out]
    for split, other in pairs:
        above, below = case.get(ratio.numerator, split), case.get(ratio.denominator, other)
        if above is None or below is None:
            continue
        points = matched(above, below) if split == other else across(above, below)
        points = points.take((points.values[1] > 0) & (points.values[0] >= 0))
        if not len(points):
            return f"{above.logged_as} and {below.logged_as} share no step with positive finite values"
        return RatioValues(ratio, above, below, points, points.values[0] / points.values[1])
    return f"needs {_name(ratio.numerator, ratio.split)} and {_name(ratio.denominator, ratio.denominator_split)}"


def _name(metric: str, split: Split) -> str:
    return metric if split == "train" else f"{split} {metric}"


def across(above: Series, below: Series) -> Matched:
    """Values of `above` interpolated to the steps of `below` that lie within its range."""
    good = np.isfinite(above.value) & np.isfinite(above.step)
    at = np.flatnonzero(good)
    if (np.diff(above.step[at]) < 0).any():
        at = at[np.argsort(above.step[at], kind="stable")]
    step = above.step[at]
    usable = np.flatnonzero(np.isfinite(below.value) & np.isfinite(below.step))
    if not at.size or not usable.size:
        return Matched(*(np.empty(0),) * 2, np.empty((2, 0)), np.empty((2, 0), np.int64))
    inside = usable[(below.step[usable] >= step[0]) & (below.step[usable] <= step[-1])]
    values = np.stack([np.interp(below.step[inside], step, above.value[at]), below.value[inside]])
    nearest = at[np.searchsorted(step, below.step[inside]).clip(0, at.size - 1)]
    return Matched(below.step[inside], below.epoch[inside], values, np.stack([nearest, inside]))


def recent_count(points: int) -> int:
    """How many of so many points are the present: the last of a few, 5 % (at most 25) of many."""
    return int(np.clip(points // 20, 1, 25))


def recent(values: Floats) -> float:
    """The present value: the median of the points that are the present."""
    return median(values[-recent_count(values.size) :])


def present(found: RatioValues) -> float:
    """The present value of a ratio; between splits, whose evaluations scatter, the median of the last half."""
    if found.ratio.split != found.ratio.denominator_split:
        return median(found.value[-((len(found) + 1) // 2) :])
    return recent(found.value)


@dataclass(frozen=True, slots=True)
class Trajectory:
    """Whether the reference loss is stuck, and how far both fell over the last half of what had been logged.

    `at` indexes the last point that was seen, `since` and `until` those between which the reference was seen to be
    stuck; both are -1 where it is not.
    """

    at: int
    stuck: bool
    weighted_fall: float
    reference_fall: float
    since: int = -1
    until: int = -1


def fall(values: Floats, x: Floats | None = None) -> float:
    """Relative fall over a window, 0.36 for 36 %; NaN where it cannot be formed.

    1 - exp(slope * width), the slope being Theil-Sen's in log space over up to 24 block means; of two points exactly
    1 - last / first. `x` are the places of the points, their order where it is None.
    """
    if values.size < 2 or not (values > 0).all():
        return float("nan")
    where = np.arange(values.size, dtype=np.float64) if x is None else x
    cut = blocks(where, np.log(values), MOST_FALL_BLOCKS)
    return float(-np.expm1(np.clip(theil_sen(cut.x, cut.u) * (where[-1] - where[0]), -50, 50)))


def fall_se(fallen: float, points: int, scatter: float) -> float:
    """Standard error of a fall of a line through `points` points with this relative scatter.

    A line's rise over its range has the variance 12 (n - 1) / (n (n + 1)) times that of a point.
    """
    return scatter * math.sqrt(12 * (points - 1) / (points * (points + 1))) * max(0.0, 1 - fallen)


def course(
    weighted: Floats,
    reference: Floats,
    step: Floats | None = None,
    *,
    smallest_fall: float = 0.05,
    share: float = 0.2,
    z: float = 3.0,
    few: int = 5,
    clear_fall: float = 0.25,
    early: float = 0.0,
) -> tuple[Trajectory, ...]:
    """The trajectory as it stood after growing parts of the log, the whole of it last; empty without points.

    The reference is stuck when it fell by less than 5 %, and by less than a fifth of the weighted loss's fall. Both are
    measured over the last half of what has been logged. Guards keep noise and the first steps of a healthy run from
    looking stuck: the two falls must differ by `z` standard errors, and again when a fifth more has been
    logged; with fewer than `few` points, which do not tell their noise, the weighted loss must have fallen by
    `clear_fall`; and nothing is stuck before the step `early`, as frequent tokens are always learnt first. Once stuck,
    a run stays so until the reference falls again by 5 % and three standard errors, because the weighted loss, too,
    stops falling in the end.
    """
    where, weighted, reference = _thinned(weighted, reference)
    x = where.astype(np.float64) if step is None else step[where]
    young = 0 if step is None else int(np.count_nonzero(x < early))
    suspected, since, until = 0, -1, -1
    seen: list[Trajectory] = []
    for n in _prefixes(weighted.size):
        window = slice(n - _half(n), n)
        w, r = (fall(v[window], x[window]) for v in (weighted, reference))
        low = r < smallest_fall and n > young
        if low and r < share * w and (n >= few or w >= clear_fall):
            errors = (fall_se(f, _half(n), _scatter(v[:n])) for f, v in ((w, weighted), (r, reference)))
            if w - r > z * math.hypot(*errors):
                suspected = suspected or n
                if since >= 0 or n < SPARSE or n >= CONFIRMED * suspected:
                    since, until = (window.start if since < 0 else since), n - 1
        elif suspected and not low:
            margin = 3 if since >= 0 else 1
            if r >= smallest_fall + margin * fall_se(r, _half(n), _scatter(reference[:n])):
                suspected, since, until = 0, -1, -1
        ends = (int(where[since]), int(where[until])) if since >= 0 else (-1, -1)
        seen.append(Trajectory(int(where[n - 1]), since >= 0, w, r, *ends))
    return tuple(seen)


def trajectory(weighted: Floats, reference: Floats, step: Floats | None = None, **limits: Any) -> Trajectory:
    """The last state of `course`, with its parameters."""
    seen = course(weighted, reference, step, **limits)
    return seen[-1] if seen else Trajectory(-1, False, math.nan, math.nan)


def _half(n: int) -> int:
    return min(n, max(2, (n + 1) // 2))


def _scatter(values: Floats) -> float:
    """Relative scatter of a point. Few points do not tell it: up to 8 of them get a prior, up to 16 half of it."""
    seen = noise(np.log(np.maximum(values, np.finfo(float).tiny)))
    if values.size >= 16:
        return seen
    return max(PRIOR_NOISE, seen) if values.size < 8 else max(PRIOR_NOISE / 2, seen)


def course_of(found: RatioValues, *, step_unit: str = "step", **limits: Any) -> tuple[Trajectory, ...]:
    """The course of the two losses of a ratio; `limits` are those of `course`. Never empty."""
    ratio = found.ratio
    step = found.points.step if step_unit == "step" and np.isfinite(found.points.step).all() else None
    return course(found.of(ratio.weighted), found.of(ratio.reference), step, early=ratio.early_steps, **limits)


def path_of(found: RatioValues, *, step_unit: str = "step", **limits: Any) -> Trajectory:
    """The trajectory of the two losses of a ratio, as it stands at the end."""
    return course_of(found, step_unit=step_unit, **limits)[-1]


def _thinned(weighted: Floats, reference: Floats, most: int = 512) -> tuple[Ints, Floats, Floats]:
    """Both series as medians of equal-count pieces, less than 2 * `most`, and the index of each piece's last point.

    Points at the start that do not fill a piece are left out.
    """
    size = weighted.size // most
    if size < 2:
        return np.arange(weighted.size), weighted, reference
    start = weighted.size % size
    first, second = (np.median(v[start:].reshape(-1, size), axis=1) for v in (weighted, reference))
    return np.arange(start + size - 1, weighted.size, size), first, second


def _prefixes(n: int) -> list[int]:
    return sorted(set(np.linspace(1, n, min(MOST_PREFIXES, n)).astype(int).tolist())) if n else []


def band_of(ratio: Ratio, value: float) -> Band | None:
    """The band that a value lies in; None where the bands leave a hole."""
    return next((b for b in ratio.bands if b.low <= value < b.high), None)


def reading(band: Band, path: Trajectory) -> Reading:
    """What the band means on this trajectory."""
    return band.stuck if path.stuck else band.falling


def is_overfit_band(band: Band) -> bool:
    """Whether the band, with a stuck reference, is the failure that R102 reports: open below and failing."""
    return band.low == float("-inf") and band.stuck.severity == "fail" and band.falling.severity != "fail"


def half_unit(values: Floats, most: int = 64) -> float:
    """Half a unit of the last decimal place that these values were printed with, seen from their digits."""
    sample = values[np.isfinite(values)][-most:].tolist()
    exponents = (Decimal(repr(v)).normalize().as_tuple().exponent for v in sample)
    places = max((-e for e in exponents if isinstance(e, int)), default=0)
    return float(0.5 * 10.0 ** -min(max(places, 0), 17))
