"""The bands of a ratio as areas of a picture: what a value means, where the run was when it had that meaning."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.loss_type import Ratio, Reading
from trainvitals.diagnostics.ratio import RatioValues, path_of
from trainvitals.parsers.model import Floats


@dataclass(frozen=True, slots=True)
class Area:
    """Steps `start` to `end` and values `low` to `high` (which may be infinite), and what a value in there means."""

    start: float
    end: float
    low: float
    high: float
    reading: Reading


@dataclass(frozen=True, slots=True)
class Aim:
    """The range that a value should have at a step, which is the end of an epoch."""

    step: float
    low: float
    high: float
    epoch: float


def areas(found: RatioValues, step_unit: str) -> tuple[Area, ...]:
    """The bands while both losses fell, and in their other meaning from where the reference loss was stuck."""
    step = found.points.step
    if not len(found) or not np.isfinite(step).all():
        return ()
    first, last = float(step.min()), float(step.max())
    path = path_of(found, step_unit=step_unit)
    since = float(step[path.since]) if path.stuck else math.inf
    falling = [Area(first, min(since, last), b.low, b.high, b.falling) for b in found.ratio.bands if first < since]
    stuck = [Area(since, last, b.low, b.high, b.stuck) for b in found.ratio.bands if since < last]
    return (*falling, *stuck)


def aims(ratio: Ratio, step: Floats, epoch: Floats) -> tuple[Aim, ...]:
    """The targets of the epochs that a run has reached, at the step where each ended."""
    known = np.isfinite(step) & np.isfinite(epoch)
    if known.sum() < 2:
        return ()
    x, at = step[known], epoch[known]
    if (at == np.floor(at)).all():
        # A whole number is said by every row of its epoch; numbers from 0 name the epoch before.
        at = at + (1 if at.min() == 0 else 0)
        ends = {float(e): float(x[at == e].max()) for e in np.unique(at)}
    else:
        ends = {t.epoch: float(np.interp(t.epoch, at, x)) for t in ratio.targets if at.min() < t.epoch <= at.max()}
    return tuple(Aim(ends[t.epoch], t.low, t.high, t.epoch) for t in ratio.targets if t.epoch in ends)
