"""L101: the training loss has not improved since the start."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import (
    Curve,
    curve,
    learning_rate,
    percent,
    setting,
    share_done,
    sound,
    unfit,
    warming_up,
)
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import block_count, blocks, median, trend

CODE, NAME = "L101", "not-learning"

REMEDY = (
    "check that the optimiser gets the model's parameters and the learning rate is not near 0, that labels and inputs "
    "match, and that a single batch can be overfitted; then raise the learning rate by 3 to 10 times"
)

CLASSES = ("num_labels", "num_classes", "n_classes", "vocab_size")
"""Hyperparameters that say among how many outcomes the model chooses; ln of it is the loss of guessing."""

GUESSES = (math.log(2), math.log(10))
"""Losses of guessing evenly between 2 and among 10 classes: a flat loss within 1.5 % of them is not learnt."""

PRETRAINED = (
    *("model_name_or_path", "pretrained_model_name_or_path", "base_model", "pretrained", "init_checkpoint"),
    *("resume_from_checkpoint", "load_from", "finetune", "init_from", "lora_rank", "lora_r", "peft_type"),
)
"""Hyperparameters that name what the weights began as."""

UNSET = (None, False, "", "False", "false", "None", "none", "null", "scratch")

ACCURACY_WORDS = frozenset({"acc", "accuracy", "top1", "f1", "precision", "recall", "pck", "success", "iou", "map"})


def check(
    case: Case,
    *,
    smallest: float = 0.02,
    errors: float = 4.0,
    planned: float = 0.3,
    blocks_needed: int = 5,
    visible: float = 0.1,
    high: float = 3.0,
    surely_flat: float = 0.01,
) -> Result:
    """The training loss has not improved since the start.

    What it checks: whether any later part of the training loss lies below its start.

    Why it matters: the compute is lost. The usual causes are a learning rate of almost 0, frozen or forgotten
    parameters, labels that do not belong to the inputs, or a loss that does not depend on the model.

    What to try: overfit a single batch; look at the gradient norm; print inputs and labels together; raise the
    learning rate by 3 to 10 times.

    How it decides: in log space. Improvement is the start minus the best of 5, or of up to 16, near-independent
    blocks, the start being the mean of the first 1, 3, 10, 30 points or of the first block, whichever shows more. It
    fails below max(`smallest` 2 %, `errors` 4 standard errors), from `planned` 30 % of the planned run on, when there
    are `blocks_needed` (5) blocks, no significant falling trend, and little enough noise for an improvement of
    `visible` 10 % to have shown, or a straight line through the run that excludes a fall of half of that with 2
    standard errors. A flat loss is a failure where the log can tell it from one that had nothing left to learn: the
    learning rate is 0, or the loss lies at that of guessing (ln of the classes or of the vocabulary, ln 2, ln 10), or
    above `high` (3.0). At any other level it is a warning, and only where the line excludes a fall of `surely_flat`
    (1 %), or the evaluations do, with 3 standard errors: even a converged model gains a little by fine-tuning. It is
    for information where the settings name a pretrained model, which may have known it all, or where the loss lies
    below that of guessing between two (ln 2) and no evaluation confirms that it stands. It is no fault while the
    validation loss falls, where the log begins in the middle of a run, or where it has a good accuracy.
    Source: the band table of fine-tuning losses, entropy of an even guess.

    Blind spots: a model that is trained further on what it was trained on can be flat and healthy. A task with a long
    plateau before it drops is failed while it is on it. Losses in other units than nats have another level of guessing.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(case.loss))
    if len(c) < blocks_needed:
        return NotRun(CODE, f"inconclusive: only {len(c)} finite points")
    done = share_done(case, case.loss)
    if done < planned:
        return NotRun(CODE, f"inconclusive: {done:.0%} of the planned run is done, judged from {planned:.0%} on")
    count = block_count(len(c), c.noise.tau)
    gain, limit, best = improvement(c, count, blocks_needed, errors)
    if gain >= max(-math.log1p(-smallest), limit):
        return Pass(CODE, f"the loss changed by {percent(-gain)} since the start")
    if trend(c.x, c.u).direction == "falling" and gain >= smallest:
        return Pass(CODE, "the loss falls slowly but significantly")
    if count < blocks_needed:
        return NotRun(CODE, f"inconclusive: {len(c)} points give {count} independent blocks of {blocks_needed} needed")
    if limit > visible and most_fall(c) > visible / 2:
        return NotRun(CODE, f"inconclusive: the noise hides improvements below {limit:.0%}")
    if warming_up(case, c.x):
        return NotRun(CODE, "inconclusive: the learning rate is still warming up")
    claim = _judge(case, c, high, surely_flat)
    return NotRun(CODE, claim) if isinstance(claim, str) else _finding(case, c, gain, limit, best, count, claim)


