"""The factors that a run's accumulation and processes make possible, and how well a measured ratio fits one."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from trainvitals.diagnostics.normalisation.grad_accum.pairs import Comparison
from trainvitals.diagnostics.normalisation.grad_accum.settings import Settings
from trainvitals.diagnostics.normalisation.grad_accum.witnesses import Witnesses

Fit = Literal["level", "early"]
"""The ratio of the whole comparison fits, or that of the first pair alone (an eval set of other difficulty)."""

FAR, NEAR = 0.25, 0.15
"""A ratio fits a factor v within min(FAR, NEAR * |log2 v|) octaves: half of the way to a neighbour at most."""

MOST_SPREAD = 0.6
"""Octaves between the 10th and the 90th percentile of a ratio that counts as one level."""

EARLY_HANDICAP = 0.05
"""A single pair has to fit a little better than a median."""

EVAL_ABOVE_UNIFORM = 1.1
"""No eval loss of a trained model is this far above uniform guessing; one that is carries a factor of its own."""


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate factor and how the measured ratio fits it."""

    factor: float
    fit: Fit
    distance: float


def factors(settings: Settings) -> tuple[float, ...]:
    """K and 1/K, and K times W where averaging over processes may multiply by both."""
    k = settings.accumulation or settings.together or 1
    found = [float(k), 1 / k] if k > 1 else []
    if settings.accumulation and (settings.processes or 1) > 1 and settings.averaging:
        found.append(float(k * (settings.processes or 1)))
    return tuple(found)


def best_match(comparison: Comparison, candidates: tuple[float, ...]) -> Match | None:
    """The nearest factor that fits at all, by the whole level before by the first pair."""
    fits = [m for v in candidates for m in _matches(comparison, v)]
    return min(fits, key=lambda m: (m.fit == "early", m.distance), default=None)


def _matches(c: Comparison, factor: float) -> list[Match]:
    octaves = math.log2(factor)
    tolerance = min(FAR, NEAR * abs(octaves))
    found: list[Match] = []
    if abs(c.level - octaves) <= tolerance and c.spread <= MOST_SPREAD:
        found.append(Match(factor, "level", abs(c.level - octaves)))
    if abs(c.early - octaves) + EARLY_HANDICAP <= tolerance:
        found.append(Match(factor, "early", abs(c.early - octaves)))
    return found


def start_agrees(comparison: Comparison, factor: float) -> bool:
    """The train loss of the first rows over the first eval loss is at least about the factor.

    It excludes memorised data, whose ratio drifts through every value but starts at one or above.
    """
    half = math.log2(factor) / 2
    return comparison.start >= half if factor > 1 else comparison.start <= half


def with_true_eval(comparison: Comparison, settings: Settings, witnesses: Witnesses) -> tuple[Comparison, int]:
    """The comparison against the eval loss divided by the processes, where the eval loss cannot be true as logged.

    Returns the comparison, and by what the eval loss was divided (1 where it stands).
    """
    processes = settings.processes or 1
    limit = (witnesses.uniform or math.inf) * EVAL_ABOVE_UNIFORM
    if processes < 2 or not settings.averaging or comparison.eval_first <= limit:
        return comparison, 1
    shift = math.log2(processes)
    moved = replace(
        comparison,
        level=comparison.level + shift,
        early=comparison.early + shift,
        start=comparison.start + shift,
        eval_first=comparison.eval_first / processes,
    )
    return moved, processes
