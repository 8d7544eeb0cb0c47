"""E103: the share of correct keypoints fell and has not come back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, label
from trainvitals.diagnostics.evaluations import scatter
from trainvitals.diagnostics.pixels import quality_series
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats

CODE, NAME = "E103", "quality-not-recovered"

ADVICE = "lower the weight of EOS, so that the coordinates count again, and resume from before the fall"


@dataclass(frozen=True, slots=True)
class Fall:
    """Index of the first point after a fall, the level before it and the level at the end."""

    at: int
    before: float
    now: float


def check(
    case: Case, *, epochs: float = 5.0, smallest: float = 0.05, noise: float = 3.0, points_needed: int = 6
) -> Result:
    """The share of correct keypoints has not come back since it fell.

    What it checks: PCK on held-out data: its first lasting fall, and whether it returned within five epochs.

    Why it matters: PCK falls a little when predictions get shorter, and comes back within a few epochs. When it does
    not, the weighted token loss is paid for with the coordinates.

    What to try: lower the weight of EOS and resume from before the fall.

    How it decides: the level before a fall is the median of up to three values that end at its top; the fall must be
    `smallest` (5 %) of it and `noise` (3) times the scatter of single values. It has not recovered when `epochs` (5)
    or more epochs later the median of the last three values, and all but one of those since the fall, lie below by as
    much. At least `points_needed` (6) values, and epochs in the log. Source: field note of the EOS weight (28 % -> 25
    % is expected).

    Blind spots: a run of fewer than 5 epochs after the fall; a PCK that never rose.
    """
    series = quality_series(case, "pck")
    if series is None:
        return NotRun(CODE, "no PCK is logged", applicable=False)
    c = curve(series)
    epoch = c.x if case.step_unit == "epoch" else c.series.epoch
    if len(c) < points_needed or not np.isfinite(epoch).all():
        reason = f"{len(c)} values of {points_needed} needed" if len(c) < points_needed else "no epochs are logged"
        return NotRun(CODE, f"inconclusive: {reason}")
    value = c.series.value
    fall = first_fall(value, smallest, noise)
    if fall is None:
        return Pass(CODE, f"{label(series)} holds at {median(value[-3:]):.3g}")
    passed = float(epoch[-1] - epoch[fall.at])
    if passed < epochs:
        return NotRun(
            CODE, f"inconclusive: {label(series)} fell, {passed:.3g} epochs ago: it may come back within {epochs:g}"
        )
    lost = max(smallest * fall.before, noise * scatter(value))
    since = value[fall.at :]
    if fall.now > fall.before - lost or np.count_nonzero(since > fall.before - lost) > 1:
        return Pass(CODE, f"{label(series)} fell from {fall.before:.3g} and came back")
    return _finding(case, c, fall, passed)


def first_fall(value: Floats, smallest: float, noise: float) -> Fall | None:
    """The first fall below the level before it that two points in a row confirm; None where there is none."""
    least = noise * scatter(value)
    now = median(value[-3:])
    for i in range(1, value.size - 1):
        top = int(np.argmax(value[:i]))
        before = median(value[max(0, top - 2) : top + 1])
        before = max(before, float(value[0])) if top < 2 else before
        lost = max(smallest * before, least)
        if before > 0 and max(value[i], value[i + 1]) < before - lost:
            return Fall(i, before, now)
    return None


def _finding(case: Case, c: Curve, fall: Fall, passed: float) -> Finding:
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric,),
        f"{label(c.series)} fell from {fall.before:.4g} and has not come back in {passed:.3g} epochs: it ends at "
        f"{fall.now:.4g}",
        remedy(case, "E103", ADVICE),
        c.step(fall.at),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in (fall.at - 1, fall.at, len(c) - 1)),
        f"{len(c) - fall.at} values since the fall, scatter of one {scatter(c.series.value):.2g}",
    )


RULE = Rule(CODE, NAME, "warn", check)
