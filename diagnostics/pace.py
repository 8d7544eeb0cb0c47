"""How long a step takes: from logged step times, from throughput, or from the time stamps of the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Series

THROUGHPUT = ("tokens_per_second", "samples_per_second", "steps_per_second")
"""Rates, the one that varies least with the length of the sequences first."""

ELAPSED = ("time", "step_avg")
"""Step times in some logs, and the time since the start in others."""

SIZES = ("global_batch_size", "batch_size", "seq_len", "sequence_length", "curriculum_seqlen", "seqlen")
"""What a step holds: it may grow by plan, and a step then takes longer."""

FEWEST = 8
"""Points below which a series of times is passed over for another one."""


@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """Time per step as a curve (`u` is its ln), what it was taken from, and whether it stands for a rate."""

    curve: Curve
    source: Series
    inverse: bool
    what: str


def pace_of(case: Case) -> Pace | None:
    """The pace of training; None where the log has no times."""
    for name in THROUGHPUT:
        series = case.get(name)
        if series is not None and (c := _positive(series)) is not None:
            return Pace(_inverse(c), c.series, True, series.logged_as)
    for name in ("step_time", *ELAPSED):
        series = case.get(name)
        if series is None or (c := _positive(series)) is None or (name in ELAPSED and _accumulates(c)):
            continue
        return Pace(_per_size(case, c), c.series, False, series.logged_as)
    return _from_stamps(case)


def _positive(series: Series) -> Curve | None:
    kept = series.take(np.isfinite(series.value) & (series.value > 0))
    return curve(kept) if len(kept) >= FEWEST else None


def _inverse(c: Curve) -> Curve:
    return replace(c, u=-c.u)


def _accumulates(c: Curve) -> bool:
    """Whether a time hardly ever falls and has grown many times over: then it counts from the start of the run."""
    value = c.series.value
    return bool(np.mean(np.diff(value) >= 0) > 0.95 and value[-1] > 5 * value[0])


def _per_size(case: Case, c: Curve) -> Curve:
    """Step times divided by the logged sizes of a step that change over the run."""
    u = c.u
    for name in SIZES:
        size = case.get(name)
        if size is None or (s := _positive(size)) is None or np.ptp(s.u) == 0:
            continue
        u = u - s.u[np.clip(np.searchsorted(s.x, c.x, side="right") - 1, 0, None)]
    return c if u is c.u else replace(c, u=u)


def _from_stamps(case: Case) -> Pace | None:
    """Seconds per step between the rows of the training loss; None where stamps are too coarse to tell."""
    loss = case.loss
    if loss is None or len(loss) < FEWEST or not np.isfinite(loss.time).all() or not np.isfinite(loss.step).all():
        return None
    passed, steps = np.diff(loss.time), np.diff(loss.step)
    good = np.concatenate([[False], (passed > 0) & (steps > 0)])
    if good.sum() < max(FEWEST, 0.8 * len(loss)):
        return None
    if median(passed) < 20 and (loss.time == np.round(loss.time)).all():
        return None
    value = np.concatenate([[1.0], passed / np.maximum(steps, 1e-300)])
    c = curve(replace(loss, value=value).take(good))
    return Pace(_per_size(case, c), c.series, False, "time per step")
