"""R101: a ratio of two losses lies in a band that is not healthy on its trajectory."""

from __future__ import annotations

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Ratio, Reading
from trainvitals.diagnostics.ratio import (
    RatioValues,
    Trajectory,
    band_of,
    is_overfit_band,
    path_of,
    present,
    ratio_values,
    reading,
    recent,
)
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence

CODE, NAME = "R101", "ratio-out-of-band"

ADVICE = "compare how both losses are computed, and the weights between them"


def check(case: Case, *, smallest_fall: float = 0.05, share: float = 0.2, pairs_needed: int = 3) -> Result:
    """A ratio of two losses lies outside its healthy bands.

    What it checks: the present value of every ratio of the loss type against its bands. A band may mean one thing while
    both losses fall and another while the reference loss is stuck.

    Why it matters: a total that falls can hide that one class of tokens is not learnt, or that two losses which should
    agree are not computed alike.

    What to try: what the band says; for a weighted class raise the weight when its loss stays high, lower it when the
    other loss suffers; for train against validation loss compare scales and token subsets.

    How it decides: ratio = numerator / denominator at matched steps, the last of a few points or the median of the last
    5 % of many. Stuck: over the last half of the log the reference fell by less than `smallest_fall` (5 %) and by less
    than `share` (0.2) of the weighted loss's own relative fall; noise must be ruled out. Between splits the median of
    the last half of at least `pairs_needed` (3) matched evaluations counts. Source: bands of the loss type. The field
    note's snapshot table for article weights has holes (0.5-0.8 and 1.2-1.5) and calls the note's own good run
    overfitted at step 100; the bands used here follow the trajectory instead.

    Blind spots: bands come from few runs of one kind. A stuck reference with a low ratio is reported by R102.
    """
    ratios = [r for r in case.loss_type.ratios if r.bands]
    if not ratios:
        return NotRun(CODE, f"the loss type {case.loss_type.name} has no ratio with bands", applicable=False)
    findings: list[Finding] = []
    seen: list[str] = []
    reasons: list[str] = []
    for ratio in ratios:
        found = ratio_values(case, ratio)
        if isinstance(found, str):
            reasons.append(found)
            continue
        across = ratio.split != ratio.denominator_split
        if across and len(found) < pairs_needed:
            reasons.append(f"inconclusive: {len(found)} matched evaluations of {pairs_needed} needed")
            continue
        path = path_of(found, step_unit=case.step_unit, smallest_fall=smallest_fall, share=share)
        judged = _judge(case, ratio, found, present(found), path)
        if isinstance(judged, Finding):
            findings.append(judged)
        else:
            seen.append(judged)
    if findings:
        return tuple(findings)
    return Pass(CODE, "; ".join(seen)) if seen else NotRun(CODE, "; ".join(reasons))


def _judge(case: Case, ratio: Ratio, found: RatioValues, value: float, path: Trajectory) -> Finding | str:
    band = band_of(ratio, value)
    if band is None:
        return f"{ratio.name} {value:.2f}: between the bands"
    if path.stuck and is_overfit_band(band):
        return f"{ratio.name} {value:.2f}: see R102"
    read = reading(band, path)
    return _finding(case, found, value, read, path) if read.severity else f"{ratio.name} {value:.2f}: {read.status}"


def _finding(case: Case, found: RatioValues, value: float, read: Reading, path: Trajectory) -> Finding:
    assert read.severity
    ratio, points = found.ratio, found.points
    above, below = (recent(values) for values in points.values)
    state = f", while {ratio.reference} is stuck" if path.stuck else ""
    message = (
        f"{ratio.name} is {value:.2f} ({found.numerator.logged_as} {above:.4g}, {found.denominator.logged_as} "
        f"{below:.4g}): {read.status}{state}"
    )
    index = points.index[:, -1].tolist()
    cited = [evidence(case, s, i) for s, i in zip((found.numerator, found.denominator), index, strict=True)]
    return Finding(
        CODE,
        NAME,
        read.severity,
        tuple(dict.fromkeys((ratio.numerator, ratio.denominator))),
        message,
        remedy(case, "R101_high" if value >= 1 else "R101_low", ADVICE),
        float(points.step[len(points) // 2]),
        float(points.step[-1]),
        tuple(cited),
        f"{len(points)} matched points; over the last half {ratio.weighted} fell by {path.weighted_fall:.1%} and "
        f"{ratio.reference} by {path.reference_fall:.1%}"
        if len(points) > 1
        else "1 matched point",
    )


RULE = Rule(CODE, NAME, "warn", check)
