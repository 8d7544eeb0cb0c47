"""A step for every point: as logged, from the epoch, or from the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from trainvitals.diagnostics.statistics import finite, median
from trainvitals.parsers.model import Floats, Ints, Series

Unit = Literal["step", "epoch", "row"]
COARSEST_FIRST: tuple[Unit, ...] = ("row", "epoch", "step")

FEW = 3
"""Values of one metric at one step that may be chance or a repeated write; more of them need another axis."""


MAX_STEP = 2.0**53
"""Beyond it a double no longer counts by one, and no training gets there: such a step is a damaged number."""


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one source that lack a step: their lines in file order, and their epochs."""

    line: Ints
    epoch: Floats


@dataclass(frozen=True, slots=True)
class Known:
    """The rows of one source that have a step: their lines in file order, and their steps."""

    line: Ints
    step: Floats


def with_epochs(series: Sequence[Series]) -> tuple[Series, ...]:
    """Use a series that is named `epoch` (event files log it as a scalar) as the epoch of the others, and drop it."""
    tables = {int(s.source[0]): s for s in series if s.metric == "epoch" and len(s)}
    return tuple(_epochs_from(s, tables.get(int(s.source[0]))) for s in series if len(s) and s.metric != "epoch")


def _epochs_from(series: Series, table: Series | None) -> Series:
    if table is None or not np.isnan(series.epoch).all():
        return series
    step, value = table.step, table.value
    if (step[1:] < step[:-1]).any():
        order = np.argsort(step, kind="stable")
        step, value = step[order], value[order]
    elif np.array_equal(step, series.step) and (step[1:] > step[:-1]).all():
        return replace(series, epoch=value)
    at = np.searchsorted(step, series.step).clip(0, step.size - 1)
    return replace(series, epoch=np.where(step[at] == series.step, value[at], np.nan))


def fill(series: Sequence[Series]) -> tuple[tuple[Series, ...], Unit]:
    """All series with steps, and what the coarsest of them counts.

    A row without a step gets `epoch * steps per epoch` where other rows tell the rate; else the step of the row before
    it where most rows of its file have one; else its epoch, else its number among the rows of its file. Epochs that are
    rounded so far that rows coincide are not used. A negative step, one beyond `MAX_STEP`, and a step that stays the
    same in a whole file say nothing.
    """
    series = tuple(map(_between, _without_senseless(series)))
    if all(np.isfinite(s.step).all() for s in series):
        return tuple(s for s in series if len(s)), "step"
    rate = steps_per_epoch(series)
    filled: list[Series] = []
    units: set[Unit] = {"step"}
    for source in dict.fromkeys(int(s.source[0]) for s in series if len(s)):
        own = [s for s in series if len(s) and int(s.source[0]) == source]
        rows = _rows_without_step(own)
        if not rows.line.size:
            filled += own
            continue
        step, unit = _steps_of(rows, _rows_with_step(own), rate, own)
        if unit != "step":
            # Steps and row numbers on one axis would put points in an order in which they never were.
            own = [_without_steps(s) if not np.isfinite(s.step).all() else s for s in own]
            rows = _rows_without_step(own)
            step, unit = _steps_of(rows, _rows_with_step(()), rate, own)
        units.add(unit)
        filled += [_with_steps(s, rows, step) for s in own]
    return tuple(filled), next(unit for unit in COARSEST_FIRST if unit in units)


def steps_per_epoch(series: Sequence[Series]) -> float:
    """Median of step / epoch over all points that have both; NaN where none has."""
    ratios = [s.step[k] / s.epoch[k] for s in series if (k := np.isfinite(s.step) & (s.epoch > 0.05)).any()]
    return median(np.concatenate(ratios)) if ratios else float("nan")


