"""Training losses that were logged times (or divided by) the gradient accumulation: found, and undone where proven."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from trainvitals.diagnostics.normalisation.grad_accum import settings as reading
from trainvitals.diagnostics.normalisation.grad_accum import words
from trainvitals.diagnostics.normalisation.grad_accum.decide import decide
from trainvitals.diagnostics.normalisation.grad_accum.pairs import compare
from trainvitals.diagnostics.normalisation.grad_accum.verdict import Verdict
from trainvitals.diagnostics.normalisation.grad_accum.witnesses import gather
from trainvitals.diagnostics.report import Correction
from trainvitals.parsers.model import Run, Series

__all__ = ["KIND", "SUSPECTED", "UNDETERMINED", "Verdict", "correct", "judge"]

KIND = "grad_accum"

UNDETERMINED, SUSPECTED = "undetermined: ", "suspected: "
"""Beginnings of the evidence of a correction that was not applied; without one, the factor was found, but the
accumulation was only computed, or the loss is one of preferences."""


def correct(run: Run) -> tuple[Run, tuple[Correction, ...]]:
    """Divide the train loss by a proven factor.

    Takes a run with canonical names, sorted by step and without duplicates. Returns the run with `loss` of the train
    split divided (the run itself where nothing is proven), and what was done or why not; nothing where the loss needs
    none. Doing it twice changes nothing more.
    """
    verdict = judge(run)
    if verdict.kind in ("unscaled", "silent"):
        return run, ()
    prefix = {"undetermined": UNDETERMINED, "suspected": SUSPECTED}.get(verdict.kind, "")
    made = Correction(KIND, "loss", verdict.factor, verdict.confidence, prefix + verdict.reason, verdict.applied)
    return (_divide(run, verdict.factor) if verdict.applied else run), (made,)


# S101 asks for it again where nothing was changed; a run is equal to itself alone.
@lru_cache(maxsize=2)
def judge(run: Run) -> Verdict:
    """What can be said about the scale of the train loss of a run with canonical names."""
    loss = run.get("loss")
    settings = reading.read(run)
    nothing = _nothing_to_judge(run, loss, settings)
    if loss is None or nothing:
        return Verdict("silent", nothing)
    held_out = run.get("loss", "eval")
    finite = loss.value[np.isfinite(loss.value)]
    with np.errstate(all="ignore"):
        comparison = compare(loss, held_out) if held_out is not None else None
        verdict = decide(settings, comparison, gather(run, settings), finite)
    return _as_preference(verdict) if any(s.metric.startswith("rewards/") for s in run.series) else verdict


def _nothing_to_judge(run: Run, loss: Series | None, settings: reading.Settings) -> str:
    if loss is None or not np.isfinite(loss.value).any():
        return "there is no training loss"
    held_out = run.get("loss", "eval")
    if (loss.value <= 0).any() or (held_out is not None and (held_out.value <= 0).any()):
        return "a loss that reaches zero or below has no scale"
    alone = settings.processes in (None, 1)
    if (settings.accumulation == 1 and alone) or (settings.accumulation is None and settings.together == 1):
        return f"gradient accumulation is 1 ({settings.where})"
    return ""


def _as_preference(verdict: Verdict) -> Verdict:
    """Preference losses fall towards zero by design: a factor is named where it is proven, and never divided away."""
    if verdict.kind == "unscaled":
        return verdict
    if verdict.kind == "scaled" and verdict.factor > 1:
        return replace(verdict, applied=False, reason=words.join(verdict.reason, "left as logged, a preference loss"))
    return Verdict("silent", "a preference loss has no scale to compare")


def _divide(run: Run, factor: float) -> Run:
    return replace(run, series=tuple(_divided(s, factor) for s in run.series))


def _divided(series: Series, factor: float) -> Series:
    if (series.metric, series.split) != ("loss", "train"):
        return series
    value = series.value / factor
    value.setflags(write=False)
    return replace(series, value=value)