@dataclass(frozen=True, slots=True)
class Claim:
    """How bad a flat loss is, and what it means."""

    severity: Severity
    meaning: str = ""


def _judge(case: Case, c: Curve, high: float, surely_flat: float) -> Claim | str:
    """What a flat loss says; why it says nothing, where it may be that of a model that had nothing left to learn."""
    logged = float(np.exp(median(c.u)))
    level = logged * case.nats(c.series)
    flat = f"inconclusive: the loss is flat at {logged:.4g} from its first row on"
    if _begins_late(c):
        return f"{flat}, but the log begins in the middle of a run"
    if validation_fall(case)[0] > 0.005:
        return f"{flat}, but the validation loss falls"
    rate = learning_rate(case, c.x)
    if rate is not None and not rate[rate.size // 10 :].any():
        return Claim("fail", ": the learning rate is 0")
    accuracy = _accuracy(case)
    classes = setting(case, *CLASSES)
    if accuracy > _certain(level) and not classes > 1:
        return f"{flat}, but an accuracy of {accuracy:.2f} is logged: it may have converged before"
    guessing = level >= 0.9 * math.log(classes) if classes > 1 else _at_a_guess(level) or level >= high
    if guessing:
        return Claim("fail")
    if min(most_fall(c), validation_fall(case)[1]) < surely_flat and not accuracy > 0.5:
        severity = _unless_learnt_before(case, level, surely_flat)
        return Claim(severity, ": nothing is learnt, or the model had nothing left to learn")
    below = f", below the {math.log(classes):.4g} of guessing" if classes > 1 else ""
    return f"{flat}{below}: the log cannot tell a converged model from one that is stuck"


def _certain(level: float) -> float:
    """The accuracy from which a flat loss may be that of a model which had learnt: more than a coin's at ln 2."""
    return 0.6 if abs(level / math.log(2) - 1) < 0.015 else 0.5


def _unless_learnt_before(case: Case, level: float, surely_flat: float) -> Severity:
    """A note where the model may have known it all before; a warning where nothing says so.

    The settings name what it began as; or the loss lies below that of a coin, so low that no even guess costs so
    little, and no evaluation confirms that it stands.
    """
    pretrained = any(case.config(name) not in UNSET for name in PRETRAINED)
    unconfirmed = level < 0.9 * math.log(2) and validation_fall(case)[1] >= surely_flat
    return "info" if pretrained or unconfirmed else "warn"


def _at_a_guess(level: float) -> bool:
    return any(abs(level / guess - 1) < 0.015 for guess in GUESSES)


def most_fall(c: Curve, errors: float = 2.0) -> float:
    """The largest fall over the run, in ln units, that a straight line through it leaves possible.

    Of n points with noise s and memory tau the line's fall has the standard error s * sqrt(12 tau / n).
    """
    slope = float(np.polyfit(np.arange(len(c)), c.u, 1)[0])
    return errors * c.noise.sd * math.sqrt(12 * c.noise.tau / len(c)) - slope * (len(c) - 1)


def validation_fall(case: Case, errors: float = 3.0) -> tuple[float, float]:
    """The smallest and the largest fall of the validation loss that its noise leaves possible, in ln units.

    From the first of at least 3 evaluations to the last third; a white noise of standard deviation s has second
    differences of sqrt(6) * s. (0, infinity) where nothing can be said.
    """
    held_out = case.validation
    u = np.empty(0) if held_out is None or unfit(case, held_out) else curve(held_out).u
    if u.size < 3:
        return 0.0, math.inf
    rough = max(5e-4, float(np.sqrt(np.mean(np.diff(u, 2) ** 2) / 6)))
    fell = float(u[0] - u[-max(1, u.size // 3) :].mean())
    return fell - errors * rough, fell + errors * rough


def improvement(c: Curve, most: int, least: int, errors: float) -> tuple[float, float, int]:
    """(largest fall in ln units below the start, its threshold in standard errors, index where the best block begins).

    Many blocks see a late fall, few blocks a slow one in much noise. Several lengths of the start are tried: a loss
    that falls within its first rows has learnt, though the mean of its first block hardly shows it. Where no fall
    reaches its threshold, the one with the smallest threshold is returned.
    """
    tried = [t for count in sorted({most, least}) if 0 < count <= len(c) for t in _falls(c, count, errors)]
    seen = [t for t in tried if t[0] >= t[1]]
    return max(seen) if seen else min(tried, key=lambda t: t[1])


def _falls(c: Curve, count: int, errors: float) -> Iterator[tuple[float, float, int]]:
    cut = blocks(c.x, c.u, count)
    best, size = int(cut.u.argmin()), int(cut.n.min())
    for length in sorted({k for k in (1, 3, 10, 30, size) if k <= size}):
        error = math.hypot(c.noise.se(length), c.noise.se(size))
        yield float(c.u[:length].sum() / length - cut.u[best]), errors * error, int(cut.start[best])


def _begins_late(c: Curve) -> bool:
    """Whether the first step, or epoch, lies so far in that the run must have been resumed.

    The first epoch of many logs is 1, and a row of an epoch's mean says the epoch at its end.
    """
    gap = median(np.diff(c.x))
    epoch = c.series.epoch
    later = epoch[0] > max(1.0, 1.5 * median(np.diff(epoch))) and epoch[-1] > epoch[0] + 0.5
    return bool(c.x[0] > max(3 * gap, 0.05 * (c.x[-1] - c.x[0])) or later)


def _accuracy(case: Case) -> float:
    """The highest recent median among accuracy-like series, as a fraction; NaN where none is logged."""
    recent = []
    for series in case.run.series:
        if ACCURACY_WORDS & set(re.split(r"[^a-z0-9]+", series.metric.lower())):
            good = series.value[np.isfinite(series.value)]
            if good.size:
                recent.append(median(good[-max(1, good.size // 4) :]) / (100 if good.max() > 1 else 1))
    return max(recent, default=math.nan)


def _finding(case: Case, c: Curve, gain: float, limit: float, best: int, count: int, claim: Claim) -> Finding:
    level = float(np.exp(median(c.u)))
    drop, needed = math.expm1(max(gain, 0.0)), max(math.expm1(limit), 0.02)
    cited = sorted({0, best, len(c) - 1})
    return Finding(
        CODE,
        NAME,
        claim.severity,
        (c.series.metric,),
        f"the loss stands at {level:.4g} from start to end: its best stretch lies {drop:.1%} below the start, "
        f"and {needed:.1%} would have shown{claim.meaning}".replace("%", " %"),
        REMEDY,
        c.step(0),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in cited),
        f"improvement {gain:.2%} < max(2 %, 4 standard errors = {limit:.2%}) over {count} independent blocks",
    )


RULE = Rule(CODE, NAME, "fail", check)
