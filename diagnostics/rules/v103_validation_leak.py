"""V103: the validation loss lies so far below the training loss that its answers must be known."""

from __future__ import annotations

import math
import re
from statistics import median

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import label, level
from trainvitals.diagnostics.evaluations import MIXING, Gap, gap_of
from trainvitals.diagnostics.ratio import recent
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import blocks, mann_kendall
from trainvitals.parsers.model import Series

CODE, NAME = "V103", "validation-leak"

REMEDY = (
    "look for validation examples in the training data (exact and near duplicates, other crops or turns of one "
    "source), for labels among the inputs, and for masked or empty labels in the evaluation"
)

ACCURACY_WORDS = frozenset({"acc", "acc1", "accuracy", "top1"})
DROPOUT = ("dropout", "hidden_dropout", "attention_dropout", "lora_dropout", "dropout_rate", "label_smoothing_factor")

PART = re.compile(r"(^|_)(loss|ce|nll)($|_)")
"""What the name of a loss or of a part of one has."""


def check(
    case: Case,
    *,
    factor: float = 3.0,
    near_zero: float = 50.0,
    lasting: float = 0.8,
    evaluations_needed: int = 3,
    start_share: float = 0.01,
    imperfect: float = 0.95,
    hint_ratio: float = 0.7,
    hint_growth: float = 1.25,
    hint_evaluations: int = 8,
) -> Result:
    """The validation loss is far below the training loss.

    What it checks: validation over training loss at the evaluations of the last half of the run.

    Why it matters: nothing is better on unseen data than on its own by such a factor. The validation answers are in
    the training data, in the inputs, or are not scored at all, and every choice made by this number is worthless.

    What to try: search for duplicates between both sets, also near ones; look at what the model is given during
    evaluation; count the labels that are scored.

    How it decides: the ratio is below 1 / `factor` (3) at `lasting` (80 %) of at least `evaluations_needed` (3)
    evaluations of the last half, in the median too, and validation lies as far below the lowest training loss at any
    evaluation; below 1 / `near_zero` (50) two evaluations suffice. Where both splits log the same parts of the loss,
    these must agree; it is left open where training alone logs them. It is left open where the ratio was that low
    already within the first `start_share` (1 %) of the run, when nothing was known yet, and has not fallen by `factor`
    since: then both losses are in different units (S101, S104); where a suspected factor of gradient accumulation
    explains it; where labels are mixed (mixup, cutmix); and where a held-out accuracy below `imperfect` (0.95) shows
    that the answers are not known. Source: dropout and augmentation put validation 5 to 40 % below train, label
    smoothing and mixup up to two times.

    For information only: the ratio falls steadily to `hint_ratio` (0.7) or less and by a factor of `hint_growth`
    (1.25), over `hint_evaluations` (8) or more, with no dropout and no mixed labels configured. A training in which
    each evaluation example stood 120 times among others ended at 0.6.

    Blind spots: examples that are in both sets give a validation loss equal to the training loss, not below it: no
    scalar shows that. A leak that puts validation less than 3 times below train is a note at most, as augmentation and
    mixed labels do that too. A training loss that is logged in another unit than the validation loss looks the same
    where the first evaluation comes late.
    """
    gap = gap_of(case)
    if isinstance(gap, str):
        return NotRun(CODE, gap, applicable="no validation" not in gap)
    late = gap.u[gap.x >= gap.train.x[0] + (gap.train.x[-1] - gap.train.x[0]) / 2]
    below = -median(late) if late.size else 0.0
    # A training loss that shot up, or is logged in another unit since, leaves validation where it was.
    below = min(below, float(gap.below.min()) - median(gap.above[-late.size :])) if late.size else below
    if below <= math.log(factor):
        if _runs_ahead(case, gap, hint_ratio, hint_growth, hint_evaluations):
            return _hint(case, gap)
        return Pass(CODE, f"validation / training loss {level(-below):.3g}")
    needed = 2 if below > math.log(near_zero) else evaluations_needed
    if late.size < needed:
        return NotRun(CODE, f"inconclusive: {late.size} evaluations in the last half of {needed} needed")
    share = float(np.mean(late < -math.log(factor)))
    if share < lasting:
        return Pass(CODE, f"validation is below training by a factor of {factor:g} only now and then")
    reason = _excuse(case, gap, factor, start_share, imperfect) or _accumulated(case, below, factor)
    return NotRun(CODE, reason) if reason else _finding(case, gap, below, late.size, share)


