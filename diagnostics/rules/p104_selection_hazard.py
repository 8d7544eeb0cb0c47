"""P104: the checkpoint with the best loss is not the one with the best pixel error."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.evaluations import scatter
from trainvitals.diagnostics.loss_type import Stage
from trainvitals.diagnostics.pixels import quality_series, stage_loss
from trainvitals.diagnostics.ratio import Matched, matched
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "P104", "selection-hazard"

ADVICE = "choose checkpoints, and stop early, by the pixel error and not by this loss: {better} is better"

ERRORS = ("pixel_error_mean", "pixel_error_median", "pixel_error_p95")


@dataclass(frozen=True, slots=True)
class Drop:
    """A place where a loss falls as the error grows: the error in px, the loss just below and just above it."""

    pixels: float
    below: float
    above: float


def check(case: Case, *, worse: float = 0.1, noise: float = 1.0, points_needed: int = 4) -> Result:
    """The validation loss by which checkpoints are chosen prefers a checkpoint with a larger pixel error.

    What it checks: the pixel error at the evaluation with the lowest validation loss against the lowest pixel error,
    and whether the definition of the loss falls anywhere as the error grows.

    Why it matters: the three-stage loss drops from 0.0250 to 0.0025 at 9.6 px: that error costs as little as
    one of 3.04 px. Training works, as the gradient still points inward, but the lowest loss may be a worse model.

    What to try: choose and stop by the pixel error; the finding names the better checkpoint.

    How it decides: over the evaluations that have both, the pixel error (mean, else median, else 95th percentile) at
    the lowest loss is above the lowest pixel error by more than `worse` (10 %), and by more than `noise` (1) times
    what the extremes of as many evaluations lie apart by chance: 2 sqrt(2 ln n) times their relative scatter, from
    second differences. At least `points_needed` (4) evaluations. Source: the definition of the loss, evaluated on
    both sides of each of its stages.

    Blind spots: where checkpoints are chosen by something else. Without logged pixel errors the definition alone cannot
    tell whether the run is hit.
    """
    held_out = case.validation
    logged = [s for name in ERRORS if (s := quality_series(case, name)) is not None]
    if not logged:
        applicable = bool(case.loss_type.stages)
        return NotRun(CODE, "no pixel error is logged, so that no better checkpoint can be named", applicable)
    if held_out is None:
        return NotRun(CODE, "no validation loss is logged")
    points = matched(held_out, logged[0])
    if len(points) < points_needed:
        return NotRun(
            CODE, f"inconclusive: {len(points)} evaluations with loss and pixel error of {points_needed} needed"
        )
    loss, error = points.values
    chosen, best = int(loss.argmin()), int(error.argmin())
    u = np.log(np.maximum(error, np.finfo(float).tiny))
    if u[chosen] - u[best] <= max(math.log1p(worse), noise * _chance(u)):
        return Pass(CODE, f"the lowest loss has {error[chosen]:.3g} px, the best evaluation {error[best]:.3g} px")
    return _finding(case, held_out, logged[0], points, chosen, best)


def _chance(u: Floats) -> float:
    """How far the largest and the smallest of as many evaluations lie apart by chance."""
    return scatter(u) * 2 * math.sqrt(2 * math.log(u.size))


def drops(stages: tuple[Stage, ...], pixels_per_unit: float) -> tuple[Drop, ...]:
    """The places at which a staged loss falls as the distance grows."""
    found = []
    for inner, _ in pairwise(stages):
        at = inner.below
        below, above = stage_loss(stages, np.nextafter(at, 0)), stage_loss(stages, at)
        if above < below * (1 - 1e-6):
            found.append(Drop(at * pixels_per_unit, below, above))
    return tuple(found)


def _finding(case: Case, loss: Series, error: Series, points: Matched, chosen: int, best: int) -> Finding:
    unit = "epoch" if case.step_unit == "epoch" else "step"
    at = [f"{unit} {points.step[i]:.9g}" for i in (chosen, best)]
    (low, high), errors = points.values[0, [chosen, best]], points.values[1, [chosen, best]]
    why = "".join(
        f"; the loss drops from {d.below:.3g} to {d.above:.3g} at {d.pixels:.3g} px"
        for d in drops(case.loss_type.stages, case.loss_type.pixels_per_unit)
    )
    return Finding(
        CODE,
        NAME,
        "warn",
        (loss.metric, error.metric),
        f"the lowest validation loss ({low:.4g} at {at[0]}) has a {error.metric.replace('_', ' ')} of {errors[0]:.3g} "
        f"px; {at[1]} has {errors[1]:.3g} px at a loss of {high:.4g}{why}",
        remedy(case, "P104", ADVICE, better=at[1]),
        float(min(points.step[chosen], points.step[best])),
        float(max(points.step[chosen], points.step[best])),
        tuple(
            evidence(case, s, int(points.index[row, i])) for row, s in enumerate((loss, error)) for i in (chosen, best)
        ),
        f"{len(points)} evaluations with both",
    )


RULE = Rule(CODE, NAME, "warn", check)
