"""G102: the gradient norm dies away while there is still something to learn."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, level, other_aim, rounded, sound, stretches, unfit
from trainvitals.diagnostics.optimiser import gradient_norms, positive, recent_points, without_scale
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Series

CODE, NAME = "G102", "gradient-vanishing"

ADVICE = (
    "look at the part of the model whose gradient died (saturated activations, a mask, a detached tensor, a loss "
    "weight of 0); add normalisation or skip connections, lower the learning rate, and restart from before the fall"
)


def check(
    case: Case, *, factor: float = 1000.0, points_needed: int = 20, explained: float = 0.05, zero_share: float = 0.1
) -> Result:
    """The gradient norm falls below a thousandth of its early level, or to exactly 0.

    What it checks: the gradient norm of the whole model and of each part that is logged, its end against its first
    eighth.

    Why it matters: where no gradient comes, nothing is learnt, whatever the learning rate. A dead head or a saturated
    layer looks like convergence in the loss.

    What to try: log the norm by layer; look for saturated activations, masks, detached tensors and loss weights of 0;
    restart from before the fall with a lower rate.

    How it decides: the median of the last sixteenth of the points (5 at least) is below 1 / `factor` (1000) of the
    median of the first eighth. It is expected where the loss itself fell to `explained` (5 %) of what it was there: a
    memorised set has no gradient left. A part's norm of exactly 0 over the last `zero_share` (10 %) of the points, 5 at
    least, after positive ones, is reported too; that of the whole model is the matter of N102. Norms that carry a
    logged loss scale are divided by it first. At least `points_needed` (20) points. Source: definition of this tool;
    healthy runs of language models and detectors let it fall by up to a hundred times.

    Blind spots: a gradient that was gone before the first logged point; a part that is frozen on purpose in the middle
    of a run. Policy-gradient and preference training is not judged, as its norms follow the rewards.
    """
    norms = gradient_norms(case)
    if not norms:
        return NotRun(CODE, "no gradient norm is logged", applicable=False)
    reason = other_aim(case)
    if reason:
        return NotRun(CODE, reason)
    findings: list[Finding] = []
    seen: list[str] = []
    reasons: list[str] = []
    for series in norms:
        found = _dead(case, series, zero_share) if series.metric != "grad_norm" else None
        judged = found or _vanished(case, series, factor, points_needed, explained)
        if isinstance(judged, Finding):
            findings.append(judged)
        else:
            (reasons if judged.startswith("inconclusive") else seen).append(judged)
    if findings:
        return tuple(findings)
    return Pass(CODE, "; ".join(seen[:3])) if seen else NotRun(CODE, reasons[0])


def _vanished(case: Case, series: Series, factor: float, least: int, explained: float) -> Finding | str:
    c = positive(series)
    if len(c) < least:
        return f"inconclusive: {len(c)} values of {series.logged_as} of {least} needed"
    fell = _fall(c)
    told = f"{series.logged_as} ends at {level(-fell):.3g} of its early level"
    if fell < math.log(factor):
        return told
    unscaled = without_scale(case, series)
    if unscaled is not None and _fall(positive(unscaled)) < math.log(factor):
        return f"{series.logged_as} falls with the loss scale only"
    if case.loss is not None and not unfit(case, case.loss):
        loss = curve(sound(case.loss))
        if len(loss) >= least and _fall(loss) > -math.log(explained):
            return f"{told}, and the loss with it"
    early, now = (level(v) for v in _levels(c))
    start = int(np.flatnonzero(c.u > math.log(now) + fell / 2)[-1])
    message = (
        f"{series.logged_as} fell from {early:.3g} to {now:.3g} while the loss has not come near 0: nothing is learnt"
    )
    return _finding(case, c.series, start, message, f"median of the last {recent_points(len(c))} of {len(c)} points")


def _levels(c: Curve) -> tuple[float, float]:
    """The early and the present level, in ln units."""
    return median(c.u[: max(5, len(c) // 8)]), median(c.u[-recent_points(len(c)) :])


def _fall(c: Curve) -> float:
    early, now = _levels(c)
    return early - now


def _dead(case: Case, series: Series, share: float) -> Finding | None:
    kept = series.take(np.isfinite(series.value))
    runs = stretches(kept.value == 0)
    if not runs or runs[-1][1] != len(kept) - 1 or runs[-1][0] == 0:
        return None
    start, count = runs[-1][0], runs[-1][1] - runs[-1][0] + 1
    if count < max(5, share * len(kept)) or rounded(kept.value, [start], 1.0)[0]:
        return None
    message = f"{series.logged_as} is exactly 0 over its last {count} rows, {kept.value[start - 1]:.3g} before"
    return _finding(case, kept, start, message, f"{count} of {len(kept)} rows")


def _finding(case: Case, series: Series, start: int, message: str, how: str) -> Finding:
    return Finding(
        CODE,
        NAME,
        "warn",
        (series.metric,),
        message,
        remedy(case, "G102", ADVICE),
        float(series.step[start]),
        float(series.step[-1]),
        tuple(evidence(case, series, i) for i in sorted({0, start, len(series) - 1})),
        how,
    )


RULE = Rule(CODE, NAME, "warn", check)
