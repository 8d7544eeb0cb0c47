"""How much earlier one run reached a level: block medians, inverted."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.compare.axis import Points
from trainvitals.diagnostics.compare.model import Saving
from trainvitals.diagnostics.compare.pair import Estimate
from trainvitals.diagnostics.statistics import block_medians, blocks
from trainvitals.parsers.model import Floats

MOST_BLOCKS, FEWEST_BLOCKS = 64, 8
PER_BLOCK = 3
RISEN = 0.05
"""A run whose last level lies this far above its lowest one got worse again: it passed that level on its way down."""


def saving(metric: str, split: str, first: Points, other: Points, found: Estimate) -> Saving | None:
    """Where two falling curves reached the higher one of their last levels; None where that cannot be told.

    The interval moves the level that the better run is asked for by the interval of the difference.
    """
    if found.reason or min(len(first), len(other)) < PER_BLOCK * FEWEST_BLOCKS:
        return None
    target = max(found.first, found.other)
    places = [_reached(curve, target) for curve in (first, other)]
    better = 0 if found.first < found.other else 1
    lowest = float(_falling((other, first)[better])[1][-1])
    if target <= 0 or lowest < (1 - RISEN) * target:
        return None
    bounds = [_reached((first, other)[better], target + shift) for shift in (found.half, -found.half)]
    if not all(math.isfinite(place) and place > 0 for place in (*places, bounds[0])):
        return None
    # A level that the better run never reached is one that it reached at its end, at the earliest.
    last = float((first, other)[better].x[-1])
    early, late = (min(bound, last) for bound in bounds)
    ratios = [places[1] / place for place in (late, early)] if better == 0 else [p / places[0] for p in (early, late)]
    return Saving(metric, split, target, places[0], places[1], places[1] / places[0], min(ratios), max(ratios))


def _reached(curve: Points, level: float) -> float:
    """Where the lowest block median so far came down to a level; NaN or infinite where it never was above, or came."""
    x, lowest = _falling(curve)
    below = np.flatnonzero(lowest <= level)
    if not below.size:
        return math.inf
    i = int(below[0])
    if i == 0:
        return float(x[0])
    share = (lowest[i - 1] - level) / (lowest[i - 1] - lowest[i])
    return float(x[i - 1] + share * (x[i] - x[i - 1]))


def _falling(curve: Points) -> tuple[Floats, Floats]:
    cut = blocks(curve.x, curve.value, int(min(MOST_BLOCKS, len(curve) // PER_BLOCK)))
    return cut.x, np.asarray(np.minimum.accumulate(block_medians(curve.value, cut)))
