"""M101: one task makes up nearly all of the total loss."""

from __future__ import annotations

import math
import re

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import Curve, curve
from trainvitals.diagnostics.evaluations import scatter
from trainvitals.diagnostics.loss_type import Sum
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import blocks, median
from trainvitals.diagnostics.sums import Parts, fitted, parts_of
from trainvitals.parsers.model import Floats, Split

CODE, NAME = "M101", "task-dominance"

ADVICE = (
    "weigh the tasks so that their parts are of one size early in the run, or learn the weights (uncertainty weighting)"
)


def check(
    case: Case,
    *,
    dominant: float = 0.9,
    stalled: float = 0.02,
    errors: float = 4.0,
    dominant_fall: float = 0.1,
    points_needed: int = 6,
) -> Result:
    """One task is more than 90 % of the weighted sum of the losses.

    What it checks: the share of each part of the total, times its weight, with its auxiliary layers.

    Why it matters: the gradient follows the largest part; tasks of a hundredth of the total are hardly trained at all,
    and the total says nothing about them.

    What to try: weights that make the parts alike at the start; learnt weights; a separate learning rate for a head.

    How it decides: the median share over the last half of the points is above `dominant` (90 %), for each sum that
    the loss type defines, weights from the configuration, from the loss type or, where unknown, fitted. It is a
    warning where another task stalls: from its first to its best block of up to 8 it fell by less than `stalled` (2
    %) and `errors` (4) standard errors, while the dominant one fell by `dominant_fall` (10 %); a flat cross-entropy
    below ln 2 has nothing left to learn. At least `points_needed` (6) points. Source: definition of this tool.

    Blind spots: shares of the loss are not shares of the gradient. A regulariser is meant to be small: parts that the
    loss type calls optional are never said to stall.
    """
    if not case.loss_type.sums:
        return NotRun(CODE, f"the loss type {case.loss_type.name} has no weighted sum", applicable=False)
    findings, seen, reasons = [], [], []
    order: tuple[Split, ...] = ("train", *HELD_OUT)
    for one in case.loss_type.sums:
        parts = next((p for split in order if not isinstance(p := parts_of(case, one, split), str)), None)
        weights = _weights(parts) if parts is not None else None
        if parts is None or weights is None or len(parts.main) < 2:
            reasons.append(f"needs {one.total}, two of its parts and their weights")
            continue
        if parts.total.size < points_needed:
            reasons.append(f"inconclusive: {parts.total.size} points of {points_needed} needed")
            continue
        shares = _shares(parts, weights)
        name = max(shares, key=lambda n: shares[n])
        if shares[name] <= dominant:
            seen.append(f"{name} is {shares[name]:.0%} of {one.total}".replace("%", " %"))
            continue
        slow = _stalled(one, parts, name, stalled, errors, dominant_fall)
        findings.append(_finding(case, one, parts, name, shares[name], slow))
    if findings:
        return tuple(findings)
    return Pass(CODE, "; ".join(seen)) if seen else NotRun(CODE, reasons[0])


def _weights(parts: Parts) -> dict[str, float] | None:
    """The weights of all parts: those that are known, the rest fitted; None where the points cannot tell."""
    if all(name in parts.weights for name in parts.main):
        return parts.weights
    return fitted(parts)


def _shares(parts: Parts, weights: dict[str, float]) -> dict[str, float]:
    """Median share of each part over the last half of the points; of the sum of parts, which is positive."""
    half = slice(parts.total.size // 2, None)
    size = {n: np.abs(w * (parts.main[n] + parts.layers[n]))[half] for n, w in weights.items()}
    total = np.maximum(np.sum(list(size.values()), axis=0), np.finfo(float).tiny)
    return {n: median(s / total) for n, s in size.items()}


def _stalled(one: Sum, parts: Parts, name: str, least: float, errors: float, dominant_fall: float) -> list[str]:
    """Tasks that do not fall while the dominant one does."""
    if _fell(parts.main[name])[0] < dominant_fall:
        return []
    others = [n for n in parts.main if n != name and n not in one.optional and not _learnt_before(n, parts.main[n])]
    falls = {n: _fell(parts.main[n]) for n in others}
    return [n for n, (fell, error) in falls.items() if fell < max(least, errors * error)]


def _learnt_before(name: str, values: Floats) -> bool:
    """Whether a cross-entropy is below that of an even guess between two: it may be flat as all is learnt."""
    return bool(re.search(r"(^|_)ce($|_)", name)) and median(values) < math.log(2)


def _fell(values: Floats) -> tuple[float, float]:
    """Fall from the first to the best block in ln units, and its standard error; infinite where it is not positive."""
    if not (values > 0).all():
        return float("inf"), 0.0
    u = np.log(values)
    c = blocks(u, u, min(8, u.size // 2))
    return float(c.u[0] - c.u.min()), float(scatter(u) * np.sqrt(2 / c.n.min()))


def _finding(case: Case, one: Sum, parts: Parts, name: str, share: float, slow: list[str]) -> Finding:
    s = parts.series
    start, end = int(parts.index[parts.total.size // 2]), int(parts.index[-1])
    also = f", while {' and '.join(slow)} {'does' if len(slow) == 1 else 'do'} not fall" if slow else ""
    part: Curve | None = curve(p) if (p := case.get(name, s.split)) is not None else None
    cited = [evidence(case, s, end)] + ([evidence(case, part.series, len(part) - 1)] if part and len(part) else [])
    return Finding(
        CODE,
        NAME,
        "warn" if slow else "info",
        (one.total, name),
        f"{name} is {share:.0%} of {one.total}{also}".replace("%", " %"),
        remedy(case, "M101", ADVICE),
        float(s.step[start]),
        float(s.step[end]),
        tuple(cited),
        f"median share over the last half of {parts.total.size} points",
    )


RULE = Rule(CODE, NAME, "info", check)
