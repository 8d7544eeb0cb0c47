"""S106: the ratio in the log is not the quotient of the two losses in the log."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Ratio
from trainvitals.diagnostics.ratio import half_unit, matched
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "S106", "logged-ratio-mismatch"


def check(case: Case, *, tolerance: float = 0.02) -> Result:
    """A logged ratio is not the quotient of the logged losses.

    What it checks: the ratio that the trainer prints against its numerator divided by its denominator.

    Why it matters: whoever watches the printed ratio decides by a number that does not describe the run.

    What to try: look at where the ratio is computed: other tokens, a running mean, or the quotient the other way round.

    How it decides: |logged - quotient| / quotient at every matched point, less what rounding of the three printed
    numbers allows (half a unit of their last decimal place). It speaks when the median of that is beyond `tolerance`
    (2 %). Source: definition of the ratio in the loss type.

    Blind spots: a ratio of values of another split, or one that is right half of the time.
    """
    named = [r for r in case.loss_type.ratios if r.logged_as]
    if not named:
        return NotRun(CODE, f"the loss type {case.loss_type.name} has no ratio that trainers log", applicable=False)
    results = [_judge(case, ratio, tolerance) for ratio in named]
    findings = tuple(r for r in results if isinstance(r, Finding))
    passes = [r for r in results if isinstance(r, Pass)]
    return findings or (passes or results)[0]


def _judge(case: Case, ratio: Ratio, tolerance: float) -> Finding | Pass | NotRun:
    logged, above = case.get(ratio.logged_as, ratio.split), case.get(ratio.numerator, ratio.split)
    below = case.get(ratio.denominator, ratio.denominator_split)
    if logged is None or above is None or below is None:
        return NotRun(CODE, f"needs {ratio.logged_as}, {ratio.numerator} and {ratio.denominator}", logged is not None)
    points = matched(logged, above, below)
    points = points.take((points.values[2] > 0) & (points.values[1] > 0))
    if not len(points):
        return NotRun(CODE, f"{logged.logged_as} and the losses share no step with positive values")
    said, a, b = points.values
    off = _beyond_rounding(said, a, b, a / b)
    if median(off) <= tolerance:
        return Pass(CODE, f"{len(points)} logged values of {ratio.name} agree with the losses")
    swapped = median(_beyond_rounding(said, b, a, b / a)) <= tolerance
    index = [int(i) for i in points.index[:, -1]]
    return _finding(case, ratio, (logged, above, below), index, points.step, off, swapped)


def _beyond_rounding(said: Floats, a: Floats, b: Floats, quotient: Floats) -> Floats:
    """Relative deviation of the logged from the computed ratio, less what the printed digits allow."""
    allowed = half_unit(said) / quotient + half_unit(a) / a + half_unit(b) / b
    return np.asarray(np.maximum(np.abs(said - quotient) / quotient - allowed, 0.0))


def _finding(
    case: Case, ratio: Ratio, series: tuple[Series, ...], index: list[int], step: Floats, off: Floats, swapped: bool
) -> Finding:
    said, a, b = (float(s.value[i]) for s, i in zip(series, index, strict=True))
    message = f"{series[0].logged_as} says {said:.4g} where {a:.5g} / {b:.5g} is {a / b:.4g}"
    message += "; it is the quotient the other way round" if swapped else ""
    return Finding(
        CODE,
        NAME,
        "warn",
        (ratio.logged_as, ratio.numerator, ratio.denominator),
        message,
        "divide the other way round" if swapped else "compute the ratio from the two losses of the same step",
        float(step[0]),
        float(step[-1]),
        tuple(evidence(case, s, i) for s, i in zip(series, index, strict=True)),
        f"median deviation {median(off):.1%} beyond rounding, over {off.size} points",
    )


RULE = Rule(CODE, NAME, "warn", check)