def _excuse(case: Case, gap: Gap, factor: float, start_share: float, imperfect: float) -> str:
    begin, length = float(gap.train.x[0]), float(gap.train.x[-1] - gap.train.x[0])
    grown = float(gap.u[0]) - median(gap.u[gap.x >= begin + length / 2])
    if gap.x[0] <= begin + start_share * length and gap.u[0] < -math.log(factor) / 2 and grown < math.log(factor):
        return "inconclusive: validation is as far below at the first evaluation: the losses are in different units"
    if any((case.number(name) or 0) > 0 for name in MIXING):
        return "inconclusive: mixed labels keep the training loss high"
    accuracy = _accuracy(case)
    if accuracy < imperfect:
        return f"inconclusive: a held-out accuracy of {accuracy:.2f} says that the answers are not known"
    parts = _parts(case, gap.held_out.series)
    if not parts and sum(bool(PART.search(s.metric)) for s in case.run.series if s.split == "train") > 2:
        return "inconclusive: only training logs the parts of its loss, so that the totals may be sums of other parts"
    if parts and median(parts) > -math.log(factor):
        return "inconclusive: the parts of the loss do not lie below; the totals are not sums of the same"
    return ""


def _accumulated(case: Case, below: float, factor: float) -> str:
    """Why a factor of gradient accumulation that is not proven (S101) explains the distance; empty if it does not."""
    suspected = [c.factor for c in case.corrections if c.kind == "grad_accum" and not c.applied and c.factor > 1]
    if not suspected or below - math.log(max(suspected)) > math.log(factor):
        return ""
    return f"inconclusive: the training loss may be logged {max(suspected):g} times its level (S101)"


def _accuracy(case: Case) -> float:
    """The present accuracy on held-out data as a fraction, NaN where none is logged."""
    for series in case.run.series:
        if series.split in HELD_OUT and ACCURACY_WORDS & set(re.split(r"[^a-z0-9]+", series.metric.lower())):
            good = series.value[np.isfinite(series.value)]
            if good.size:
                return recent(good) / (100 if good.max() > 1 else 1)
    return math.nan


def _parts(case: Case, held_out: Series) -> list[float]:
    """Ln of held-out / training of the loss parts that both splits have, by the medians of their last quarters."""
    found = []
    for one in case.run.series:
        other = case.get(one.metric)
        if one.split != held_out.split or one.metric == held_out.metric or other is None:
            continue
        if PART.search(one.metric):
            levels = [s.value[np.isfinite(s.value) & (s.value > 0)] for s in (one, other)]
            if all(v.size for v in levels):
                ends = [median(v[-max(1, v.size // 4) :]) for v in levels]
                found.append(math.log(ends[0] / ends[1]))
    return found


def _runs_ahead(case: Case, gap: Gap, ratio: float, growth: float, least: int) -> bool:
    """Whether validation falls faster than training, to clearly below it, and no setting explains it."""
    if len(gap) < least or any((case.number(name) or 0) > 0 for name in (*MIXING, *DROPOUT)):
        return False
    means = blocks(gap.x, gap.u, min(12, len(gap))).u
    third = max(1, means.size // 3)
    early, late = float(means[:third].mean()), float(means[-third:].mean())
    shot_up = float(gap.below[-third:].mean()) > float(gap.below[:third].mean())
    return late <= math.log(ratio) and early - late >= math.log(growth) and mann_kendall(means) <= -3 and not shot_up


def _hint(case: Case, gap: Gap) -> Finding:
    c, last = gap.held_out, gap.first + len(gap) - 1
    ends = [level(float(gap.u[part].mean())) for part in (slice(None, len(gap) // 3), slice(-(len(gap) // 3), None))]
    return Finding(
        CODE,
        NAME,
        "info",
        (c.series.metric,),
        f"{label(c.series)} falls faster than the training loss, from {ends[0]:.2f} to {ends[1]:.2f} times it, as with "
        "dropout or augmentation; without them, as with evaluation examples among the training data",
        REMEDY,
        c.step(gap.first),
        c.step(last),
        tuple(evidence(case, c.series, i) for i in (gap.first, last)),
        f"Mann-Kendall over {len(gap)} evaluations",
    )


def _finding(case: Case, gap: Gap, below: float, evaluations: int, share: float) -> Finding:
    c, train = gap.held_out, gap.train
    last = gap.first + len(gap) - 1
    low = np.flatnonzero(gap.u < -below / 2)
    start = gap.first + (int(low[0]) if low.size else 0)
    now, other = level(float(gap.above[-1])), level(float(gap.below[-1]))
    return Finding(
        CODE,
        NAME,
        "fail",
        (c.series.metric,),
        f"{label(c.series)} is {level(below):.3g} times below the training loss ({now:.4g} against {other:.4g} at "
        "the last evaluation): further than dropout or augmentation explain",
        REMEDY,
        c.step(start),
        c.step(last),
        (
            *(evidence(case, c.series, i) for i in sorted({start, last})),
            evidence(case, train.series, min(len(train), int(np.searchsorted(train.x, gap.x[-1], side="right"))) - 1),
        ),
        f"median of {evaluations} evaluations of the last half, {share:.0%} of them beyond the factor".replace(
            "%", " %"
        ),
    )


RULE = Rule(CODE, NAME, "fail", check)
