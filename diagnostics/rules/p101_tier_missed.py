"""P101: the tier of pixel accuracy that was reached, and what the next one lacks."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import share_done
from trainvitals.diagnostics.pixels import Need, has_pixels, needs, quality_series
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Series

CODE, NAME = "P101", "tier-missed"

ADVICE = "improve what the next tier lacks"


def check(case: Case, *, judged_from: float = 0.9, judged_from_epoch: float = 10.0) -> Result:
    """A tier of pixel accuracy is missed.

    What it checks: shares of predictions within some px, mean pixel error and validation loss, against the tiers of the
    loss type (minimum, target, stretch).

    Why it matters: the loss alone does not tell the accuracy; the tiers say what the model is good for.

    What to try: what the next tier lacks: a larger input (384 -> 512) for errors that cluster at 8-10 px, augmentation
    or cleaner labels for outliers.

    How it decides: a tier is reached when every one of its demands that the log can answer is met. No tier is a
    warning, the lowest one a note that names what the next one lacks, a higher one passes. Judged from `judged_from`
    (0.9) of the planned run, or from epoch `judged_from_epoch` (10) where the plan is unknown; a log without epochs is
    judged as it stands. Source: tiers of the field note of the distance loss. The note reads a validation loss below
    0.05 as an error below 5 px; 5 px cost 0.0068, so the loss bounds alone say little, and a tier needs its pixel
    bounds too.

    Blind spots: 'within 5 px' by |dx| + |dy| is stricter than by Euclidean distance, and the log does not say which.
    """
    if not case.loss_type.tiers:
        return NotRun(CODE, f"the loss type {case.loss_type.name} has no tiers", applicable=False)
    if not has_pixels(case):
        return NotRun(CODE, "no pixel error and no share within some px is logged")
    reason = _too_early(case, judged_from, judged_from_epoch)
    if reason:
        return NotRun(CODE, reason)
    reached = ""
    for number, tier in enumerate(case.loss_type.tiers):
        missed = [need for need in needs(case, tier) if not need.met]
        if missed:
            lacks = f"the tier {tier.name} lacks " + ", ".join(_lack(need) for need in missed)
            if number >= 2:
                return Pass(CODE, f"tier {reached} reached; {lacks}")
            return _finding(case, reached, lacks)
        reached = tier.name
    return Pass(CODE, f"tier {reached} reached, the highest one")


def _lack(need: Need) -> str:
    value = f"{need.value * 100:.0f} %" if "within" in need.text else f"{need.value:.3g}"
    return f"{need.text} (now {value})"


def _too_early(case: Case, share: float, epoch: float) -> str:
    series = _pixels(case)
    assert series is not None
    done = share_done(case, series)
    if not math.isnan(done):
        return f"too early: {done:.0%} of the planned run".replace("%", " %") if done < share else ""
    known = series.epoch[np.isfinite(series.epoch)]
    return f"too early: epoch {known[-1]:g}" if known.size and known[-1] < epoch else ""


def _pixels(case: Case) -> Series | None:
    names = [f"within_{px}px" for tier in case.loss_type.tiers for px in tier.shares]
    return next((s for n in ("pixel_error_mean", *names) if (s := quality_series(case, n)) is not None), None)


def _finding(case: Case, reached: str, lacks: str) -> Finding:
    series = _pixels(case)
    assert series is not None
    last = int(np.flatnonzero(np.isfinite(series.value))[-1])
    return Finding(
        CODE,
        NAME,
        "info" if reached else "warn",
        (series.metric,),
        f"tier {reached} is reached; {lacks}" if reached else f"no tier is reached; {lacks}",
        remedy(case, "P101", ADVICE),
        float(series.step[last]),
        float(series.step[last]),
        (evidence(case, series, last),),
        f"{len(case.loss_type.tiers)} tiers, all demands of a tier must be met",
    )


RULE = Rule(CODE, NAME, "warn", check)
