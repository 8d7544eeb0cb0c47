"""R102: the weighted class is learnt at the cost of all others."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.ratio import (
    RatioValues,
    Trajectory,
    band_of,
    fall,
    is_overfit_band,
    path_of,
    ratio_values,
    recent,
)
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence

CODE, NAME = "R102", "ratio-overfit"

ADVICE = "lower the weight of the class that is learnt, so that the others count again"


def check(
    case: Case,
    *,
    smallest_fall: float = 0.05,
    share: float = 0.2,
    errors: float = 3.0,
    few_points: int = 5,
    clear_fall: float = 0.25,
) -> Result:
    """The ratio of a weighted class to the rest is below its band while the rest is stuck.

    What it checks: whether the loss of the weighted class keeps falling while the reference loss does not, with their
    ratio in the lowest band.

    Why it matters: the model spends itself on the few weighted tokens and does not learn the others; more steps make it
    worse, and the weighted total keeps falling all the while.

    What to try: lower the weight of the class, for articles from 5 to 3, and resume from a checkpoint before the
    reference got stuck.

    How it decides: fall = 1 - last / first over the last half of what has been logged, along a Theil-Sen line in log
    space where there are more than two points. The reference is stuck when it fell by less than `smallest_fall` (5 %)
    and by less than `share` (0.2) of the weighted loss's own fall. The falls must differ by `errors` (3) standard
    errors, seen from the scatter of the points, and do so again when a fifth more has been logged; with fewer than
    `few_points` (5) the weighted loss must have fallen by `clear_fall` (25 %). It stays stuck until the reference falls
    again by 5 % and three standard errors. Source: the trajectory table of the article loss (3 % against 56 % in the
    bad run by step 500, 36 % against 29 % in the good one). It is an effect size and not a significance.

    Blind spots: a run that was logged only after both losses had stopped falling; a log of fewer than some 20 points
    with 10 % of noise, or of 10 points with 5 %. A type may set a step before
    which nothing is called stuck (200 for articles, as frequent tokens are always learnt first).
    """
    ratios = [r for r in case.loss_type.ratios if any(is_overfit_band(b) for b in r.bands)]
    if not ratios:
        return NotRun(CODE, f"the loss type {case.loss_type.name} has no ratio of a weighted class", applicable=False)
    findings: list[Finding] = []
    seen: list[str] = []
    reasons: list[str] = []
    for ratio in ratios:
        found = ratio_values(case, ratio)
        reason = found if isinstance(found, str) else _too_short(case, found)
        if isinstance(found, str) or reason:
            reasons.append(reason)
            continue
        limits = {"smallest_fall": smallest_fall, "share": share, "z": errors, "clear_fall": clear_fall}
        path = path_of(found, step_unit=case.step_unit, few=few_points, **limits)
        band = band_of(ratio, value := recent(found.value))
        if path.stuck and band is not None and is_overfit_band(band):
            findings.append(_finding(case, found, value, band.high, path))
        else:
            seen.append(f"{ratio.name} {value:.2f}, {ratio.reference} {'stuck' if path.stuck else 'not stuck'}")
    if findings:
        return tuple(findings)
    return Pass(CODE, "; ".join(seen)) if seen else NotRun(CODE, "; ".join(reasons))


def _too_short(case: Case, found: RatioValues) -> str:
    if len(found) < 2:
        return "inconclusive: one matched point tells no trajectory"
    last = float(found.points.step[-1])
    if case.step_unit == "step" and last < found.ratio.early_steps:
        return f"inconclusive: step {last:g} is before step {found.ratio.early_steps:g}"
    return ""


def _finding(case: Case, found: RatioValues, value: float, high: float, path: Trajectory) -> Finding:
    ratio, points = found.ratio, found.points
    window = slice(path.since, path.until + 1)
    falls = {metric: fall(found.of(metric)[window]) for metric in (ratio.weighted, ratio.reference)}
    message = (
        f"overfitting to the weighted class: {ratio.reference} is stuck, it {_moved(falls[ratio.reference])} while "
        f"{ratio.weighted} {_moved(falls[ratio.weighted])}; {ratio.name} is {value:.2f}, below {high:g}"
    ).replace("%", " %")
    ends = sorted({path.since, path.until, len(points) - 1})
    cited = [
        evidence(case, series, int(points.index[row, end]))
        for end in ends
        for row, series in enumerate((found.numerator, found.denominator))
    ]
    return Finding(
        CODE,
        NAME,
        "fail",
        (ratio.numerator, ratio.denominator),
        message,
        remedy(case, "R102", ADVICE),
        float(points.step[path.since]),
        float(points.step[-1]),
        tuple(cited),
        f"falls over {int(np.diff((path.since, path.until))[0]) + 1} of {len(points)} matched points; stuck is below "
        "5 % and below a fifth of the other fall",
    )


def _moved(fall: float) -> str:
    return f"fell by {fall:.0%}" if fall >= 0 else f"rose by {-fall:.0%}"


RULE = Rule(CODE, NAME, "fail", check)
