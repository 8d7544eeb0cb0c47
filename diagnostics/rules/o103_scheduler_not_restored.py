"""O103: after a resume the learning rate begins its schedule anew."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.normalisation.repeats import once
from trainvitals.diagnostics.optimiser import Rates, cycles, rates, regular, second_warm_ups
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Series

CODE, NAME = "O103", "scheduler-not-restored"

REMEDY = (
    "save and load the scheduler's state with the model's and the optimiser's (or set its last step by hand), and "
    "resume again from the checkpoint"
)


def check(
    case: Case, *, points_needed: int = 8, same: float = 0.02, other: float = 0.2, rows_compared: int = 5
) -> Result:
    """The learning rate is back at the start of its schedule in the middle of the run.

    What it checks: falls of the learning rate that are followed by a second warm-up, and, where the log shows a resume,
    whether the rates after it are those of the first rows.

    Why it matters: the model is driven through a second warm-up and a second peak, and the end of the schedule, where
    most of the loss is gained, lies beyond the end of the run.

    What to try: load the scheduler's state with that of the optimiser, and resume again from the same checkpoint.

    How it decides: a second warm-up is a fall at once to less than a third, from a rate of at least 15 % of its peak,
    followed by a climb over 3 or more points to half of the peak, or by the rates with which the log began. Several
    of them, or three peaks, with a regular period are a schedule and no fault. At a resume (the step goes back, or
    another file begins) the `rows_compared` (5) first rates must be those of the log's start within `same` (2 %), and
    differ by more than `other` (20 %) from what the first attempt had at that step. At least `points_needed` (8)
    points. Source: definition of this tool.

    Blind spots: a resume with a constant rate. A second warm-up that was wanted, as for training on new data, looks the
    same when it comes once. A warm-up shorter than 3 logged points.
    """
    rate = rates(case)
    if rate is None:
        return NotRun(CODE, "no learning rate is logged", applicable=False)
    if len(rate) < points_needed:
        return NotRun(CODE, f"inconclusive: {len(rate)} learning rates of {points_needed} needed")
    again = second_warm_ups(rate)
    if again.size and not regular(rate.x, again, rate.gap, float(rate.x[0])) and not cycles(rate):
        return _second_warm_up(case, rate, int(again[0]))
    raw = once(case.raw).get(rate.series.metric, rate.series.split)
    resumed = _began_anew(raw, same, other, rows_compared) if raw is not None else None
    if raw is not None and resumed is not None:
        return _anew(case, raw, *resumed)
    return Pass(CODE, f"{again.size} warm-ups with a regular period" if again.size else "the schedule goes on")


def _began_anew(raw: Series, same: float, other: float, rows: int) -> tuple[int, float] | None:
    """The first row of a resume whose rates are those of the log's start, and the rate that was due there."""
    value, step = raw.value, raw.step
    good = np.isfinite(value) & np.isfinite(step) & (value >= 0)
    source = raw.source
    if not good.all():
        value, step, source = value[good], step[good], source[good]
    for b in (np.flatnonzero((step[1:] < step[:-1]) | (source[1:] != source[:-1])) + 1).tolist():
        n = min(rows, value.size - b)
        if step[b] <= step[:b].min() or n < 3:
            continue
        due = float(value[int(np.abs(step[:b] - step[b]).argmin())])
        floor = 1e-3 * float(value[:b].max())
        alike = np.abs(value[b : b + n] - value[:n]) <= same * np.maximum(value[:n], floor)
        if alike.all() and abs(float(value[b]) - due) > other * max(due, floor):
            return int(np.flatnonzero(good)[b]), due
    return None


def _second_warm_up(case: Case, rate: Rates, i: int) -> Finding:
    s = rate.series
    message = (
        f"{s.logged_as} falls from {rate.value[i - 1]:.3g} to {rate.value[i]:.3g} at step {float(s.step[i]):.9g} and "
        "warms up again, as after a resume whose scheduler was not restored"
    )
    return _finding(case, s, (i - 1, i), message, f"a fall at once and a climb of 3 or more points, {len(rate)} points")


def _anew(case: Case, raw: Series, b: int, due: float) -> Finding:
    message = (
        f"{raw.logged_as} is {raw.value[b]:.3g} after the resume at step {float(raw.step[b]):.9g}, as in the first "
        f"rows of the log; {due:.3g} was due there: the scheduler was not restored"
    )
    return _finding(case, raw, (b - 1, b), message, "the rates after the resume repeat those of the log's start")


def _finding(case: Case, s: Series, cited: tuple[int, int], message: str, how: str) -> Finding:
    ends = sorted(float(s.step[i]) for i in (cited[1], len(s) - 1))
    told = tuple(evidence(case, s, i) for i in cited)
    return Finding(CODE, NAME, "warn", (s.metric,), message, REMEDY, ends[0], ends[1], told, how)


RULE = Rule(CODE, NAME, "warn", check)
