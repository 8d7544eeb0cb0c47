"""N102: signs of a NaN that the trainer did not log as one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import (
    hidden_zeros,
    label,
    learning_rate,
    other_aim,
    rounded,
    scaler_at_work,
    stretches,
    window,
)
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median, noise
from trainvitals.parsers.model import Bools, Floats, Series

CODE, NAME = "N102", "hidden-nan"

REMEDY = (
    "set logging_nan_inf_filter=False (Hugging Face) and run a few steps; check that not every label is -100, "
    "and that the loss is finite in bf16 or fp32"
)


def check(case: Case, *, shortest: int = 3, quanta: float = 10.0) -> Result:
    """A NaN is hidden: the loss is exactly 0, the gradient NaN or 0, or the loss field is missing.

    What it checks: a train or validation loss of exactly 0 for `shortest` (3) or more rows in a row; a gradient norm
    that is NaN or exactly 0 for as long, while the loss is finite and the learning rate positive; rows that have a
    gradient norm or a learning rate but, unlike the rows before, no loss.

    Why it matters: Hugging Face's Trainer replaces a NaN loss before logging it (`logging_nan_inf_filter` is on by
    default), and Megatron-LM leaves the field out while its count of NaN iterations stays 0. The log looks clean and
    the weights are lost. A loss of 0 is also what a batch gives in which every label is masked.

    What to try: turn the filter off and repeat a few steps; print the number of labels that are not -100 per batch;
    train in bf16 or fp32; then treat it as N101.

    How it decides: by counting, without statistics. A zero is excused where the values before it had come down to
    `quanta` (10) units of the last decimal that the log keeps: then it is a small number that was rounded. A gradient
    of 0 is excused for the same reason, where the loss is below a thousandth of its start, where the loss goes on
    falling (then the norm is not computed), and where a loss scaler skips steps and the norm comes back. Source:
    `transformers/trainer.py` (`logging_nan_inf_filter`), and the Megatron-LM log format.

    Blind spots: hinge and triplet losses can be exactly 0 when all margins hold. Policy-gradient, preference and
    adversarial training are not judged.
    """
    loss = case.loss
    if loss is None or not len(loss):
        return NotRun(CODE, "no training loss is logged")
    reason = other_aim(case)
    if reason:
        return NotRun(CODE, reason)
    both = [s for s in (loss, case.validation) if s is not None]
    found = [f for s in both if (f := _zero_loss(case, s, shortest, quanta))]
    found += [f for f in (_dead_gradient(case, loss, shortest, quanta), _missing(case, loss, shortest)) if f]
    return tuple(found) or Pass(CODE, "loss and gradient norm are neither 0 nor missing")


def _zero_loss(case: Case, series: Series, shortest: int, quanta: float) -> Finding | None:
    runs = hidden_zeros(series.value, shortest, quanta)
    if not runs:
        return None
    start, end = runs[0][0], runs[-1][1]
    count = sum(b - a + 1 for a, b in runs)
    before = f" after {series.value[start - 1]:.6g}" if start else " from the first row on"
    return _finding(
        case,
        series,
        start,
        end,
        f"{label(series)} is exactly 0 for {count} rows{before}{_steps(series, start, end)}: "
        f"a NaN was filtered, or every label is masked",
        f"{count} zeros in {len(runs)} stretches of {shortest} or more rows",
    )


def _dead_gradient(case: Case, loss: Series, shortest: int, quanta: float) -> Finding | None:
    norm = case.get("grad_norm")
    if norm is None or not len(norm):
        return None
    silent = np.isnan(norm.value) | (norm.value == 0)
    if silent.sum() < shortest:
        return None
    at = _loss_at(loss, norm.step)
    rate = learning_rate(case, norm.step)
    learning = np.ones(len(norm), bool) if rate is None else rate > 0
    dead = silent & np.isfinite(at) & (at != 0) & learning
    runs = [(a, b) for a, b in stretches(dead) if b - a + 1 >= shortest]
    excused = _excused(norm.value, at, runs, quanta, scaled=scaler_at_work(case))
    runs = [run for run, known in zip(runs, excused, strict=True) if not known]
    if not runs:
        return None
    start, end = runs[0][0], runs[-1][1]
    count = sum(b - a + 1 for a, b in runs)
    kind = "NaN" if np.isnan(norm.value[start]) else "exactly 0"
    return _finding(
        case,
        norm,
        start,
        end,
        f"{norm.logged_as} is {kind} for {count} rows{_steps(norm, start, end)} while the loss reads "
        f"{at[start]:.6g} and the learning rate is not 0: nothing is learnt there",
        f"{count} rows in {len(runs)} stretches of {shortest} or more",
    )


def _loss_at(loss: Series, steps: Floats) -> Floats:
    """The loss logged at these steps, NaN where none is."""
    order = np.argsort(loss.step, kind="stable")
    known = loss.step[order]
    at = np.searchsorted(known, steps, side="right") - 1
    hit = (at >= 0) & (known[np.clip(at, 0, None)] == steps)
    return np.where(hit, loss.value[order][np.clip(at, 0, None)], np.nan)


def _excused(norm: Floats, loss: Floats, runs: list[tuple[int, int]], quanta: float, *, scaled: bool) -> Iterator[bool]:
    """For each stretch without a gradient, whether something harmless explains it; `scaled`: a loss scaler is used."""
    follow = np.cumsum(np.isfinite(norm)[::-1])[::-1]
    small = rounded(norm, [a for a, _ in runs], quanta)
    first = next(iter(loss[np.isfinite(loss)].tolist()), 0.0)
    for (a, b), tiny in zip(runs, small, strict=True):
        here = loss[a : b + 1]
        skipped = scaled and b + 1 < norm.size and follow[b + 1] >= b - a + 1
        zero = not np.isnan(norm[a])
        yield skipped or (zero and (tiny or abs(median(here)) < 1e-3 * abs(first) or _falls(here)))


def _falls(values: Floats) -> bool:
    third = max(1, values.size // 3)
    fall = median(values[:third]) - median(values[-third:])
    return bool(values.size >= 6 and fall > max(0.05 * abs(median(values[:third])), 3 * noise(values)))


def _missing(case: Case, loss: Series, shortest: int) -> Finding | None:
    """Rows of a companion series without a loss, in a log that otherwise has one in every row."""
    scaled = scaler_at_work(case)
    for name in ("grad_norm", "learning_rate"):
        companion = case.get(name)
        if companion is None or not np.isfinite(companion.step).all() or np.array_equal(companion.step, loss.step):
            continue
        there = np.isin(companion.step, loss.step)
        gone = _vanished(there, companion.value if name == "grad_norm" else None, shortest, scaled)
        if gone is not None:
            return _missing_finding(case, companion, gone)
    return None


def _vanished(there: Bools, norm: Floats | None, shortest: int, scaled: bool) -> Bools | None:
    """Which rows lack their loss, or None where losses are simply logged less often."""
    runs = stretches(~there)
    present = int(there.sum())
    if not runs or present < shortest or len(runs) > max(1, present // 20):
        return None
    sick = np.zeros(there.size, bool) if norm is None else ~np.isfinite(norm) | (norm == 0)
    unskipped = [r for r in runs if not scaled or r[1] + 1 == there.size]
    kept = [(a, b) for a, b in unskipped if (a > 0 and b - a + 1 >= shortest) or sick[a : b + 1].any()]
    gone = np.zeros(there.size, bool)
    for a, b in kept:
        gone[a : b + 1] = True
    return gone if kept else None


def _missing_finding(case: Case, companion: Series, gone: Bools) -> Finding:
    start, end = int(gone.argmax()), int(gone.size - 1 - gone[::-1].argmax())
    return _finding(
        case,
        companion,
        start,
        end,
        f"{int(gone.sum())} of {gone.size} rows with a {companion.logged_as} have no loss"
        f"{_steps(companion, start, end)}, the others have one: the trainer leaves a NaN out",
        f"rows of {companion.logged_as} whose step has no loss, in {len(stretches(gone))} stretches",
    )


def _finding(case: Case, series: Series, start: int, end: int, message: str, how: str) -> Finding:
    wanted = sorted({max(0, start - 1), start, end})
    cited = tuple(evidence(case, series, i) for i in wanted)
    steps = (float(series.step[start]), float(series.step[end]))
    return Finding(CODE, NAME, "fail", (series.metric,), message, REMEDY, *steps, cited, how)


def _steps(series: Series, start: int, end: int) -> str:
    return window(float(series.step[start]), float(series.step[end]))


RULE = Rule(CODE, NAME, "fail", check)
