"""L107: the first loss of a run from scratch is not that of guessing."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import curve, setting, sound, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.rules.l101_not_learning import ACCURACY_WORDS, CLASSES
from trainvitals.diagnostics.rules.l106_level_band import FROM_SCRATCH, PRETRAINED
from trainvitals.diagnostics.statistics import median

CODE, NAME = "L107", "initial-loss"

HIGH = (
    "scale the initial weights of the last layer down (or tie and scale the embedding), check that the loss is a mean "
    "over tokens, and that it is divided by the accumulation once"
)
LOW = "check that the labels do not reach the inputs (shift, mask), and that no weights were loaded"

CROSS_ENTROPY = frozenset({"generic", "causal_lm", "article"})
"""Loss types whose main loss is a mean cross-entropy over classes."""


def check(
    case: Case, *, low: float = 0.85, high: float = 1.3, rows: int = 3, steps: float = 10.0, errors: float = 3.0
) -> Result:
    """The first loss of a run from scratch is far from ln(classes), that of an even guess.

    What it checks: the loss of the first steps against ln(vocabulary) or ln(number of labels) from the configuration.

    Why it matters: an untrained model that is worse than guessing is sure of what it does not know: its initial weights
    or the scale of its loss are wrong. One that is better has seen the answer.

    What to try: the loss of a uniform output must be ln(classes); scale the last layer; print the labels and the mask.

    How it decides: the median of the first `rows` (3) rows within the first max(`steps` 10, 0.1 % of the run) steps,
    over ln(classes): above `high` (1.3) where no pretrained model is configured, below `low` (0.85) where the
    configuration says that it starts from scratch, and `errors` (3) standard errors beyond. 0.9 to 1.2 is usual.
    Source: entropy of a uniform distribution.

    Blind spots: logs that begin after the first steps; losses with further terms; classes that are not configured.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    classes = classes_of(case)
    if case.loss_type.name not in CROSS_ENTROPY or not classes > 1:
        return NotRun(CODE, "the number of classes is not known", applicable=False)
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    if any(c.kind == "grad_accum" and c.metric == "loss" and not c.applied for c in case.corrections):
        return NotRun(CODE, "the scale of the logged loss is undetermined")
    c = curve(sound(case.loss))
    planned = setting(case, "max_steps")
    early = max(steps, 1e-3 * (planned if planned == planned else float(c.x[-1])))
    first = np.flatnonzero(c.x <= early)[:rows] if case.step_unit == "step" else np.empty(0, np.int64)
    if not first.size:
        return NotRun(CODE, f"the log has no loss of the first {early:g} steps", applicable=False)
    ratio = float(np.exp(median(c.u[first]))) * case.nats(c.series) / math.log(classes)
    doubt = math.exp(errors * c.scatter() / math.sqrt(first.size))
    pretrained = any(case.config(name) for name in PRETRAINED)
    scratch = any(str(case.config(name)).lower() == value for name, value in FROM_SCRATCH.items())
    too_high = ratio > high * doubt and not pretrained and (first.size >= 2 or len(c) < 2 or c.u[1] > c.u[0] - 0.3)
    too_low = ratio < low / doubt and scratch
    if not too_high and not too_low:
        return Pass(CODE, f"the first loss is {ratio:.3g} times ln({classes:.0f})")
    value, guess = ratio * math.log(classes), math.log(classes)
    told = f"{ratio:.3g} times the {guess:.4g} of an even guess among {classes:.0f} classes"
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric,),
        f"the first loss is {value:.4g}, {told}",
        HIGH if too_high else LOW,
        c.step(int(first[0])),
        c.step(int(first[-1])),
        tuple(evidence(case, c.series, int(i)) for i in first),
        f"median of {first.size} rows; {low:g} to {high:g} is usual",
    )


def classes_of(case: Case) -> float:
    """Among how many outcomes the model chooses; NaN where that is not known.

    The vocabulary, or the number of labels where an accuracy is logged: frameworks have defaults for tasks they do not
    train (Megatron-LM prints `num_classes 1000` for every language model).
    """
    vocabulary = setting(case, "vocab_size")
    if vocabulary == vocabulary:
        return vocabulary
    scored = any(ACCURACY_WORDS & set(series.metric.lower().replace("/", "_").split("_")) for series in case.run.series)
    return setting(case, *CLASSES) if scored else math.nan


RULE = Rule(CODE, NAME, "warn", check)
