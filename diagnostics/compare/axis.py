"""What runs are matched by: tokens before steps before time, and where the points of a series lie on that axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.parsers.model import Floats, Series

Axis = Literal["tokens", "steps", "epochs", "rows", "seconds"]
BY = ("tokens", "steps", "time")
"""What a user may ask for."""

TOKENS = (
    "num_input_tokens_seen",
    "tokens_seen",
    "total_tokens",
    "num_tokens",
    "consumed_tokens",
    "n_tokens",
    "tokens",
)
"""Metrics that count the tokens since the start of a run."""


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Finite values at growing positions, shape `(n,)` each; of several values at one position the last one written."""

    x: Floats
    value: Floats

    def __len__(self) -> int:
        return int(self.x.size)

    def within(self, start: float, end: float) -> Points:
        """The points of the closed interval."""
        kept = (self.x >= start) & (self.x <= end)
        return Points(self.x[kept], self.value[kept])


def choose(cases: Sequence[Case], wanted: str = "") -> Axis | None:
    """The best axis that all runs have, or the wanted one; None where there is none."""
    units = {case.step_unit for case in cases}
    stepped: dict[str, Axis] = {"step": "steps", "epoch": "epochs", "row": "rows"}
    found: list[tuple[str, Axis | None]] = [
        ("tokens", "tokens" if all(_counted(case) is not None for case in cases) else None),
        ("steps", stepped.get(units.pop()) if len(units) == 1 else None),
        ("time", "seconds" if all(_is_timed(case) for case in cases) else None),
    ]
    # Rows that nobody numbered are the last resort.
    found.sort(key=lambda one: one[1] == "rows")
    return next((axis for name, axis in found if axis and wanted in ("", name)), None)


def points(case: Case, series: Series, axis: Axis) -> Points:
    """The finite points of a series on an axis; none where the axis is unknown for them."""
    x = position(case, series, axis)
    good = np.flatnonzero(np.isfinite(x) & np.isfinite(series.value))
    order = good[np.argsort(x[good], kind="stable")]
    last = np.append(np.diff(x[order]) > 0, True)[: order.size]
    kept = order[last]
    return Points(x[kept], series.value[kept])


def position(case: Case, series: Series, axis: Axis) -> Floats:
    """Where each point of a series lies, NaN where that is unknown; shape `(n,)`."""
    if axis == "tokens" and (counter := _counted(case)) is not None:
        return np.asarray(np.interp(series.step, counter.x, counter.value, left=np.nan, right=np.nan))
    if axis == "seconds":
        return series.time - _start(case)
    return series.step


def by_step(case: Case, series: Series, axis: Axis, at: float) -> float:
    """The step at a position of an axis, as far as the points of a series tell it."""
    x = position(case, series, axis)
    good = np.isfinite(x) & np.isfinite(series.step)
    order = np.argsort(x[good], kind="stable")
    return float(np.interp(at, x[good][order], series.step[good][order])) if good.any() else float("nan")


def _counted(case: Case) -> Points | None:
    """Tokens by step; None where no counter that only grows is logged."""
    for name in TOKENS:
        series = case.get(name)
        if series is None or case.step_unit != "step":
            continue
        found = points(case, series, "steps")
        if len(found) > 1 and (np.diff(found.value) >= 0).all() and found.value[-1] > found.value[0]:
            return found
    return None


def _is_timed(case: Case) -> bool:
    return case.loss is not None and len(case.loss) > 1 and bool(np.isfinite(case.loss.time).all())


def _start(case: Case) -> float:
    """The first time stamp of a run; 0 where stamps count from its start already."""
    first: partial[float] = partial(np.nanmin, initial=np.inf)
    earliest = min((float(first(s.time)) for s in case.run.series), default=np.inf)
    return earliest if np.isfinite(earliest) else 0.0
