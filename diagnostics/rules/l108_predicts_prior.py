"""L108: the loss stands at what one gets by answering with the frequencies of the labels."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import Curve, curve, setting, sound, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.rules.l101_not_learning import ACCURACY_WORDS, CLASSES
from trainvitals.diagnostics.rules.l107_initial_loss import classes_of
from trainvitals.diagnostics.statistics import median

CODE, NAME = "L108", "predicts-prior"

REMEDY = (
    "check that the inputs reach the model and belong to the labels (shuffled apart, all padding, normalised to 0), "
    "and that the layers below the head get gradients; then overfit one batch"
)

COUNTS = (
    "class_counts",
    "label_counts",
    "class_frequencies",
    "label_distribution",
    "class_distribution",
    "class_prior",
)
"""Hyperparameters that hold a number for every class."""

ACCURACIES = frozenset({"acc", "acc1", "accuracy", "top1"})

POSITIVE = ("positive_rate", "pos_rate", "positive_fraction", "positive_share")
"""Hyperparameters that hold the share of the positive class of two."""


def check(
    case: Case,
    *,
    tolerance: float = 0.015,
    errors: float = 3.0,
    stretch: float = 0.4,
    rows: int = 12,
    same: int = 5,
    chance: float = 0.2,
) -> Result:
    """The loss has come to rest at the entropy of the labels: the model answers without looking at its input.

    What it checks: whether the last part of the train loss lies at the entropy of the label frequencies.

    Why it matters: the loss fell, so the run looks as if it learnt, but all that was learnt is how frequent each answer
    is.

    What to try: overfit one batch; look at inputs and labels together; the predictions will be the same for all inputs.

    How it decides: the median of the last `stretch` (40 %) of at least `rows` (12) rows lies within max(`tolerance` 1.5
    %, `errors` 3 standard errors, at most 3 %) of the entropy, and a line through it leaves no room for a fall of 3 %.
    The entropy is that of configured class counts or shares; ln(classes) where the loss fell to it from above by 5 %;
    that of the majority class where a held-out accuracy is exactly the same in its last `same` (5) evaluations, as it
    is when one class is always answered; or ln(n) where the accuracy is 1/n, within `chance` (20 %), of n = exp(loss)
    classes, three or more. Source: the entropy is the smallest cross-entropy of an answer that does not depend on the
    input; by Jensen's inequality an accuracy is at least exp(-loss), unless all answers are equally likely.

    Blind spots: label frequencies that are not configured and uneven, without an accuracy that stands still.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(case.loss))
    late = c.u[-max(1, int(stretch * len(c))) :]
    level = float(np.exp(median(late))) if late.size else math.nan
    priors = [*_priors(case, same), *_guesses(case, level, stretch, chance)]
    if not priors:
        return NotRun(CODE, "neither label frequencies nor the number of classes are known", applicable=False)
    if late.size < rows * stretch:
        return NotRun(CODE, f"inconclusive: {len(c)} finite points, {rows} are needed")
    error = c.scatter() * math.sqrt(min(1.0, c.memory / late.size))
    slope = float(np.polyfit(np.arange(late.size), late, 1)[0])
    room = 2 * error * math.sqrt(12) - slope * late.size
    near = min(0.03, max(tolerance, errors * error))
    for entropy, source, from_above in priors:
        fell = median(c.u[: max(1, len(c) // 50)]) - math.log(entropy) > 0.05 if entropy > 0 else False
        if entropy > 0 and abs(math.log(level / entropy)) <= near and room < 0.03 and (fell or not from_above):
            return _finding(case, c, late.size, level, entropy, source)
    return Pass(CODE, f"the loss stands at {level:.4g}, away from {', '.join(f'{e:.4g}' for e, _, _ in priors)}")


def _priors(case: Case, same: int) -> Iterator[tuple[float, str, bool]]:
    """(entropy in nats, where it is from, whether the loss has to have come down to it)."""
    for name in COUNTS:
        counts = _numbers(case.config(name))
        if counts.size > 1 and (counts >= 0).all() and counts.sum() > 0:
            yield _entropy(counts), f"the entropy of {name}", False
    share = setting(case, *POSITIVE)
    if 0 < share < 1:
        yield _entropy(np.array([share, 1 - share])), f"the entropy of {share:g} positives", False
    for series in case.run.series:
        if series.split in HELD_OUT and ACCURACY_WORDS & {series.metric} and len(series) >= same:
            last = series.value[-same:] / (100 if series.value[-1] > 1 else 1)
            if np.ptp(last) == 0 and 0.5 <= last[0] < 0.995 and not setting(case, *CLASSES) > 2:
                majority = float(last[0])
                yield _entropy(np.array([majority, 1 - majority])), f"the entropy of an accuracy of {majority:g}", False
    classes = classes_of(case)
    if classes > 1:
        yield math.log(classes), f"ln({classes:.0f})", True


def _guesses(case: Case, level: float, stretch: float, chance: float) -> Iterator[tuple[float, str, bool]]:
    """ln(n) where an accuracy is that of an even guess among the n classes that such a loss would be of."""
    if not math.log(2.8) <= level <= math.log(1e6):
        return
    classes = round(math.exp(level))
    for series in case.run.series:
        values = series.value[np.isfinite(series.value)]
        late = values[-max(1, int(stretch * values.size)) :] / (100 if values.size and values.max() > 1 else 1)
        if series.metric in ACCURACIES and late.size >= 3 and abs(median(late) * classes - 1) <= chance:
            guess = f"that of an even guess among about {classes}, as is the accuracy of {median(late):.2g}"
            yield math.log(classes), guess, False


def _numbers(value: Any) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The numbers of a list, of a mapping's values, or of a text that holds one of them; empty for anything else."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return np.empty(0)
    if isinstance(value, Mapping):
        value = list(value.values())
    try:
        found = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        return np.empty(0)
    return found if found.ndim == 1 and np.isfinite(found).all() else np.empty(0)


def _entropy(counts: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())


def _finding(case: Case, c: Curve, rows: int, level: float, entropy: float, source: str) -> Finding:
    start = len(c) - rows
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric,),
        f"the loss stands at {level:.4g}, which is {source} ({entropy:.4g}): the answer does not depend on the input",
        REMEDY,
        c.step(start),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in sorted({0, start, len(c) - 1})),
        f"median of the last {rows} rows, {abs(level / entropy - 1):.2%} from the entropy".replace("%", " %"),
    )


RULE = Rule(CODE, NAME, "warn", check)
