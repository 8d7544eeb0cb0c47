"""Steps that were logged twice: after a resume the later write wins, after a new start the last attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainvitals.diagnostics.report import Correction
from trainvitals.parsers.model import Ints, Series

AGREE = 1e-3
"""Relative difference up to which two writes of one step count as the same value (logs are rounded)."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """What de-duplicating one series dropped: indices of the points that went, and of those that replaced them."""

    dropped: Ints
    kept: Ints
    replaced: Ints
    """Index of the later write of the same step, for those dropped points that have one; -1 otherwise."""
    restarted: bool


def overlap(series: Series) -> Overlap | None:
    """Which points of a series in file order are overwritten by later ones; None when steps only grow."""
    step = series.step
    back = np.flatnonzero(np.diff(step) <= 0) + 1
    if not back.size:
        return None
    restart = _last_restart(series, back)
    index = np.arange(restart, step.size)
    order = index[np.lexsort((index, step[restart:]))]
    last_of_step = np.append(np.diff(step[order]) != 0, True)
    kept = order[last_of_step]
    dropped = np.setdiff1d(np.arange(step.size), kept, assume_unique=True)
    at = np.searchsorted(step[kept], step[dropped]).clip(0, kept.size - 1)
    replaced = np.where(step[kept][at] == step[dropped], kept[at], -1)
    return Overlap(dropped, kept, replaced, restart > 0)


def _last_restart(series: Series, back: Ints) -> int:
    """Index at which the last attempt that began at the first logged step (or before it) starts; 0 for none."""
    steps = series.step
    lowest_before = np.minimum.accumulate(steps)[back - 1]
    starts = back[(steps[back] <= lowest_before) & (steps[back] < steps[back - 1])]
    return int(starts[-1]) if starts.size else 0


def deduplicate(series: Sequence[Series]) -> tuple[tuple[Series, ...], tuple[Correction, ...]]:
    """All series with growing steps, and one correction that says what was dropped."""
    # Metrics of the same rows share their steps, and what is dropped depends on nothing else.
    by_steps: dict[int, Overlap | None] = {}
    for one in series:
        if id(one.step) not in by_steps:
            by_steps[id(one.step)] = overlap(one)
    found = [(s, by_steps[id(s.step)]) for s in series]
    cleaned = tuple(s if o is None else s.take(o.kept) for s, o in found)
    went_back = [(s, o) for s, o in found if o is not None and _steps_back(s)]
    return cleaned, (_correction(went_back),) if went_back else ()


def _steps_back(series: Series) -> bool:
    return bool((np.diff(series.step) < 0).any())


def _correction(overlaps: Sequence[tuple[Series, Overlap]]) -> Correction:
    series, widest = max(overlaps, key=lambda item: item[1].dropped.size)
    first_back = int(np.flatnonzero(np.diff(series.step) < 0)[0]) + 1
    both = widest.replaced >= 0
    differ = _differing(series, widest.dropped[both], widest.replaced[both])
    kind = "started anew" if widest.restarted else "was resumed"
    return Correction(
        kind="resume_overlap",
        metric=series.metric,
        factor=1.0,
        confidence="high",
        evidence=(
            f"the run {kind}: step goes from {series.step[first_back - 1]:.9g} back to {series.step[first_back]:.9g} "
            f"at line {series.line[first_back]}; {widest.dropped.size} earlier points of {series.logged_as} dropped, "
            f"the later write wins; {differ} of {int(both.sum())} steps written twice differ in value"
        ),
    )


def _differing(series: Series, before: Ints, after: Ints) -> int:
    a, b = series.value[before], series.value[after]
    with np.errstate(invalid="ignore", over="ignore"):
        same = np.isclose(a, b, rtol=AGREE, atol=0.0, equal_nan=True)
    return int((~same).sum())


def concatenate(parts: Sequence[Series]) -> Series:
    """Several series of one metric as one, in the order given."""
    if len(parts) == 1:
        return parts[0]
    return replace(
        parts[0],
        value=np.concatenate([p.value for p in parts]),
        step=np.concatenate([p.step for p in parts]),
        epoch=np.concatenate([p.epoch for p in parts]),
        time=np.concatenate([p.time for p in parts]),
        line=np.concatenate([p.line for p in parts]),
        source=np.concatenate([p.source for p in parts]),
    )
