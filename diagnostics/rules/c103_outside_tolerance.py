"""C103: a metric or a ratio is further from its baselines, or from its band, than the settings allow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.compare.axis import choose, points
from trainvitals.diagnostics.compare.metrics import label
from trainvitals.diagnostics.compare.pair import window
from trainvitals.diagnostics.compare.verdict import percent
from trainvitals.diagnostics.render.words import count, number
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.diagnostics.tolerance import Tolerance
from trainvitals.parsers.model import Floats, Series, Split

CODE, NAME = "C103", "outside-tolerance"

REMEDY = "look at what differs from the baselines (C102 lists it); if the change is wanted, take this run as a baseline"
REMEDY_OF_BAND = "look at what has changed since the value was in its band; if the change is wanted, move the band"


@dataclass(frozen=True, slots=True)
class Held:
    """A tolerance with the value of the run and the middle one of the baselines; NaN where there is none."""

    tolerance: Tolerance
    value: float
    usual: float

    @property
    def away(self) -> float:
        """What the limits of the tolerance bound, NaN where it is unknown."""
        if self.tolerance.kind == "band":
            return self.value
        difference = self.value - self.usual
        if self.tolerance.kind == "absolute":
            return difference
        return difference / abs(self.usual) if self.usual else math.nan

    @property
    def broken(self) -> bool:
        """Whether it is known to lie outside."""
        return self.away < self.tolerance.low or self.away > self.tolerance.high

    @property
    def what(self) -> str:
        """What is held, and where."""
        place = "at the end" if self.tolerance.epoch == math.inf else f"at epoch {self.tolerance.epoch:g}"
        return f"{self.tolerance.name} {place}"

    @property
    def says(self) -> str:
        """The claim that it lies outside."""
        kind, low, high = self.tolerance.kind, self.tolerance.low, self.tolerance.high
        if kind == "band":
            side = f"below {number(low)}" if self.away < low else f"above {number(high)}"
            return f"{self.what} is {number(self.value)}, {side}; allowed is {_interval(low, high)}"
        words = percent if kind == "relative" else number
        away = f"{words(abs(self.away))} from {number(self.usual)} of the baselines"
        return f"{self.what} is {number(self.value)}, {away}; {words(high)} is allowed"


def check(case: Case, *, last: float = 0.1) -> Result:
    """A metric or a ratio is further from the baselines, or outside a band, than `[tolerances]` in the settings allows.

    What it checks: `trainvitals check RUN --against BASELINE...` with settings such as

        [tolerances]
        "eval loss" = 0.02
        "article_loss / other_loss" = { end = 0.1, 3 = [0.5, 0.7] }
        "pck" = { absolute = 0.03 }

    A number is the largest relative difference from the baselines, `absolute` the largest difference itself, and two
    numbers are a band for the value, which needs no baselines (`inf` leaves it open). Each holds at the end, or at the
    epoch in front of it.

    Why it matters: a change of code, data or hardware must not move what was agreed on.

    What to try: look at what differs from the baselines (C102 lists it).

    How it decides: at the end, means over the `last` (10 %) of the range that the run and the baselines have in common,
    for a band of that of the run; at an epoch, the line between the evaluations or rows beside it. Of several baselines
    the median counts. There is no statistic: the tolerance says what noise is. Source: definition of this tool.

    Blind spots: a tolerance that is smaller than the noise between two equal runs; what was not listed.
    """
    if not case.tolerances:
        return NotRun(CODE, "the settings have no tolerances", applicable=False)
    bands = tuple(one for one in case.tolerances if one.kind == "band")
    if not case.baselines and not bands:
        return NotRun(CODE, "the settings have tolerances, and no baselines were given (check --against)")
    judged = case.tolerances if case.baselines else bands
    held = [_held(case, tolerance, last) for tolerance in judged]
    broken = tuple(_finding(case, one) for one in held if one.broken)
    unknown = [one.what for one in held if one.away != one.away]
    if broken:
        return broken
    kept = f"{count(len(held) - len(unknown), 'tolerance')} kept"
    if unknown:
        return NotRun(CODE, f"{kept}; not logged by the run or a baseline: {', '.join(unknown[:4])}")
    if len(judged) < len(case.tolerances):
        return NotRun(CODE, f"{kept}; the others need baselines, and none were given (check --against)")
    return Pass(CODE, kept)


def _interval(low: float, high: float) -> str:
    if low == -math.inf or high == math.inf:
        return f"at most {number(high)}" if low == -math.inf else f"at least {number(low)}"
    return f"{number(low)} to {number(high)}"


def _held(case: Case, tolerance: Tolerance, last: float) -> Held:
    cases = (case,) if tolerance.kind == "band" else (case, *case.baselines)
    parts = [_part(cases, *key, tolerance.epoch, last) for key in tolerance.parts]
    values = parts[0] if len(parts) == 1 else parts[0] / np.where(parts[1] == 0, np.nan, parts[1])
    return Held(tolerance, float(values[0]), median(values[1:]) if len(cases) > 1 else math.nan)


def _part(cases: Sequence[Case], metric: str, split: Split, epoch: float, last: float) -> Floats:
    """The value of one metric in each of the runs; NaN in all where one does not log it."""
    series = [s for one in cases if (s := one.get(metric, split)) is not None and len(s)]
    if len(series) < len(cases):
        return np.full(len(cases), np.nan)
    if epoch < math.inf:
        return np.array([_at(one, epoch) for one in series])
    return _end(cases, series, last)


def _at(series: Series, epoch: float) -> float:
    good = np.isfinite(series.epoch) & np.isfinite(series.value)
    x, value = series.epoch[good], series.value[good]
    order = np.argsort(x, kind="stable")
    return float(np.interp(epoch, x[order], value[order], math.nan, math.nan)) if x.size else math.nan


def _end(cases: Sequence[Case], series: Sequence[Series], last: float) -> Floats:
    axis = choose(cases)
    nothing = np.full(len(cases), np.nan)
    if axis is None:
        return nothing
    curves = [points(one, s, axis) for one, s in zip(cases, series, strict=True)]
    place = window(curves, last)
    if place is None:
        return nothing
    inside = [curve.within(place.start, place.end).value for curve in curves]
    return np.array([float(v.mean()) if v.size else math.nan for v in inside])


def _finding(case: Case, held: Held) -> Finding:
    metric, split = held.tolerance.parts[0]
    series = case.get(metric, split)
    assert series is not None, "its value was read"
    index = _nearest(series, held.tolerance.epoch)
    return Finding(
        CODE,
        NAME,
        "fail",
        tuple(dict.fromkeys(name for name, _ in held.tolerance.parts)),
        held.says,
        REMEDY_OF_BAND if held.tolerance.kind == "band" else REMEDY,
        evidence=(evidence(case, series, index),),
        how=" / ".join(label(*part) for part in held.tolerance.parts)
        + ("" if held.tolerance.kind == "band" else f" of {count(len(case.baselines), 'baseline')}"),
    )


def _nearest(series: Series, epoch: float) -> int:
    """The finite point that lies nearest to an epoch, the last one for the end."""
    finite = np.flatnonzero(np.isfinite(series.value))
    if epoch == math.inf:
        return int(finite[-1])
    known = finite[np.isfinite(series.epoch[finite])]
    return int(known[np.argmin(np.abs(series.epoch[known] - epoch))])


RULE = Rule(CODE, NAME, "fail", check)
