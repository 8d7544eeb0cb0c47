"""V104: nothing tells how the model does on data that it has not seen."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import label, other_aim
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Series

CODE, NAME = "V104", "validation-missing"

REMEDY = (
    "evaluate on held-out data, ten or more times over the run, and log the loss with a split in its name (eval_loss)"
)

BOOKKEEPING = ("runtime", "per_second", "time", "epoch", "samples", "learning_rate", "memory")
"""Parts of names of held-out series that say nothing about quality."""


def check(case: Case, *, points_needed: int = 20, evaluations: int = 3, repeats: int = 3) -> Result:
    """Validation is missing, too rare, or repeats one value.

    What it checks: whether any metric of held-out data is logged, how often, and whether it changes.

    Why it matters: without it, overfitting, leaks and the best checkpoint are invisible, whatever the training loss
    says.

    What to try: evaluate ten or more times over the run, on data that is split off before anything else.

    How it decides: by counting, once the training loss has `points_needed` (20) points: no held-out metric, fewer
    than `evaluations` (3) values of the one that is logged most often, or the same value `repeats` (3) times or more
    and never another one. Source: definition of this tool.

    Blind spots: a validation that runs elsewhere and is logged in another file. Pretraining that sees every example
    once needs it less. Preference and policy-gradient training is not judged.
    """
    loss = case.loss
    if loss is None or len(loss) < points_needed:
        return NotRun(CODE, f"inconclusive: {len(loss) if loss else 0} training losses of {points_needed} needed")
    reason = other_aim(case)
    if reason:
        return NotRun(CODE, reason, applicable=False)
    held_out = [s for s in case.run.series if s.split in HELD_OUT and _tells(s)]
    if not held_out:
        message = f"no held-out metric is logged beside {len(loss)} training losses"
        return _finding(case, loss, message, "no series of split eval or test")
    most = max(held_out, key=lambda s: int(np.isfinite(s.value).sum()))
    finite = most.value[np.isfinite(most.value)]
    if finite.size < evaluations:
        message = f"{label(most)} has {finite.size} value{'s' * (finite.size != 1)}: too few to see a trend"
        return _finding(case, most, message, f"fewer than {evaluations} evaluations")
    primary = case.validation or most
    values = primary.value[np.isfinite(primary.value)]
    if values.size >= repeats and np.ptp(values) == 0:
        message = f"{label(primary)} is {values[0]:.6g} at all of its {values.size} evaluations"
        return _finding(case, primary, message, f"{values.size} equal values")
    return Pass(CODE, f"{finite.size} evaluations")


def _tells(series: Series) -> bool:
    quality = not any(word in series.metric for word in BOOKKEEPING)
    return quality and bool(np.isfinite(series.value).any())


def _finding(case: Case, series: Series, message: str, how: str) -> Finding:
    start, end = float(series.step[0]), float(series.step[-1])
    cited = (evidence(case, series, len(series) - 1),)
    return Finding(CODE, NAME, "info", (series.metric,), message, REMEDY, start, end, cited, how)


RULE = Rule(CODE, NAME, "info", check)