def _without_senseless(series: Sequence[Series]) -> tuple[Series, ...]:
    """The series with NaN for steps that cannot be any; what is fine stays the same object."""
    constant = _sources_of_one_step(series)
    cleaned: dict[int, Floats] = {}
    for one in series:
        if id(one.step) not in cleaned:
            with np.errstate(invalid="ignore"):
                bad = (one.step < 0) | (one.step > MAX_STEP)
            if len(one) and int(one.source[0]) in constant:
                bad = np.ones(len(one), np.bool_)
            cleaned[id(one.step)] = np.where(bad, np.nan, one.step) if bad.any() else one.step
    return tuple(s if (step := cleaned[id(s.step)]) is s.step else replace(s, step=step) for s in series)


def _between(series: Series) -> Series:
    """A few points without step or epoch get steps between those of their neighbours, so that they overwrite none."""
    known = np.isfinite(series.step)
    missing = ~known
    if not missing.any() or 2 * missing.sum() > len(series) or np.isfinite(series.epoch[missing]).any():
        return series
    line, step = series.line[known].astype(np.float64), series.step[known]
    filled = series.step.copy()
    filled[missing] = np.interp(series.line[missing], line, step)
    after = missing & (series.line > line[-1])
    pace = (step[-1] - step[0]) / (line[-1] - line[0]) if line[-1] > line[0] and step[-1] > step[0] else 1.0
    filled[after] = step[-1] + (series.line[after] - line[-1]) * pace
    return replace(series, step=filled)


def _sources_of_one_step(series: Sequence[Series]) -> set[int]:
    """Sources whose rows all carry one step, although a metric has several: a writer that was never told the step."""
    found: dict[int, tuple[float, float, int]] = {}
    for one in (s for s in series if len(s)):
        low, high, most = found.get(int(one.source[0]), (np.inf, -np.inf, 0))
        known = finite(one.step)
        low, high = min(low, known.min(initial=np.inf)), max(high, known.max(initial=-np.inf))
        found[int(one.source[0])] = (low, high, max(most, len(one)))
    return {source for source, (low, high, most) in found.items() if low == high and most >= FEW}


def _without_steps(series: Series) -> Series:
    return replace(series, step=np.full(len(series), np.nan))


def _rows_with_step(own: Sequence[Series]) -> Known:
    present = [(s.line[k], s.step[k]) for s in own if (k := np.isfinite(s.step)).any()]
    if not present:
        return Known(np.empty(0, np.int64), np.empty(0))
    line, first = np.unique(np.concatenate([p[0] for p in present]), return_index=True)
    return Known(line, np.concatenate([p[1] for p in present])[first])


def _rows_without_step(own: Sequence[Series]) -> Rows:
    missing = [(s.line[k], s.epoch[k]) for s in own if (k := ~np.isfinite(s.step)).any()]
    if not missing:
        return Rows(np.empty(0, np.int64), np.empty(0))
    line, first = np.unique(np.concatenate([m[0] for m in missing]), return_index=True)
    return Rows(line, np.concatenate([m[1] for m in missing])[first])


def _steps_of(rows: Rows, known: Known, rate: float, own: Sequence[Series]) -> tuple[Floats, Unit]:
    by_epoch = np.isfinite(rows.epoch).all() and not any(_coincide(s) for s in own)
    if by_epoch and rate == rate:
        return np.round(rows.epoch * rate), "step"
    if known.line.size >= rows.line.size:
        # Numbers among a few rows would be taken for a restart at the first step, and all before it for overwritten.
        return known.step[(np.searchsorted(known.line, rows.line) - 1).clip(0)], "step"
    if by_epoch:
        return rows.epoch, "epoch"
    return np.arange(1, rows.line.size + 1, dtype=np.float64), "row"


def _coincide(series: Series) -> bool:
    """Whether points that follow each other carry the same epoch, so that the epoch cannot place them."""
    epoch = series.epoch[~np.isfinite(series.step)]
    return bool((np.diff(epoch) == 0).any())


def _with_steps(series: Series, rows: Rows, step: Floats) -> Series:
    missing = ~np.isfinite(series.step)
    if not missing.any():
        return series
    filled = series.step.copy()
    filled[missing] = step[np.searchsorted(rows.line, series.line[missing])]
    return replace(series, step=filled)
