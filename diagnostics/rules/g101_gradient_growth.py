"""G101: the gradient norm grows beyond all measure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, level, other_aim, scaler_at_work, share_done
from trainvitals.diagnostics.optimiser import gradient_norms, positive, recent_points, without_scale
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import block_medians, blocks, mann_kendall, median, noise
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "G101", "gradient-growth"

ADVICE = (
    "clip the gradient norm at 1.0 (or at twice its usual level), lower the learning rate by 2 to 5 times, and go back "
    "to the checkpoint before the growth began"
)

SCALED = 1000.0
"""Norms above it, where a loss scaler is at work, may carry its factor."""


@dataclass(frozen=True, slots=True)
class Growth:
    """How far the end of a norm lies above the middle of its first third, in ln units, and how surely."""

    size: float
    before: float
    now: float
    highest: float
    z: float
    jump: float
    start: int
    how: str


def check(
    case: Case,
    *,
    warn_factor: float = 10.0,
    fail_factor: float = 100.0,
    z: float = 3.0,
    jump: float = 6.0,
    blocks_needed: int = 5,
    reward_factor: float = 10.0,
    rows_before: int = 3,
    progress_needed: float = 0.3,
) -> Result:
    """The gradient norm grows tenfold and stays there, or passes the limit of its loss type.

    What it checks: the gradient norm of the whole model and of each part that is logged, its end against the first
    third of the run.

    Why it matters: a growing gradient comes before a divergence or a NaN, often by hundreds of steps: it is the
    earliest sign in most logs.

    What to try: clip the norm; lower the learning rate or lengthen the warm-up; look at the head that grows first,
    and at the factor with which its loss is multiplied.

    How it decides: in log space. Growth is the median of the last sixteenth of the points (5 at least) above the median
    of the block medians of the first third. It warns at `warn_factor` (10), fails at `fail_factor` (100), both where
    the block medians rise with a Mann-Kendall z of `z` (3), or the growth is `jump` (6) times what the blocks scatter;
    a norm that has come down again to a third of its highest block is no growth. At least `blocks_needed` (5)
    near-independent blocks, and `progress_needed` (30 %) of the plan where that is known: gradients of a new head grow
    by hundreds while it begins to learn. In policy-gradient and preference training both factors are `reward_factor`
    (10) times as large: norms come and go with the rewards there. The last `rows_before` (3) rows before the first NaN
    or infinity fail at `warn_factor`. Norms that carry a logged loss scale are divided by it first. A loss type may set
    a limit for a head (spatial: 1000, healthy are 50 to 300), which the median of the last tenth must not pass. Source:
    ZClip and Lightning Fabric watch the norm for the same reason; the limit is that of a field note.

    Blind spots: norms that are logged after clipping cannot grow. A norm that first falls by a hundred and then
    grows by ten is judged by where most of the first third was.
    """
    norms = gradient_norms(case)
    if not norms:
        return NotRun(CODE, "no gradient norm is logged", applicable=False)
    widen = reward_factor if other_aim(case) else 1.0
    limits = (math.log(warn_factor * widen), math.log(fail_factor * widen))
    findings: list[Finding] = []
    seen: list[str] = []
    reasons: list[str] = []
    for series in norms:
        found = _over_limit(case, series) or _before_nan(case, series, limits[0], rows_before)
        found = found or _too_early(case, series, progress_needed)
        found = found or _grown(case, series, limits, z, jump, blocks_needed)
        if isinstance(found, Finding):
            findings.append(found)
        elif found.startswith("inconclusive"):
            reasons.append(found)
        else:
            seen.append(found)
    if findings:
        return tuple(findings)
    return Pass(CODE, "; ".join(seen[:3])) if seen else NotRun(CODE, reasons[0])


def growth(c: Curve, count: int) -> Growth:
    """Growth of a norm in `count` blocks (see `check`)."""
    cut = blocks(c.x, c.u, count)
    medians = block_medians(c.u, cut)
    tail = recent_points(len(c))
    before = median(medians[: max(2, count // 3)])
    now = median(c.u[-tail:])
    lowest = min(int(medians.argmin()), count - 5)
    strength = mann_kendall(medians[max(lowest, 0) :])
    scatter = max(0.05, noise(medians[: max(3, count - 2)]))
    above = np.flatnonzero(c.u > before + (now - before) / 2)
    start = int(above[0]) if above.size else 0
    how = f"{count} blocks, Mann-Kendall z {strength:+.1f}, growth {(now - before) / scatter:.1f} times their scatter"
    return Growth(now - before, before, now, float(medians.max()), strength, (now - before) / scatter, start, how)


def _too_early(case: Case, series: Series, needed: float) -> str:
    """Why growth is not yet judged; empty where it is."""
    done = share_done(case, series)
    return f"inconclusive: {done:.0%} of the planned run".replace("%", " %") if done < needed else ""


def _grown(case: Case, series: Series, limits: tuple[float, float], z: float, jump: float, least: int) -> Finding | str:
    c = positive(series)
    count = c.blocks(8)
    if count < least:
        return f"inconclusive: {len(c)} values of {series.logged_as} give {count} independent blocks of {least} needed"
    grown = growth(c, count)
    if grown.size < limits[0] or (grown.z < z and grown.jump < jump) or grown.highest - grown.now > math.log(3):
        return f"{series.logged_as} ends at {level(grown.now):.3g}, {level(grown.before):.3g} before"
    unscaled = without_scale(case, series)
    if unscaled is not None:
        inner = positive(unscaled)
        if growth(inner, max(least, min(count, inner.blocks(8)))).size < limits[0]:
            return f"{series.logged_as} grows with the loss scale only"
    elif scaler_at_work(case) and level(grown.now) > SCALED:
        return f"inconclusive: {series.logged_as} may carry the loss scale, which is not logged"
    severity: Severity = "fail" if grown.size >= limits[1] else "warn"
    message = (
        f"{series.logged_as} grew {level(grown.size):.3g} times: {level(grown.before):.3g} in the "
        f"first third, {level(grown.now):.3g} at the end"
    )
    return _finding(case, c, grown.start, severity, message, grown.how)


def _before_nan(case: Case, series: Series, limit: float, rows: int) -> Finding | str:
    """A norm that had grown in the last rows before the run broke; empty where it had not, or nothing broke."""
    broken = [s.step[~np.isfinite(s.value)] for s in (case.loss, series) if s is not None]
    places: Floats = np.concatenate(broken)
    places = places[np.isfinite(places)]
    if not places.size:
        return ""
    before = positive(series.take(series.step < places.min()))
    if len(before) < 3 * rows:
        return ""
    usual, late = median(before.u[: -2 * rows]), median(before.u[-rows:])
    if late - usual < limit or late - float(before.u[: -2 * rows].max()) < 0:
        return ""
    message = (
        f"{series.logged_as} grew {level(late - usual):.3g} times in the last rows before step "
        f"{places.min():g}, where the run broke ({level(usual):.3g} usually, then {level(late):.3g})"
    )
    how = f"median of the last {rows} rows before the first value that is not finite"
    return _finding(case, before, len(before) - rows, "fail", message, how)


def _over_limit(case: Case, series: Series, share: float = 0.1) -> Finding | str:
    patterns = case.loss_type.gradient_limits.items()
    limit = next((value for pattern, value in patterns if fnmatchcase(series.metric, pattern)), None)
    if limit is None:
        return ""
    c = positive(series)
    tail = max(3, math.ceil(share * len(c)))
    if len(c) < tail:
        return ""
    stands = level(median(c.u[-tail:]))
    if stands <= limit:
        return ""
    above = np.flatnonzero(c.series.value > limit)
    message = f"{series.logged_as} stands at {stands:.4g}, above the limit of {limit:g} for this loss"
    severity: Severity = "fail" if stands > 10 * limit else "warn"
    return _finding(case, c, int(above[0]), severity, message, f"median of the last {tail} values")


def _finding(case: Case, c: Curve, start: int, severity: Severity, message: str, how: str) -> Finding:
    return Finding(
        CODE,
        NAME,
        severity,
        (c.series.metric,),
        message,
        remedy(case, "G101", ADVICE),
        c.step(start),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in sorted({0, start, len(c) - 1})),
        how,
    )


RULE = Rule(CODE, NAME, "warn", check)
