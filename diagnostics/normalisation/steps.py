"""A step for every point: as logged, from the epoch, or from the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from trainvitals.parsers.model import Floats, Ints, Series

Unit = Literal["step", "epoch", "row"]
COARSEST_FIRST: tuple[Unit, ...] = ("row", "epoch", "step")


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of one source that lack a step: their lines in file order, and their epochs."""

    line: Ints
    epoch: Floats


def with_epochs(series: Sequence[Series]) -> tuple[Series, ...]:
    """Use a series that is named `epoch` (event files log it as a scalar) as the epoch of the others, and drop it."""
    tables = {int(s.source[0]): s for s in series if s.metric == "epoch" and len(s)}
    return tuple(_epochs_from(s, tables.get(int(s.source[0]))) for s in series if len(s) and s.metric != "epoch")


def _epochs_from(series: Series, table: Series | None) -> Series:
    if table is None or not np.isnan(series.epoch).all():
        return series
    order = np.argsort(table.step, kind="stable")
    at = np.searchsorted(table.step[order], series.step).clip(0, len(table) - 1)
    known = table.step[order][at] == series.step
    return replace(series, epoch=np.where(known, table.value[order][at], np.nan))


def fill(series: Sequence[Series]) -> tuple[tuple[Series, ...], Unit]:
    """All series with steps, and what the coarsest of them counts.

    A row without a step gets `epoch * steps per epoch` where other rows tell the rate, else its epoch, else its number
    among the rows of its file. Epochs that are rounded so far that rows coincide are not used.
    """
    rate = steps_per_epoch(series)
    filled: list[Series] = []
    units: set[Unit] = {"step"}
    for source in dict.fromkeys(int(s.source[0]) for s in series if len(s)):
        own = [s for s in series if len(s) and int(s.source[0]) == source]
        rows = _rows_without_step(own)
        if not rows.line.size:
            filled += own
            continue
        step, unit = _steps_of(rows, rate, own)
        units.add(unit)
        filled += [_with_steps(s, rows, step) for s in own]
    return tuple(filled), next(unit for unit in COARSEST_FIRST if unit in units)


def steps_per_epoch(series: Sequence[Series]) -> float:
    """Median of step / epoch over all points that have both; NaN where none has."""
    ratios = [s.step[k] / s.epoch[k] for s in series if (k := np.isfinite(s.step) & (s.epoch > 0.05)).any()]
    return float(np.median(np.concatenate(ratios))) if ratios else float("nan")


def _rows_without_step(own: Sequence[Series]) -> Rows:
    missing = [(s.line[k], s.epoch[k]) for s in own if (k := ~np.isfinite(s.step)).any()]
    if not missing:
        return Rows(np.empty(0, np.int64), np.empty(0))
    line, first = np.unique(np.concatenate([m[0] for m in missing]), return_index=True)
    return Rows(line, np.concatenate([m[1] for m in missing])[first])


def _steps_of(rows: Rows, rate: float, own: Sequence[Series]) -> tuple[Floats, Unit]:
    if np.isfinite(rows.epoch).all() and not any(_coincide(s) for s in own):
        return (np.round(rows.epoch * rate), "step") if rate == rate else (rows.epoch, "epoch")
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
