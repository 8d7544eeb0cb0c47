"""R103: a ratio is outside the target of its epoch."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Ratio, Target
from trainvitals.diagnostics.ratio import RatioValues, ratio_values, recent_count
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import MEDIAN_SE, median, noise
from trainvitals.parsers.model import Floats, Ints

CODE, NAME = "R103", "ratio-target-missed"

ADVICE = "change the weight of the class: up where the ratio is too high, down where it is too low"


def check(case: Case, *, rounding: float = 0.005, full_epoch: float = 0.9, errors: float = 2.0) -> Result:
    """A ratio of two losses is outside the range that it should have at its epoch.

    What it checks: the ratio at the end of the latest epoch for which the loss type has a target.

    Why it matters: a ratio that lags behind its plan early seldom arrives; at the last target the training is over, and
    the weight was wrong.

    What to try: raise the weight of the class when the ratio is too high at the end, lower it when it is too low;
    before the last target look at the trend first.

    How it decides: the median of the last fifth of the points of that epoch against the target's range, with `rounding`
    (0.005) of tolerance, as targets have two decimals, and `errors` (2) standard errors of that median. Where epochs
    are whole numbers, one counts as complete when a later one has begun or it has `full_epoch` (0.9) of the rows of the
    others; numbers from 0 are shifted by one. After the last target the present value counts, and up to the upper
    success limit is fine there. Source: targets of the loss type, for articles 0.45-0.60 at epoch 1 to 0.70-0.90
    (success up to 1.0) at epoch 10.

    Blind spots: logs without epochs. The targets of the article loss come from one run of one model.
    """
    ratios = [r for r in case.loss_type.ratios if r.targets]
    if not ratios:
        return NotRun(CODE, f"the loss type {case.loss_type.name} has no ratio with targets by epoch", applicable=False)
    results = [_judge(case, ratio, rounding, full_epoch, errors) for ratio in ratios]
    findings = tuple(r for r in results if isinstance(r, Finding))
    passes = [r for r in results if isinstance(r, Pass)]
    return findings or (passes or results)[0]


def _judge(case: Case, ratio: Ratio, rounding: float, full_epoch: float, errors: float) -> Finding | Pass | NotRun:
    found = ratio_values(case, ratio)
    if isinstance(found, str):
        return NotRun(CODE, found)
    epoch = found.points.epoch
    if not np.isfinite(epoch).any():
        return NotRun(CODE, "the log has no epochs")
    targets = sorted(ratio.targets, key=lambda t: t.epoch)
    reached = [(t, rows) for t in targets if (rows := epoch_rows(epoch, t.epoch, full_epoch)).size]
    if not reached:
        return NotRun(CODE, f"epoch {targets[0].epoch:g}, the first with a target, is not complete")
    target, rows = reached[-1]
    last = target is targets[-1]
    if last and np.nanmax(epoch) > target.epoch + 1:
        rows = np.arange(len(found))
    latest = rows if rows.size < len(found) else rows[-recent_count(len(found)) :]
    value = median(found.value[latest])
    high = target.success_high if last else target.high
    margin = rounding + errors * value * MEDIAN_SE * _scatter(found.value) / math.sqrt(latest.size)
    if target.low - margin <= value <= high + margin:
        return Pass(CODE, f"{ratio.name} {value:.2f} at epoch {target.epoch:g}, target {target.low:.2f}-{high:.2f}")
    return _finding(case, found, target, high, value, int(rows[-1]), "fail" if last else "warn")


def _scatter(values: Floats) -> float:
    """Relative scatter of a point around its neighbours."""
    return noise(np.log(np.maximum(values, np.finfo(float).tiny)))


def epoch_rows(epoch: Floats, wanted: float, full: float) -> Ints:
    """Indices of the last fifth of an epoch's points, empty where the epoch is not complete.

    `epoch` is fractional (2.7 lies in the third epoch) or whole (every row of the third epoch says 3, or 2 when
    numbers start at 0).
    """
    known = epoch[np.isfinite(epoch)]
    if (known == np.floor(known)).all():
        label = epoch + (1 if known.min() == 0 else 0)
        rows = np.flatnonzero(label == wanted)
        sizes = [float(np.sum(label == e)) for e in np.unique(label[np.isfinite(label)]) if e != wanted]
        usual = median(np.array(sizes)) if sizes else math.inf
        complete = bool(np.any(label > wanted)) or rows.size <= 1 or rows.size >= full * usual
    else:
        rows = np.flatnonzero((epoch > wanted - 1) & (epoch <= wanted + 0.01))
        complete = bool(known.max() >= wanted - 0.01)
    return rows[-max(1, rows.size // 5) :] if complete and rows.size else np.empty(0, np.int64)


def _finding(
    case: Case, found: RatioValues, target: Target, high: float, value: float, row: int, severity: Severity
) -> Finding:
    points = found.points
    side = "above" if value > high else "below"
    message = (
        f"{found.ratio.name} is {value:.2f} at epoch {points.epoch[row]:g}, {side} the target of epoch "
        f"{target.epoch:g} ({target.low:.2f}-{high:.2f})"
    )
    index = points.index[:, row].tolist()
    cited = [evidence(case, s, i) for s, i in zip((found.numerator, found.denominator), index, strict=True)]
    return Finding(
        CODE,
        NAME,
        severity,
        (found.ratio.numerator, found.ratio.denominator),
        message,
        remedy(case, "R103_high" if value > high else "R103_low", ADVICE),
        float(points.step[row]),
        float(points.step[row]),
        tuple(cited),
        f"target of epoch {target.epoch:g}" + (", the last one" if severity == "fail" else ""),
    )


RULE = Rule(CODE, NAME, "warn", check)
