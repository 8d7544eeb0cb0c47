"""What curves are drawn over: steps, epochs, time or tokens, and why one of these is not to be had."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.compare import axis as matching
from trainvitals.parsers.model import Floats, Series

Axis = Literal["step", "epoch", "relative", "clock", "tokens"]
AXES: tuple[Axis, ...] = ("step", "epoch", "relative", "clock", "tokens")
NAMES: dict[Axis, str] = {
    "step": "step",
    "epoch": "epoch",
    "relative": "relative time",
    "clock": "wall clock",
    "tokens": "tokens",
}

EARLIEST = 631152000.0
"""1990 in seconds since 1970: smaller numbers are times since the start of a run."""

MILLISECONDS = 1000.0
"""A time of day is drawn in these."""

UNITS = ((2 * 86400.0, "days", 86400.0), (2 * 3600.0, "hours", 3600.0), (120.0, "minutes", 60.0))
"""From this many seconds on, the unit and its seconds."""


def lacking(cases: Sequence[Case], axis: Axis) -> str:
    """Why these runs cannot be drawn over an axis, in a few words; empty where they can."""
    without = [case.run.name for case in cases if not _has(case, axis)]
    if not without:
        return ""
    reason = {
        "step": "no steps",
        "epoch": "no epochs",
        "relative": "no times",
        "clock": "no time of day",
        "tokens": "no growing count of tokens",
    }[axis]
    if len(without) == len(cases):
        return f"{reason} in the log{'' if len(cases) == 1 else 's'}"
    others = f" and {len(without) - 1} more" if len(without) > 1 else ""
    return f"{reason} in {without[0]}{others}"


def position(case: Case, series: Series, axis: Axis) -> Floats:
    """Where each point lies, NaN where that is unknown; shape `(n,)`. Times are in seconds."""
    if axis == "tokens":
        return matching.position(case, series, "tokens")
    if axis == "relative":
        return series.time - started(case)
    if axis == "clock":
        return series.time
    return np.asarray(getattr(series, axis))


def started(case: Case) -> float:
    """The first time stamp of a run, NaN where it has none."""
    times = [float(np.nanmin(s.time)) for s in case.run.series if np.isfinite(s.time).any()]
    return min(times, default=float("nan"))


def unit(seconds: float) -> tuple[str, float]:
    """The unit in which a span of time is read with ease, and its seconds."""
    return next(((name, size) for least, name, size in UNITS if seconds >= least), ("seconds", 1.0))


def _has(case: Case, axis: Axis) -> bool:
    if axis == "tokens":
        return matching.choose([case], "tokens") == "tokens"
    if axis == "clock":
        return started(case) >= EARLIEST
    if axis == "relative":
        return any(_spans(s.time) for s in case.run.series)
    return any(bool(np.isfinite(getattr(s, axis)).any()) for s in case.run.series)


def _spans(times: Floats) -> bool:
    known = times[np.isfinite(times)]
    return bool(known.size > 1 and known.max() > known.min())
