"""P102: the error stands at the size of a cell of the features."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import curve, label, unfit
from trainvitals.diagnostics.evaluations import late_gain
from trainvitals.diagnostics.pixels import has_pixels, present, quality_series
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Series

CODE, NAME = "P102", "resolution-limit"

ADVICE = "use a larger input (384 -> 512) or features of a finer stage; more epochs do not help"


def check(
    case: Case,
    *,
    low: float = 8.0,
    high: float = 10.0,
    clustered: float = 0.3,
    improvement: float = 0.02,
    points_needed: int = 8,
) -> Result:
    """The validation loss stands still with errors clustered at 8 to 10 px.

    What it checks: the pixel errors late in a run whose validation loss no longer falls.

    Why it matters: errors that gather at one size are not learnt away: the features are as coarse as that, or the loss
    has a step there.

    What to try: a larger input (384 -> 512), features of a finer stage, another sampling of them. The three-stage loss
    drops at 9.6 px, where a worse prediction costs less: look at P104 too.

    How it decides: over the last half of the evaluations the validation loss fell by less than `improvement` (2 %),
    and the errors cluster between `low` (8 px) and `high` (10 px): the share within 10 px minus that within 8 px is
    `clustered` (30 %) or more, or, where these are not logged, the median error lies there, and moved by less than 5
    % in that half. At least `points_needed` (8) evaluations. Source: field note of the distance loss.

    Blind spots: a loss of 0.08 to 0.1, which the note names, says nothing by itself: a constant error of 67 to 86 px
    makes it. Other image sizes have another limit: with small inputs the errors spread over more than 8 to 10 px, and
    P101 says that no tier is reached.
    """
    if not case.loss_type.stages and not has_pixels(case):
        return NotRun(CODE, "no pixel errors are logged", applicable=False)
    held_out = case.validation
    if held_out is None or unfit(case, held_out):
        return NotRun(CODE, "no validation loss is logged")
    c = curve(held_out)
    if len(c) < points_needed:
        return NotRun(CODE, f"inconclusive: {len(c)} evaluations of {points_needed} needed")
    found = _share_between(case, low, high, clustered) or _median_between(case, low, high)
    if found is None:
        return NotRun(CODE, f"needs within_{low:g}px and within_{high:g}px, or pixel_error_median")
    series, told, clusters = found
    fell = late_gain(c.u)
    if not clusters:
        return Pass(CODE, told)
    if fell > -math.log1p(-improvement):
        return Pass(CODE, f"{told}, and the validation loss still falls")
    last, start = int(np.flatnonzero(np.isfinite(series.value))[-1]), len(c) // 2
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric, series.metric),
        f"{label(c.series)} stands at {float(c.series.value[-1]):.4g} over the last half of {len(c)} evaluations, and "
        f"{told}",
        remedy(case, "P102", ADVICE),
        c.step(start),
        c.step(-1),
        (evidence(case, c.series, start), evidence(case, c.series, len(c) - 1), evidence(case, series, last)),
        f"validation fell by {fell:.1%} over its last half".replace("%", " %"),
    )


def _share_between(case: Case, low: float, high: float, clustered: float) -> tuple[Series, str, bool] | None:
    inner, outer = (quality_series(case, f"within_{px:g}px") for px in (low, high))
    if inner is None or outer is None:
        return None
    shares = [s / 100 if s > 1.5 else s for s in (present(inner), present(outer))]
    between = shares[1] - shares[0]
    told = f"{between:.0%} of the errors lie between {low:g} and {high:g} px".replace("%", " %")
    return outer, told, between >= clustered


def _median_between(case: Case, low: float, high: float) -> tuple[Series, str, bool] | None:
    series = quality_series(case, "pixel_error_median") or quality_series(case, "pixel_error_mean")
    if series is None:
        return None
    value = series.value[np.isfinite(series.value)]
    late = value[value.size // 2 :]
    third = max(1, late.size // 3)
    level, still = median(late), abs(late[-third:].mean() / late[:third].mean() - 1) < 0.05
    name = series.metric.replace("pixel_error_", "")
    return series, f"the {name} error is {level:.3g} px", bool(low <= level <= high and still)


RULE = Rule(CODE, NAME, "warn", check)
