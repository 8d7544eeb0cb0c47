"""V101: the validation loss rises above its best."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import Curve, curve, label, percent, restarted, sound, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import blocks, valley_fit
from trainvitals.parsers.model import Floats

CODE, NAME = "V101", "overfitting"

REMEDY = (
    "use the checkpoint of the best validation; then train for less time, or with more data, dropout or weight decay"
)

MOST_EVALUATIONS = 100
"""Evaluations, or means of several, through which a valley is laid."""

TELLING = 60
"""Evaluations from which the memory of their noise can be measured."""

QUALITY_WORDS = frozenset({"acc", "accuracy", "ap", "map", "bleu", "rouge", "f1", "iou", "pck", "eval", "top1", "auc"})
"""Words in names of held-out metrics for which more is better; `coco_eval_bbox` is a list of average precisions."""

Course = Literal["falls", "rises", "flat", "unknown"]


@dataclass(frozen=True, slots=True)
class Rise:
    """How far the end of a validation curve lies above its best, in ln units, and how surely."""

    best: int
    size: float
    z: float
    gain: float
    evidence: str
    sustained: bool = True
    """More than one evaluation speaks of it."""


def check(
    case: Case,
    *,
    warn_rise: float = 0.01,
    fail_rise: float = 0.10,
    errors: float = 4.0,
    few: int = 20,
    few_rise: float = 0.05,
    single_rise: float = 0.20,
    slight_rise: float = 0.02,
    slight_share: float = 0.05,
) -> Result:
    """The validation loss ends above its best while training goes on.

    What it checks: the primary validation loss (or test loss, where no other is logged): its end against its best part.

    Why it matters: from the best point on the model learns its training data by heart; the compute after it makes the
    model worse on anything else.

    What to try: take the best checkpoint; stop earlier; more or more varied data, dropout, weight decay, a smaller
    adapter or a lower learning rate.

    How it decides: in log space. With `few` (20) or more evaluations: block means; end = last max(1, B // 6) blocks,
    z = (end - best) / (noise * sqrt(1/n_end + 1/n_best)) > `errors` (4), and a rise above `warn_rise` (1 %).
    With fewer, the last two or three must lie more than
    `few_rise` (5 %, 10 % below 12) and 4 times the evaluation noise above the best; below 8 evaluations, all after the
    best must climb, by 3 times `few_rise`; anything else, as a single evaluation after the best, needs
    `single_rise` (20 %) and 8 times the noise. Always the rise must exceed what noise with memory strays by chance: 10
    times the scatter around the best curve that falls and then rises at 100 evaluations, more at fewer (36 at 20).
    It is a failure beyond `fail_rise` (10 %) while the training loss falls; for information only when the rise is below
    `slight_rise` (2 %) and `slight_share` (5 %) of what validation had gained, or below 5 % while no held-out quality
    metric got worse. Source: Prechelt's generalisation loss, on blocks: the minimum of single noisy evaluations is too
    low, and "2 % above the best with patience 5" fires on 30 to 98 % of healthy runs.

    Blind spots: a validation set drawn from the training data never rises (V103). Loss may rise while accuracy still
    grows: the model gets over-confident. A rise together with the training loss is a divergence (L103).
    """
    series = case.validation
    if series is None or not len(series):
        return NotRun(CODE, "no validation loss is logged")
    reason = unfit(case, series)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(series))
    if len(c) < 3:
        return NotRun(CODE, f"inconclusive: {len(c)} evaluations, at least 3 are needed")
    rise = _over_blocks(c) if len(c) >= few else _over_points(c)
    small = f"{percent(max(rise.size, 0.0)).lstrip('+')} above its best"
    if not _significant(rise, c, warn_rise, errors, few, few_rise, single_rise):
        judged = "" if len(c) >= few else f", {len(c)} evaluations tell no more"
        return Pass(CODE, f"validation ends {small}{judged}")
    train = _training(case, c.x[rise.best])
    if train == "rises":
        return Pass(CODE, f"validation ends {small}, but the training loss rises too: no overfitting (see L103)")
    if restarted(case, c.x, rise.best):
        return NotRun(CODE, "inconclusive: the learning rate has been restarted since the best evaluation")
    severity: Severity = "warn"
    if rise.size > math.log1p(fail_rise if len(c) >= 8 else 2 * fail_rise) and train == "falls":
        severity = "fail"
    elif _slight(case, c, rise, slight_rise, slight_share, few_rise):
        severity = "info"
    return _finding(case, c, rise, train, severity)


def _over_blocks(c: Curve) -> Rise:
    count = max(c.blocks(), 3)
    cut = blocks(c.x, c.u, count)
    tail = max(1, count // 6)
    best = int(cut.u[:-tail].argmin())
    n_end, n_best = int(cut.n[-tail:].sum()), int(cut.n[best])
    end = float(c.u[-n_end:].mean())
    size = end - float(cut.u[best])
    error = c.scatter() * math.sqrt(c.memory * (1 / n_end + 1 / n_best))
    start = int(cut.start[best])
    point = start + int(c.u[start : start + n_best].argmin())
    gain = float(cut.u[0] - cut.u[best])
    return Rise(point, size, size / error, gain, f"{count} blocks, means of {n_best} and {n_end} evaluations")


def _over_points(c: Curve) -> Rise:
    best = int(c.u.argmin())
    after = len(c) - 1 - best
    climbs = len(c) < 8 and bool((np.diff(c.u[best:]) > 0).all())
    tail = 1 if climbs or after < 2 else 2 if len(c) < 12 else min(after, 3)
    end = float(c.u[-tail:].min())
    size = end - float(c.u[best])
    told = f"{len(c)} evaluations, {after} after the best" + (", each above the one before" if climbs else "")
    return Rise(best, size, size / _ripple(c.u), float(c.u[0] - c.u[best]), told, after > 1 and (climbs or len(c) >= 8))


def _ripple(u: Floats) -> float:
    """Noise of single evaluations, from the downward bends only: a valley bends upward everywhere. At least 1 %.

    White noise of standard deviation s has symmetric second differences of standard deviation sqrt(6) * s.
    """
    if u.size < 3:
        return 0.01
    return max(0.01, float(np.sqrt(2 * np.mean(np.minimum(np.diff(u, 2), 0.0) ** 2) / 6)))


def wander(u: Floats) -> float:
    """How far a validation curve may stray by chance, in ln units: evaluations of one run share the luck of its steps.

    What overfits falls and then rises, with little around that; noise with memory wanders. So the scatter around the
    best fit that falls and then rises is the measure, at least 0.1 %. A rise of 10 of them at 100 evaluations, and of
    more at fewer (the power 0.8 of the shortage), is seen in 1 of 100 curves of noise with an autocorrelation of 0.9;
    without memory, which `TELLING` evaluations can show, 4.5 are beyond all of 200. Simulated, from 8 to 100.
    """
    means = blocks(u, u, MOST_EVALUATIONS).u
    rest = means - valley_fit(means)
    power = float(rest @ rest)
    scatter = max(1e-3, math.sqrt(power / max(means.size - 2, 1)))
    forgets = means.size >= TELLING and float(rest[1:] @ rest[:-1]) <= 0
    return scatter * (4.5 if forgets else 10 * (MOST_EVALUATIONS / means.size) ** 0.8)


def _significant(
    rise: Rise, c: Curve, warn: float, errors: float, few: int, few_rise: float, single_rise: float
) -> bool:
    if rise.size <= wander(c.u):
        return False
    if len(c) >= few:
        return rise.z > errors and rise.size > math.log1p(warn)
    if not rise.sustained:
        return rise.z > 2 * errors and rise.size > math.log1p(single_rise)
    scarce = 1 if len(c) >= 12 else 2 if len(c) >= 8 else 3
    return rise.z > errors and rise.size > math.log1p(few_rise * scarce)


def _training(case: Case, since: float) -> Course:
    """What the training loss does from the best evaluation on."""
    loss = case.loss
    if loss is None or not len(loss) or unfit(case, loss):
        return "unknown"
    train = curve(sound(loss))
    u = train.u[train.x >= since]
    if u.size < 3:
        return "unknown"
    third = max(1, u.size // 3)
    change = float(u[-third:].mean() - u[:third].mean())
    sure = max(0.01, 3 * train.scatter() * math.sqrt(2 * min(1.0, train.memory / third)))
    if abs(change) <= sure:
        return "flat"
    return "falls" if change < 0 else "rises"


def _slight(case: Case, c: Curve, rise: Rise, slight: float, share: float, few_rise: float) -> bool:
    if rise.size < math.log1p(slight) and rise.size < share * rise.gain:
        return True
    return rise.size < math.log1p(few_rise) and _quality_held(case, float(c.x[rise.best]))


def _quality_held(case: Case, since: float) -> bool:
    """Whether there are held-out metrics for which more is better, and none of them fell by 1 % since a step."""
    held = []
    for series in case.run.series:
        if series.split in HELD_OUT and QUALITY_WORDS & set(re.split(r"[^a-z0-9]+", series.metric.lower())):
            good = series.take(np.isfinite(series.value) & (series.value > 0))
            after = good.value[good.step >= since]
            if after.size >= 3:
                third = max(1, after.size // 3)
                held.append(after[-third:].mean() >= 0.99 * after[:third].mean())
    return bool(held) and all(held)


def _finding(case: Case, c: Curve, rise: Rise, train: Course, severity: Severity) -> Finding:
    best, last = float(c.series.value[rise.best]), float(c.series.value[-1])
    words = {"falls": "keeps falling", "flat": "is flat", "unknown": "is not known", "rises": "rises"}[train]
    return Finding(
        CODE,
        NAME,
        severity,
        (c.series.metric,),
        f"{label(c.series)} was best at step {c.step(rise.best):.9g} ({best:.4g}) and ends at "
        f"{last:.4g}, {percent(rise.size)} over its best level, while the training loss {words}",
        REMEDY,
        c.step(rise.best),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in sorted({0, rise.best, len(c) - 1})),
        f"z = {rise.z:.1f} of 4 needed; {rise.evidence}",
    )


RULE = Rule(CODE, NAME, "warn", check)
