"""G103: nearly every step is clipped."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, other_aim, quantum, scaler_at_work
from trainvitals.diagnostics.optimiser import positive
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "G103", "clip-saturation"

ADVICE = (
    "raise the clipping limit to about twice the usual norm, or lower the learning rate, until one step in ten is "
    "clipped"
)


@dataclass(frozen=True, slots=True, eq=False)
class Clipping:
    """Which points were clipped, how far above the limit the usual norm lies, and how that is known.

    `clipped` are shares, 0 or 1 where the log says it by point; `excess` is NaN where only the share is logged.
    """

    series: Series
    clipped: Floats
    excess: float
    told: str


def check(case: Case, *, share: float = 0.5, excess: float = 2.0, points_needed: int = 50) -> Result:
    """More than half of the recent steps are clipped.

    What it checks: a logged share of clipped steps, or the gradient norm against the configured limit, or norms that
    stand at their highest value, as they do when they are logged after clipping.

    Why it matters: when every step is clipped, the learning rate in effect is not the one that was set: all steps have
    one length, large and small gradients count alike, and batches with outliers steer.

    What to try: set the limit to about twice the usual norm, or lower the learning rate.

    How it decides: over the last half of the points, more than `share` (50 %) are clipped. It is a warning where the
    median norm lies `excess` (2) times above the limit or more, or the norms are pinned to it, or the logged share
    was below a half of that in the first quarter; for information otherwise, as a mild constant clipping is common
    and harmless with Adam. At least `points_needed` (50) points: at the start of a fine-tuning large norms are usual.
    Source: definition of this tool.

    Blind spots: which of norm and limit is wrong. Clipping by value or by parameter group is not seen. A norm that is
    logged with a loss scale in it, and policy-gradient training, are not judged.
    """
    reason = other_aim(case)
    if reason:
        return NotRun(CODE, reason, applicable=False)
    found = _logged_share(case) or _above_limit(case) or _pinned(case)
    if found is None:
        logged = case.get("grad_norm") is not None
        missing = (
            "no clipping limit in the configuration, and no norm stands at one"
            if logged
            else "no gradient norm is logged"
        )
        return NotRun(CODE, missing, applicable=False)
    if found.clipped.size < points_needed:
        return NotRun(CODE, f"inconclusive: {found.clipped.size} points of {points_needed} needed")
    late = found.clipped[found.clipped.size // 2 :]
    early = float(np.mean(found.clipped[: found.clipped.size // 4]))
    now = float(np.mean(late))
    if now <= share:
        return Pass(CODE, f"{now:.0%} of the recent steps are clipped".replace("%", " %"))
    strong = found.excess >= excess or (math.isnan(found.excess) and early < now / 2)
    return _finding(case, found, now, "warn" if strong else "info")


def _logged_share(case: Case) -> Clipping | None:
    series = case.get("grad_clip_fraction")
    if series is None:
        return None
    c = curve(series)
    if not len(c):
        return None
    shares = np.clip(c.series.value / (100.0 if c.series.value.max() > 1 else 1.0), 0, 1)
    return Clipping(c.series, shares, math.nan, f"{series.logged_as} is logged")


def _above_limit(case: Case) -> Clipping | None:
    norm, limit = case.get("grad_norm"), case.number("max_grad_norm")
    if norm is None or limit is None or limit <= 0:
        return None
    c = positive(norm)
    usual = float(np.exp(median(c.u[len(c) // 2 :]))) if len(c) else 0.0
    if not len(c) or (scaler_at_work(case) and usual > 1000 * limit):
        return None
    if _share_at_top(c) > 0.5 and abs(float(c.series.value.max()) / limit - 1) < 0.01:
        return _at_top(c)
    told = f"norms against max_grad_norm = {limit:g}"
    return Clipping(c.series, (c.series.value > limit).astype(np.float64), usual / limit, told)


def _pinned(case: Case) -> Clipping | None:
    """Norms of which more than half equal the highest one, a round number: they are logged after clipping."""
    norm = case.get("grad_norm")
    c = positive(norm) if norm is not None else None
    if c is None or len(c) < 20 or not 0.5 < _share_at_top(c) < 1:
        return None
    top = float(c.series.value.max())
    return _at_top(c) if quantum(np.array([round(top, 3)])) >= 0.05 * top else None


def _at_top(c: Curve) -> Clipping:
    top = float(c.series.value.max())
    return Clipping(c.series, _near_top(c), math.inf, f"norms logged after clipping stand at {top:.4g}")


def _near_top(c: Curve) -> Floats:
    return np.asarray(c.series.value >= 0.999 * c.series.value.max(), np.float64)


def _share_at_top(c: Curve) -> float:
    return float(np.mean(_near_top(c)[len(c) // 2 :]))


def _finding(case: Case, found: Clipping, now: float, severity: Severity) -> Finding:
    s, n = found.series, found.clipped.size
    early = float(np.mean(found.clipped[: n // 4]))
    above = f"; the usual norm is {found.excess:.3g} times the limit" if 0 < found.excess < math.inf else ""
    return Finding(
        CODE,
        NAME,
        severity,
        (s.metric,),
        f"{now:.0%} of the steps of the last half are clipped ({found.told}){above}".replace("%", " %"),
        remedy(case, "G103", ADVICE),
        float(s.step[n // 2]),
        float(s.step[-1]),
        tuple(evidence(case, s, i) for i in sorted({n // 2, n - 1})),
        f"{n - n // 2} points of the last half; {early:.0%} in the first quarter".replace("%", " %"),
    )


RULE = Rule(CODE, NAME, "warn", check)
