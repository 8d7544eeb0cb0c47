"""G104: two tasks pull the shared parameters in opposite directions."""

from __future__ import annotations

import re

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median, short_memory
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "G104", "gradient-conflict"

ADVICE = (
    "weigh the tasks anew so that the smaller gradient counts, project conflicting gradients (PCGrad), or give the "
    "tasks more layers of their own"
)


def check(
    case: Case, *, negative: float = -0.15, lasting: float = 0.75, errors: float = 4.0, points_needed: int = 8
) -> Result:
    """The cosine between the gradients of two tasks is clearly negative.

    What it checks: logged cosines between task gradients on the shared parameters, such as `grad_cos/ce_coords`.

    Why it matters: what one task learns in the shared layers the other undoes. Both losses may still fall, each slower
    than alone, and the larger gradient wins.

    What to try: other weights between the tasks; projection of conflicting gradients; more layers of their own.

    How it decides: over the last half of the points the median is below `negative` (-0.15), the mean lies `errors`
    (4) standard errors below 0 (widened by the correlation of neighbours), and `lasting` (75 %) of the points are
    negative. At least `points_needed` (8) points in that half. Source: gradient surgery (Yu et al. 2020); the trainer
    of the reference logs measures it.

    Blind spots: cosines of single batches are noisy, and those of many parameters are near 0 without any conflict. A
    conflict early in the run that was resolved is not reported.
    """
    found = [s for s in case.run.series if _is_cosine(s.metric) and np.isfinite(s.value).any()]
    if not found:
        return NotRun(CODE, "no cosine between task gradients is logged", applicable=False)
    findings, seen, reasons = [], [], []
    for series in found:
        c = curve(series)
        if len(c) < 2 * points_needed:
            reasons.append(f"inconclusive: {len(c)} cosines of {2 * points_needed} needed")
            continue
        late = c.series.value[len(c) // 2 :]
        middle, share, strength = median(late), float(np.mean(late < 0)), _strength(late)
        if middle < negative and share >= lasting and strength < -errors:
            findings.append(_finding(case, c, middle, share, strength))
        else:
            seen.append(f"{series.logged_as} {middle:+.2f}")
    if findings:
        return tuple(findings)
    return Pass(CODE, "; ".join(seen)) if seen else NotRun(CODE, reasons[0])


def _is_cosine(metric: str) -> bool:
    words = set(re.split(r"[^a-z]+", metric.lower()))
    return bool(words & {"grad", "grads", "gradient", "gradients"}) and bool(words & {"cos", "cosine", "cossim"})


def _strength(late: Floats) -> float:
    """Mean of the points in units of its standard error, widened by their memory."""
    error = max(0.01, float(np.std(late, ddof=1))) * np.sqrt(short_memory(late) / late.size)
    return float(late.mean() / error)


def _tasks(series: Series) -> str:
    pair = re.split(r"[/.]", series.logged_as)[-1]
    return f" ({pair.replace('_', ' and ', 1)})" if pair.count("_") == 1 and pair != series.logged_as else ""


def _finding(case: Case, c: Curve, middle: float, share: float, strength: float) -> Finding:
    half = len(c) // 2
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric,),
        f"{c.series.logged_as} has a median of {middle:+.2f} over the last half: the tasks{_tasks(c.series)} pull "
        "against each other",
        remedy(case, "G104", ADVICE),
        c.step(half),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in (half, len(c) - 1)),
        f"{share:.0%} of {len(c) - half} cosines are negative; mean {strength:.1f} standard errors from 0".replace(
            "%", " %"
        ),
    )


RULE = Rule(CODE, NAME, "warn", check)
