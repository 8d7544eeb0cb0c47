"""V102: the training loss goes on falling and the validation loss does not follow."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import label, level, percent, restarted
from trainvitals.diagnostics.evaluations import Gap, gap_of, late_gain
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import blocks, mann_kendall

CODE, NAME = "V102", "gap-growing"
MANIFOLD = 10.0
"""From how many times the training loss on validation is told as such."""

REMEDY = (
    "take the checkpoint from which validation stands still; then more or more varied data, dropout or weight decay, "
    "or a shorter run"
)


def check(
    case: Case,
    *,
    growth: float = 0.15,
    ratio: float = 1.3,
    gained: float = 0.01,
    z: float = 2.5,
    evaluations_needed: int = 6,
    linear: float = 0.05,
) -> Result:
    """The gap between validation and training loss grows while validation does not improve.

    What it checks: validation over training loss from the middle of the evaluations on, and whether validation still
    falls there.

    Why it matters: what is learnt now is the training data itself. Nothing is lost yet, but nothing is gained either,
    and a rise of the validation loss (V101) is what usually follows.

    What to try: stop at the evaluation from which validation stands still; more data, dropout, weight decay.

    How it decides: in log space, on up to 12 means of evaluations. The gap is larger at the end than it was in the
    middle by `growth` (15 %), rises with a Mann-Kendall z of `z` (2.5) over the whole run, and validation ends at
    `ratio` (1.3) times the training loss or more; meanwhile the validation loss gained no more than `gained` (1 %).
    The gap must also be `linear` (5 %) of the training loss at the start: the last digits of a memorised set are no
    gap. At least `evaluations_needed` (6) evaluations. Source: definition of this tool, after the field notes on
    fine-tuning (within 0.2 of train is healthy) and on distances (validation / train below 3 is).

    Blind spots: a gap that is large from the start and stays is normal for small sets and is not reported. A training
    loss that is logged with dropout or mixed labels hides a part of the gap.
    """
    gap = gap_of(case)
    if isinstance(gap, str):
        return NotRun(CODE, gap, applicable="no validation" not in gap)
    if len(gap) < evaluations_needed:
        return NotRun(CODE, f"inconclusive: {len(gap)} evaluations of {evaluations_needed} needed")
    count = min(12, len(gap))
    means = blocks(gap.x, gap.u, count).u
    tail = max(1, count // 6)
    middle = float(means[count // 2 - 1 : count // 2 + 1].mean())
    end = float(means[-tail:].mean())
    now = f"validation is {percent(end)} from training, {percent(middle)} in the middle of the run"
    if end - middle < math.log1p(growth) or end < math.log(ratio) or mann_kendall(means) < z:
        return Pass(CODE, now)
    if level(gap.above[-1]) - level(gap.below[-1]) < linear * level(float(gap.below[0])):
        return Pass(CODE, now)
    fell = late_gain(gap.above)
    if fell > math.log1p(gained):
        return Pass(CODE, f"{now}, and still improves")
    if restarted(case, gap.x, len(gap) // 2):
        return NotRun(CODE, "inconclusive: the learning rate has been restarted since the middle of the run")
    return _finding(case, gap, middle, end, fell, mann_kendall(means))


def _finding(case: Case, gap: Gap, middle: float, end: float, fell: float, z: float) -> Finding:
    c = gap.held_out
    start, last = gap.first + len(gap) // 2, gap.first + len(gap) - 1
    best = gap.first + int(np.argmin(gap.above))
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric,),
        f"{label(c.series)} stands {_told(middle, end)}, and changed by {percent(-fell)} since then; it was best at "
        f"step {c.step(best):.9g}",
        remedy(case, "V102", REMEDY),
        c.step(start),
        c.step(last),
        tuple(evidence(case, c.series, i) for i in sorted({start, best, last})),
        f"Mann-Kendall z {z:+.1f} of the gap over {len(gap)} evaluations",
    )


def _told(middle: float, end: float) -> str:
    """How far validation is above training: in percent, or as a factor where percents would have too many digits."""
    if level(end) >= MANIFOLD:
        return f"at {level(end):.3g} times the training loss, {level(middle):.3g} times in the middle of the run"
    high, half = (f"{100 * (level(v) - 1):.0f} %" for v in (end, middle))
    return f"{high} above the training loss, {half} in the middle of the run"


RULE = Rule(CODE, NAME, "warn", check)
