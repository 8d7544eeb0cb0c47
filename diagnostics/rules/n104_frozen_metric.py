"""N104: a loss or a gradient norm repeats one value while the model is said to train."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import label, learning_rate, other_aim, quantum, stretches, window
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "N104", "frozen-metric"

REMEDY = (
    "check that the loop still steps the optimiser and computes the value anew (a cached batch, a detached graph, a "
    "logger that repeats its last value), and that the weights are finite"
)


def check(
    case: Case,
    *,
    shortest: int = 8,
    quanta: float = 5.0,
    repeated: float = 0.2,
    longer: float = 3.0,
    constant_rows: int = 12,
    digits: float = 1000.0,
    evaluations: int = 4,
) -> Result:
    """A loss repeats exactly the same value row after row although it had been moving.

    What it checks: the train loss, the held-out loss and the gradient norm for `shortest` (8) or more equal values in a
    row; a held-out loss that is logged with seven digits or more for `evaluations` (4).

    Why it matters: two batches never have the same loss. The weights no longer change or are NaN under a filter, one
    batch is used again and again, or the logger writes what it last saw: what follows is no measurement.

    What to try: print the sum of the weights and a fresh loss every step; look at the line of the log where the value
    stops, and at what the trainer did there.

    How it decides: by counting. Before it freezes the series must have moved by `quanta` (5) units of the last decimal
    that the log keeps from row to row (median of 32), with at most `repeated` (20 %) of the rows alike, and the run of
    equal values must be `longer` (3) times as long as any before: a rounded or carried-forward value repeats anyway. A
    held-out loss needs to have moved once only, with fewer digits by 100 units of the last one: it changes as long as
    the weights do. A train loss that is constant from its first row is judged from `constant_rows` (12) rows on and if
    its value has `digits` (1000) units of its last decimal. The learning rate must not be 0. Zeros are N102's; a
    gradient norm at its maximum is clipped. Accuracies, learning rates and memory may stand still and are not looked
    at. Source: definition of this tool.

    Blind spots: freezing in fewer than 8 rows or 4 evaluations, or to a value that still trembles in its last digit;
    losses rounded to so few digits that they stand still when they converge.
    """
    reason = other_aim(case)
    if reason:
        return NotRun(CODE, reason)
    judged = [s for s in (case.loss, case.validation, case.get("grad_norm")) if s is not None and len(s) >= evaluations]
    if not judged:
        return NotRun(CODE, f"inconclusive: no loss and no gradient norm has {evaluations} values")
    for series in judged:
        run = _frozen(series, shortest, quanta, repeated, longer) or _same_evaluations(
            series, evaluations, shortest, longer
        )
        if run is None and series is case.loss:
            run = _constant(series, constant_rows, digits)
        if run is not None and _learning(case, series, *run):
            return _finding(case, series, *run)
    return Pass(CODE, f"{' and '.join(map(label, judged))} keep moving")


def _frozen(series: Series, shortest: int, quanta: float, repeated: float, longer: float) -> tuple[int, int] | None:
    """First and last index of a run of equal values in a series that had been moving."""
    values = series.value
    runs = [(a, b + 1) for a, b in stretches(np.diff(values) == 0)]
    longest = 1
    for a, b in runs:
        length = b - a + 1
        if (
            length >= max(shortest, longer * longest)
            and values[a] != 0
            and _moved(values[:a], values, values[a], quanta, repeated)
        ):
            clipped = series.metric == "grad_norm" and values[a] >= np.nanmax(values)
            if not clipped:
                return a, b
        longest = max(longest, length)
    return None


def _same_evaluations(series: Series, least: int, most: int, longer: float) -> tuple[int, int] | None:
    """First and last index of equal values at the end of a held-out loss that had moved before.

    `least` of them are enough where there are seven digits, `most` where the last move was of 100 units of the last.
    """
    values = series.value
    if series.split not in HELD_OUT or values.size < least or not np.isfinite(values).all() or values[-1] == 0:
        return None
    last = int(np.flatnonzero(np.diff(values, prepend=np.nan) != 0)[-1])
    unit, moved = quantum(values), abs(values[last] - values[last - 1])
    needed = least if unit < 1e-6 * abs(values[last]) else most if moved >= 100 * unit else math.inf
    before = max((b - a + 2 for a, b in stretches(np.diff(values[:last]) == 0)), default=1)
    return (last, values.size - 1) if last >= 2 and values.size - last >= max(needed, longer * before) else None


def _moved(before: Floats, values: Floats, frozen: float, quanta: float, repeated: float) -> bool:
    recent = before[np.isfinite(before)][-33:]
    if recent.size < 6:
        return False
    moves = np.abs(np.diff(recent))
    unit = quantum(values[np.isfinite(values)])
    # The last moves count as well: a curve may come to rest in small steps.
    return bool(
        median(moves) > quanta * unit
        and median(moves[-8:]) > quanta / 3 * unit
        and np.mean(moves == 0) <= repeated
        and median(moves) > 0
        and abs(frozen) > 50 * unit
    )


def _constant(series: Series, rows: int, digits: float) -> tuple[int, int] | None:
    values = series.value
    if values.size < rows or not np.isfinite(values).all() or np.ptp(values) != 0 or values[0] == 0:
        return None
    unit = quantum(values)
    return (0, values.size - 1) if abs(values[0]) >= digits * unit else None


def _learning(case: Case, series: Series, a: int, b: int) -> bool:
    rate = learning_rate(case, series.step)
    return rate is None or bool(median(rate[a : b + 1]) > 1e-3 * rate.max() > 0)


def _finding(case: Case, series: Series, a: int, b: int) -> Finding:
    steps = (float(series.step[a]), float(series.step[b]))
    end = "to the end of the log" if b == len(series) - 1 else "and then moves again"
    return Finding(
        CODE,
        NAME,
        "fail",
        (series.metric,),
        f"{label(series)} is exactly {series.value[a]:.6g} in {b - a + 1} rows in a row{window(*steps)}, {end}",
        REMEDY,
        *steps,
        tuple(evidence(case, series, i) for i in sorted({max(0, a - 1), a, b})),
        f"{b - a + 1} equal values; the longest run before it was shorter by a factor of 3 or more",
    )


RULE = Rule(CODE, NAME, "fail", check)
