"""C103: a metric or a ratio is further from the baselines than the settings allow."""

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
from trainvitals.diagnostics.tolerance import Tolerance
from trainvitals.parsers.model import Floats, Series, Split

CODE, NAME = "C103", "outside-tolerance"

REMEDY = "look at what differs from the baselines (C102 lists it); if the change is wanted, take this run as a baseline"


@dataclass(frozen=True, slots=True)
class Held:
    """A tolerance with the value of the run and the middle one of the baselines."""

    tolerance: Tolerance
    value: float
    usual: float

    @property
    def away(self) -> float:
        """The relative difference, NaN where one is unknown."""
        return abs(self.value - self.usual) / abs(self.usual) if self.usual else math.nan

    @property
    def what(self) -> str:
        """What is held, and where."""
        place = "at the end" if self.tolerance.epoch == math.inf else f"at epoch {self.tolerance.epoch:g}"
        return f"{self.tolerance.name} {place}"


def check(case: Case, *, last: float = 0.1) -> Result:
    """A metric or a ratio is further from that of the baselines than `[tolerances]` in the settings allows.

    What it checks: `trainvitals check RUN --against BASELINE...` with settings such as

        [tolerances]
        "eval loss" = 0.02
        "article_loss / other_loss" = { end = 0.1, 3 = 0.2 }

    where the number is the largest relative difference, at the end or at an epoch.

    Why it matters: a change of code, data or hardware must not move what was agreed on.

    What to try: look at what differs from the baselines (C102 lists it).

    How it decides: at the end, means over the `last` (10 %) of the range that the run and the baselines have in common;
    at an epoch, the line between the evaluations or rows beside it. Of several baselines the median counts. There is no
    statistic: the tolerance says what noise is. Source: definition of this tool.

    Blind spots: a tolerance that is smaller than the noise between two equal runs; what was not listed.
    """
    if not case.tolerances:
        return NotRun(CODE, "the settings have no tolerances", applicable=False)
    if not case.baselines:
        return NotRun(CODE, "the settings have tolerances, and no baselines were given (check --against)")
    held = [_held(case, tolerance, last) for tolerance in case.tolerances]
    broken = tuple(_finding(case, one) for one in held if one.away > one.tolerance.limit)
    unknown = [one.what for one in held if one.away != one.away]
    if broken:
        return broken
    if unknown:
        return NotRun(CODE, f"not logged by the run or a baseline: {', '.join(unknown[:4])}")
    return Pass(CODE, f"{count(len(held), 'tolerance')} kept")


def _held(case: Case, tolerance: Tolerance, last: float) -> Held:
    parts = [_part(case, *key, tolerance.epoch, last) for key in tolerance.parts]
    values = parts[0] if len(parts) == 1 else parts[0] / np.where(parts[1] == 0, np.nan, parts[1])
    return Held(tolerance, float(values[0]), float(np.median(values[1:])))


def _part(case: Case, metric: str, split: Split, epoch: float, last: float) -> Floats:
    """The value of one metric in the run and in each baseline; NaN where it is not logged there."""
    cases = (case, *case.baselines)
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
    index = int(np.flatnonzero(np.isfinite(series.value))[-1])
    return Finding(
        CODE,
        NAME,
        "fail",
        tuple(dict.fromkeys(name for name, _ in held.tolerance.parts)),
        f"{held.what} is {number(held.value)}, {percent(held.away)} from {number(held.usual)} of the baselines; "
        f"{percent(held.tolerance.limit)} is allowed",
        REMEDY,
        evidence=(evidence(case, series, index),),
        how=f"{' / '.join(label(*part) for part in held.tolerance.parts)} of {count(len(case.baselines), 'baseline')}",
    )


RULE = Rule(CODE, NAME, "fail", check)
