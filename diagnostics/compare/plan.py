"""The A/B plan of a soft cross-entropy as one table: speed and signals of each run, beside those of the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.compare.axis import Axis, points
from trainvitals.diagnostics.compare.grouping import Side
from trainvitals.diagnostics.compare.pair import window
from trainvitals.diagnostics.compare.verdict import percent
from trainvitals.diagnostics.report import Table
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats, Series, Split

SIGNALS = ("soft_ce", "p_gt_mean", "margin", "coord_vocab_mass", "gate")
SPLITS: tuple[Split, ...] = ("eval", "train")
MILLISECONDS = 1000.0
LONG, MOST_STRETCHES = 20.0, 16
"""Seconds after which stamps of whole seconds tell a pace to 5 %, and into how many such stretches a run is cut."""
TENFOLD = 9.0
"""A change by more is told as a factor."""


def plan(groups: Sequence[Side], axis: Axis, share: float) -> tuple[Table, ...]:
    """One row per group, for runs that are all of this loss type; otherwise no table."""
    cases = [case for side in groups for case in side.cases]
    if any(case.loss_type.name != "softce" for case in cases):
        return ()
    split = next((s for s in SPLITS if all(case.get("soft_ce", s) for case in cases)), None)
    if split is None:
        return ()
    columns = [[_mean([steps_per_second(case) for case in side.cases]) for side in groups]]
    columns += [_levels(groups, signal, split, axis, share) for signal in SIGNALS]
    rows = tuple(
        (side.group.name, *(_cell(column[i], column[0], first=i == 0) for column in columns))
        for i, side in enumerate(groups)
    )
    title = f"speed and signals of the soft cross-entropy ({split}), with differences to {groups[0].group.name}"
    return (Table(title, ("run", "steps per second", *SIGNALS), rows),)


def steps_per_second(case: Case) -> float:
    """The usual pace of a run: as logged, from step times, from time stamps, from its summary; NaN where none is."""
    for name in ("steps_per_second", "step_time"):
        if (series := case.get(name)) is not None and (usual := _median(series.value)) > 0:
            return usual if name == "steps_per_second" else _seconds(series) / usual
    if (usual := _from_stamps(case.loss)) > 0:
        return usual
    summary = case.run.summary.get("train_steps_per_second")
    value = summary.value if summary is not None else None
    return float(value) if isinstance(value, int | float) and value > 0 else math.nan


def _seconds(series: Series) -> float:
    return MILLISECONDS if "ms" in series.logged_as.lower().replace("(", "_").replace(")", "_").split("_") else 1.0


def _from_stamps(loss: Series | None) -> float:
    if loss is None or len(loss) < 3:
        return math.nan
    passed, steps = _gaps(loss)
    good = (passed > 0) & (steps > 0)
    return _median(steps[good] / passed[good])


def _gaps(loss: Series) -> tuple[Floats, Floats]:
    """Seconds and steps between rows, or between so many that whole seconds as stamps tell a pace."""
    whole = bool(np.isfinite(loss.time).all()) and bool((loss.time == np.floor(loss.time)).all())
    if not whole:
        return np.diff(loss.time), np.diff(loss.step)
    parts = int(np.clip((loss.time[-1] - loss.time[0]) // LONG, 1, MOST_STRETCHES))
    at = np.linspace(0, len(loss) - 1, parts + 1).astype(np.int64)
    return np.diff(loss.time[at]), np.diff(loss.step[at])


def _median(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return median(finite) if finite.size else math.nan


def _levels(groups: Sequence[Side], metric: str, split: Split, axis: Axis, share: float) -> list[float]:
    """The level of a metric in each group, over the end of the range that all have; NaN where one lacks it."""
    found = [[(case, case.get(metric, split)) for case in side.cases] for side in groups]
    curves = [[points(case, s, axis) for case, s in side if s is not None] for side in found]
    everything = [curve for side in curves for curve in side]
    place = window(everything, share) if len(everything) == sum(map(len, found)) else None
    if place is None:
        return [math.nan] * len(groups)
    inside = [[curve.within(place.start, place.end).value for curve in side] for side in curves]
    return [_mean([float(v.mean()) if v.size else math.nan for v in side]) for side in inside]


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _cell(value: float, baseline: float, *, first: bool) -> str | float | None:
    if value != value:
        return None
    if first or baseline != baseline or baseline == 0:
        return float(f"{value:.4g}")
    share = (value - baseline) / abs(baseline)
    return f"{value:.4g} ({percent(share, '+') if share < TENFOLD else f'x{value / baseline:.3g}'})"
