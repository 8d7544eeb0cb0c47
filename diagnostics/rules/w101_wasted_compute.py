"""W101: an earlier checkpoint is as good as the best."""

from __future__ import annotations

import math

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import curve, label, learning_rate, sound, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import blocks

CODE, NAME = "W101", "wasted-compute"

REMEDY = "stop there next time (early stopping with this patience), or spend the rest on more data or a larger model"


def check(case: Case, *, evaluations: int = 20, share: float = 0.25, decayed: float = 0.1) -> Result:
    """A checkpoint from long before the end is as good as the best one, within the noise of the evaluation.

    What it checks: from which evaluation on the held-out loss no longer gets better by more than its noise.

    Why it matters: the compute after it bought nothing that can be measured.

    What to try: stop earlier; a shorter schedule that decays to the same point; more data.

    How it decides: the one-standard-error rule on block means of at least `evaluations` (20) evaluations: the earliest
    block that lies within one standard error of the best. It speaks when `share` (25 %) of the run comes after it, and
    not before the learning rate is below `decayed` (10 %) of its peak, as the decay itself brings a gain. Source:
    Breiman et al. 1984, Classification and Regression Trees (one-standard-error rule).

    Blind spots: an accuracy that still grows while the loss stands still; a held-out set that is too small to show a
    gain.
    """
    series = case.validation
    if series is None or not len(series):
        return NotRun(CODE, "no validation loss is logged")
    reason = unfit(case, series)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(series))
    if len(c) < evaluations:
        return NotRun(CODE, f"inconclusive: {len(c)} evaluations of {evaluations} needed")
    rate = learning_rate(case, c.x)
    if rate is None or not 0 <= rate[-1] <= decayed * rate.max():
        return NotRun(CODE, "the learning rate is not seen to have decayed: the decay itself brings a gain")
    cut = blocks(c.x, c.u, min(16, len(c) // 3))
    best = int(cut.u.argmin())
    error = c.scatter() * math.sqrt(c.memory / int(cut.n[best]))
    first = int((cut.u <= cut.u[best] + error).argmax())
    end = int(cut.start[first] + cut.n[first]) - 1
    after = (c.x[-1] - c.x[end]) / (c.x[-1] - min(c.x[0], 0.0)) if c.x[-1] > 0 else 0.0
    if after < share:
        return Pass(CODE, f"the best validation lies within the last {share:.0%} of the run".replace("%", " %"))
    return Finding(
        CODE,
        NAME,
        "info",
        (series.metric,),
        f"{label(series)} is within one standard error of its best from step {c.step(end):.9g} on: "
        f"{after:.0%} of the run came after it".replace("%", " %"),
        REMEDY,
        c.step(end),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in sorted({end, len(c) - 1})),
        f"block means of {len(c)} evaluations, standard error {error:.2%} of a block".replace("%", " %"),
    )


RULE = Rule(CODE, NAME, "info", check)
