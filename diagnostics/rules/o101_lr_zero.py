"""O101: the learning rate is 0 where nothing is warming up and nothing has decayed."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import curve, quantum, sound, stretches, unfit
from trainvitals.diagnostics.optimiser import Rates, rates
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence

CODE, NAME = "O101", "lr-zero"

REMEDY = (
    "check the total number of steps that the scheduler was given against the steps of the run (epochs, accumulation "
    "and world size counted once), and that the optimiser's own rate is not 0"
)


def check(
    case: Case, *, points_needed: int = 5, start_share: float = 0.05, end_share: float = 0.05, most_rows: int = 2
) -> Result:
    """The learning rate is 0 while training goes on.

    What it checks: stretches in which the learning rate, of several parameter groups the largest, is exactly 0.

    Why it matters: nothing is learnt there, and every step costs as much as any other. Usually the scheduler was given
    too few steps and had decayed to 0 long before the end.

    What to try: compare the scheduler's number of steps with that of the run: it counts optimiser steps, not batches;
    look at the rate in the optimiser's settings.

    How it decides: by counting, without statistics. Zeros are expected in the first rows (warm-up, `start_share` 5 %
    of the points), in the last ones after a decay (`end_share` 5 %, any number where the rate had come down to the
    last decimal that is printed), and for up to `most_rows` (2) rows anywhere, as between the cycles of warm
    restarts. Any other stretch fails. Where the log could have rounded a small rate to 0 (all rows are 0, or the rate
    before had come down to the last decimals) it fails only while the training loss does not fall. At least
    `points_needed` (5) points. Source: definition of this tool; PyTorch's LambdaLR and transformers' schedules clamp
    at 0 once their steps are used up.

    Blind spots: a rate that is tiny but not 0; optimisers that set their own rate and log 0 (Adafactor with relative
    steps) are told by their falling loss only.
    """
    rate = rates(case)
    if rate is None:
        return NotRun(CODE, "no learning rate is logged", applicable=False)
    if len(rate) < points_needed:
        return NotRun(CODE, f"inconclusive: {len(rate)} learning rates of {points_needed} needed")
    found = _unexpected(rate, start_share, end_share, most_rows)
    if not found:
        return Pass(CODE, f"{len(rate)} learning rates, none 0 where it should not be")
    start, end = found[0][0], found[-1][1]
    if _may_be_rounded(rate, start):
        fallen = _loss_falls(case, float(rate.x[start]), float(rate.x[end]))
        if fallen is None:
            return NotRun(CODE, "inconclusive: the rate reads 0, which may be rounding, and no loss can tell")
        if fallen:
            return NotRun(CODE, "inconclusive: the rate reads 0 but the loss falls: a small rate was rounded")
    return _finding(case, rate, found)


def _unexpected(rate: Rates, start_share: float, end_share: float, most_rows: int) -> list[tuple[int, int]]:
    zero, n = rate.value == 0, len(rate)
    runs = stretches(zero)
    if zero.all():
        return runs
    peak = float(rate.value.max())
    kept = []
    for a, b in runs:
        allowed = float(most_rows)
        if a == 0:
            allowed = max(allowed, start_share * n)
        elif b == n - 1 and rate.value[a - 1] < 0.6 * peak:
            allowed = float(n) if _decayed_to_the_last_digit(rate, a) else max(allowed, end_share * n)
        if b - a + 1 > allowed:
            kept.append((a, b))
    return kept


def _decayed_to_the_last_digit(rate: Rates, start: int) -> bool:
    """Whether the rate had come down to the last decimal that the log keeps, so that 0 may be a smaller one."""
    before = rate.value[:start]
    return bool(before[-1] <= 2 * quantum(before) and before[-1] < 0.3 * before.max())


def _may_be_rounded(rate: Rates, start: int) -> bool:
    before = rate.value[:start][rate.value[:start] > 0]
    if not before.size:
        return True
    return bool(before[-1] <= 10 * quantum(before))


def _loss_falls(case: Case, start: float, end: float) -> bool | None:
    """Whether the training loss falls over a window of steps; None where it cannot tell."""
    if case.loss is None or unfit(case, case.loss):
        return None
    c = curve(sound(case.loss))
    u = c.u[(c.x >= start) & (c.x <= end)]
    if u.size < 4:
        return None
    third = u.size // 3
    fell = float(u[:third].mean() - u[-third:].mean())
    error = c.scatter(2.0) * math.sqrt(2 * min(1.0, c.memory / third))
    return fell > max(0.05, 6 * error)


def _finding(case: Case, rate: Rates, found: list[tuple[int, int]]) -> Finding:
    start, end = found[0][0], found[-1][1]
    count = sum(b - a + 1 for a, b in found)
    share = f"{count / len(rate):.0%}".replace("%", " %")
    if start == 0 and end == len(rate) - 1:
        where = "throughout"
    elif start == 0:
        where = f"until step {float(rate.series.step[end]):.9g}"
    elif end == len(rate) - 1:
        where = f"from step {float(rate.series.step[start]):.9g} to the end"
    else:
        where = f"between steps {float(rate.series.step[start]):.9g} and {float(rate.series.step[end]):.9g}"
    before = f", after {rate.value[start - 1]:.3g}" if start else ""
    return Finding(
        CODE,
        NAME,
        "fail",
        (rate.series.metric,),
        f"{rate.series.logged_as} is 0 {where} ({count} rows, {share} of the log){before}: nothing is learnt there",
        REMEDY,
        float(rate.series.step[start]),
        float(rate.series.step[end]),
        tuple(evidence(case, rate.series, i) for i in sorted({max(start - 1, 0), start, end})),
        f"{count} rows in {len(found)} stretches; highest rate {float(np.max(rate.value)):.3g}",
    )


RULE = Rule(CODE, NAME, "fail", check)
