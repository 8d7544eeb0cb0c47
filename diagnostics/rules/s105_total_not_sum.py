"""S105: the total loss is not the weighted sum of its logged parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Sum
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.diagnostics.sums import Parts, fitted, formula, parts_of, residual
from trainvitals.parsers.model import Floats, Split

CODE, NAME = "S105", "total-not-sum"

SPLITS: tuple[Split, ...] = ("train", "eval", "test")


def check(
    case: Case, *, tolerance: float = 0.01, errors: float = 3.0, unlogged: float = 2.0, exact: float = 0.001
) -> Result:
    """The total loss differs from the weighted sum of its parts.

    What it checks: total against the sum of weight * part over the parts of the loss type and their auxiliary layers
    (loss_ce, loss_ce_0 ...), with weights from the configuration, else those of the loss type.

    Why it matters: either the log is wrong, or a part of the loss is not trained, or trained with another weight than
    the one that was meant.

    What to try: what the finding names: the part, the layers or the weight that is missing in the sum.

    How it decides: r = (total - sum) / total at every point where all are logged; it speaks when the median of r is
    beyond `tolerance` (1 %) and beyond `errors` (3) times the scatter of r (1.48 MAD), as trainers that print window
    medians print parts that do not add up exactly. Where r is not beyond its scatter, it speaks if nine in ten points
    equal a simpler sum to `exact` (0.1 %): a part that shrinks faster than the others scatters r by its absence. It
    then looks for the simpler sum that fits: without the auxiliary layers, without one part, with weight 1 instead of
    the weight. Where the log has no auxiliary layers and the total is, within a factor `unlogged` (2), as much larger
    as they would make it, it is a note only: they are not logged. Unknown weights are fitted by least squares; when no
    weights fit it is not run. Source: the definition of the loss type.

    Blind spots: a weight that changes during the run; parts that are averaged over other tokens than the total.
    """
    if not case.loss_type.sums:
        return NotRun(CODE, f"the loss type {case.loss_type.name} defines no sum", applicable=False)
    limits = tolerance, errors, unlogged, exact
    results = [_judge(case, one, split, *limits) for one in case.loss_type.sums for split in SPLITS]
    findings = tuple(r for r in results if isinstance(r, Finding))
    passes = [r for r in results if isinstance(r, Pass)]
    return findings or (passes or results)[0]


def _judge(
    case: Case, one: Sum, split: Split, tolerance: float, errors: float, unlogged: float, exact: float
) -> Finding | Pass | NotRun:
    parts = parts_of(case, one, split)
    if isinstance(parts, str):
        return NotRun(CODE, parts)
    weights = parts.weights if len(parts.weights) == len(parts.main) else fitted(parts)
    unknown = [name for name in parts.main if name not in parts.weights]
    if weights is None:
        return NotRun(CODE, f"the weight of {' and '.join(unknown)} is unknown, and the points do not tell it")
    rest = residual(parts, parts.predicted(weights))
    if not rest.size:
        return NotRun(CODE, f"{parts.series.logged_as} is 0 throughout")
    simpler = ""
    if not unknown and abs(median(rest)) > tolerance:
        simpler = _explanation(parts, weights, lambda r: float(np.quantile(np.abs(r), 0.9)) <= exact)
    if _fits(rest, tolerance, errors) and not simpler:
        return Pass(CODE, f"{split} {one.total} = {formula(weights, parts.layer_names)}")
    if unknown:
        return NotRun(CODE, f"inconclusive: the weight of {' and '.join(unknown)} is unknown, and no constant one fits")
    ratio = median(parts.total / _nonzero(parts.predicted(weights)))
    if one.layers and not parts.layer_names and 1 / unlogged <= ratio / (1 + one.layers) <= unlogged:
        text = f"it is {ratio:.3g} times that sum, as with {one.layers} auxiliary layers: they are not in the log"
        return _finding(case, parts, weights, rest, text, "info")
    text = (
        simpler
        or _explanation(parts, weights, lambda r: _fits(r, tolerance, errors))
        or f"it is {ratio:.3g} times that sum"
    )
    return _finding(case, parts, weights, rest, text, "warn")


def _nonzero(values: Floats) -> Floats:
    return np.where(values == 0, np.nan, values)


def _fits(rest: Floats, tolerance: float, errors: float) -> bool:
    middle = median(rest)
    scatter = 1.4826 * median(np.abs(rest - middle))
    return abs(middle) <= max(tolerance, min(errors * scatter, 0.1))


def _explanation(parts: Parts, weights: dict[str, float], fits: Callable[[Floats], bool]) -> str:
    """The first simpler sum whose residuals fit, in words; empty where there is none."""
    tries: list[tuple[str, dict[str, float], bool]] = []
    if parts.layer_names:
        tries.append(("it equals the sum without the auxiliary layers", weights, False))
    for layers, suffix in ((True, ""), (False, ", and without the auxiliary layers")):
        if not layers and not parts.layer_names:
            continue
        tries += [
            (f"it equals the sum without {name}{suffix}", {k: v for k, v in weights.items() if k != name}, layers)
            for name in weights
        ]
        tries += [
            (f"it equals the sum with weight 1 for {name} instead of {weight:g}{suffix}", weights | {name: 1.0}, layers)
            for name, weight in weights.items()
            if weight != 1
        ]
    for text, tried, with_layers in tries:
        rest = residual(parts, parts.predicted(tried, with_layers=with_layers))
        if tried and fits(rest):
            return text
    multiple = parts.total / _nonzero(parts.predicted(weights))
    return "" if np.ptp(multiple) < 0.005 * abs(median(multiple)) else _other_weights(parts)


def _other_weights(parts: Parts) -> str:
    free = Parts(parts.series, parts.total, parts.main, parts.layers, parts.layer_names, {}, parts.index)
    weights = fitted(free)
    if weights is None or np.abs(residual(free, free.predicted(weights))).max() > 0.005:
        return ""
    return f"it equals {formula(weights, parts.layer_names)}: other weights are in effect"


def _finding(
    case: Case, parts: Parts, weights: dict[str, float], rest: Floats, explained: str, severity: Severity
) -> Finding:
    series, last = parts.series, int(parts.index[-1])
    expected = float(parts.predicted(weights)[-1])
    message = (
        f"{series.logged_as} is {parts.total[-1]:.5g} where {formula(weights, parts.layer_names)} is {expected:.5g}; "
        f"{explained}"
    )
    return Finding(
        CODE,
        NAME,
        severity,
        (series.metric, *parts.main),
        message,
        "check how the total is put together, and which parts of it are logged",
        float(series.step[parts.index[0]]),
        float(series.step[last]),
        (evidence(case, series, last),),
        f"median of (total - sum) / total over {rest.size} points: {median(rest):+.1%}",
    )


RULE = Rule(CODE, NAME, "warn", check)
