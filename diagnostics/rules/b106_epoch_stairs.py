"""B106: the train loss steps down where an epoch begins."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import curve, epoch_starts, percent, sound, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import MAD_TO_SD, median, row_medians
from trainvitals.parsers.model import Floats, Ints

CODE, NAME = "B106", "epoch-stairs"

REMEDY = (
    "compare with the validation loss: if it does not step down as well, the model repeats what it has seen; use fewer "
    "epochs, more data, or judge training by the validation loss only"
)


def check(case: Case, *, boundaries: int = 2, rows: int = 12, z: float = 5.0, smallest: float = 0.01) -> Result:
    """The train loss steps down at the beginning of every epoch: the model has seen these examples before.

    What it checks: the level of the train loss before and after each end of an epoch, against places inside epochs.

    Why it matters: it is usual in fine-tuning and no fault, but the train loss of a later epoch is that of memorised
    examples and says nothing about new ones.

    What to try: read the validation loss instead; fewer epochs, more data or dropout if it does not follow.

    How it decides: the median over `boundaries` (2) or more ends of epochs of (median before - median after), each over
    an eighth of an epoch, against the same at 20 placebo offsets inside the epochs: more than `z` (5) robust standard
    deviations of those and `smallest` (1 %). At least `rows` (12) rows an epoch. Source: definition of this tool, a
    permutation test with fixed offsets.

    Blind spots: logs without epochs; a data order that is sorted by difficulty makes steps of its own.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(case.loss))
    ends = epoch_starts(c)
    if ends is None:
        return NotRun(CODE, "the log does not say where epochs end")
    if ends.size < boundaries:
        return NotRun(CODE, f"inconclusive: {ends.size} ends of epochs, {boundaries} are needed")
    length = int(median(np.diff(ends))) if ends.size > 1 else int(ends[0])
    if length < rows:
        return NotRun(CODE, f"inconclusive: {length} rows an epoch, {rows} are needed")
    width = int(np.clip(length // 8, 3, 100))
    drop = _drop(c.u, ends, width)
    offsets = np.linspace(width + 1, length - width - 1, 20).astype(np.int64)
    placebo = np.array([_drop(c.u, ends - offset, width) for offset in offsets])
    placebo = placebo[np.isfinite(placebo)]
    spread = max(1e-3, MAD_TO_SD * median(np.abs(placebo - median(placebo))) if placebo.size else np.inf)
    score = (drop - median(placebo)) / spread if placebo.size >= 5 else 0.0
    if not (score > z and drop > smallest):
        return Pass(CODE, f"no step at the ends of {ends.size} epochs")
    return Finding(
        CODE,
        NAME,
        "info",
        (c.series.metric,),
        f"the train loss steps by {percent(-drop)} where an epoch begins ({ends.size} times): repeated examples are "
        "remembered",
        REMEDY,
        c.step(int(ends[0])),
        c.step(int(ends[-1])),
        tuple(evidence(case, c.series, int(i)) for e in ends[:2].tolist() for i in (e - 1, e)),
        f"z = {score:.0f} against {placebo.size} offsets inside the epochs, {z:g} needed",
    )


def _drop(u: Floats, ends: Ints, width: int) -> float:
    inside = ends[(ends >= width) & (ends <= u.size - width)]
    if not inside.size:
        return float("nan")
    before, after = (row_medians(u[inside[:, None] + shift]) for shift in (np.arange(-width, 0), np.arange(width)))
    return median(before - after)


RULE = Rule(CODE, NAME, "info", check)
