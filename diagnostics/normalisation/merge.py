"""Several files of one run to one series per metric, without doubling points.

The same numbers usually stand in a JSON file, in the console text and in an event file. The most complete and most
precise source of a metric leads; another one only adds steps that it lacks, and only if the two agree where both speak.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from trainvitals.diagnostics.normalisation.resume import concatenate
from trainvitals.diagnostics.report import Correction
from trainvitals.parsers.model import Bools, Floats, Series, Source, Split

NEARLY_COMPLETE = 0.9
"""A more precise source leads although it lacks a tenth of the points: it is filled up from the other."""

TOLERANCE = 5e-3
"""Relative difference that rounding to three or four digits explains."""

SAME_SHARE = 0.8
"""Share of common steps that must agree before two sources count as the same curve."""


def by_format(series: Sequence[Series], sources: Sequence[Source]) -> tuple[Series, ...]:
    """Join what files of one format say of one metric: they continue each other, as event files do after a resume.

    The most precise source of a metric comes first, so that whoever takes the first one takes the best.
    """
    groups: dict[tuple[str, Split, str], list[Series]] = defaultdict(list)
    for one in series:
        groups[one.metric, one.split, sources[int(one.source[0])].format].append(one)
    joined = [_joined(parts) for parts in groups.values()]
    return tuple(sorted(joined, key=lambda one: -sources[int(one.source[0])].precision))


def _joined(parts: Sequence[Series]) -> Series:
    """One series after the other; those of one file, where only some rows name their split, in the order of lines.

    Files of which each continues another come in the order of their steps, whatever their names are.
    """
    by_step = sorted(parts, key=lambda part: float(part.step.min()))
    if all(a.step.max() < b.step.min() for a, b in pairwise(by_step)):
        return concatenate(by_step)
    joined = concatenate(parts)
    sources = [int(part.source[0]) for part in parts]
    if len(set(sources)) == len(sources):
        return joined
    order = {source: position for position, source in enumerate(dict.fromkeys(sources))}
    position = np.repeat([order[source] for source in sources], [len(part) for part in parts])
    return joined.take(np.lexsort((joined.line, position)))


def merge(series: Sequence[Series], sources: Sequence[Source]) -> tuple[tuple[Series, ...], tuple[Correction, ...]]:
    """One series per metric and split; a source that contradicts the leading one stands beside it, under its path."""
    groups: dict[tuple[str, Split], list[Series]] = defaultdict(list)
    for one in series:
        groups[one.metric, one.split].append(one)
    merged: list[Series] = []
    apart: dict[str, list[str]] = defaultdict(list)
    for parts in groups.values():
        leader, *others = _ranked(parts, sources)
        for other in others:
            if agree(leader, other):
                leader = _filled(leader, other)
            else:
                path = os.path.basename(sources[int(other.source[0])].path)
                apart[path].append(other.metric)
                merged.append(replace(other, metric=f"{other.metric} [{path}]"))
        merged.append(leader)
    return tuple(merged), tuple(_left_apart(path, metrics) for path, metrics in apart.items())


def _ranked(parts: Sequence[Series], sources: Sequence[Source]) -> list[Series]:
    most = max(len(p) for p in parts)

    def rank(part: Series) -> tuple[bool, int, int]:
        return len(part) >= NEARLY_COMPLETE * most, sources[int(part.source[0])].precision, len(part)

    return sorted(parts, key=rank, reverse=True)


def agree(leader: Series, other: Series) -> bool:
    """Whether two sources show one curve: the same values at common steps, or ranges of steps that do not overlap."""
    common, at_leader, at_other = np.intersect1d(leader.step, other.step, return_indices=True)
    if not common.size:
        return bool(leader.step[-1] < other.step[0] or other.step[-1] < leader.step[0])
    return float(_same(leader.take(at_leader), other.take(at_other)).mean()) >= SAME_SHARE


def _same(a: Series, b: Series) -> Bools:
    with np.errstate(invalid="ignore", over="ignore"):
        # Console text rounds small numbers to few decimals: half a unit of the fourth decimal is no contradiction.
        return np.isclose(a.value, b.value, rtol=TOLERANCE, atol=5.1e-5, equal_nan=True)


def _filled(leader: Series, other: Series) -> Series:
    """The leader with the steps that only the other has, sorted by step; and with epochs and times that it lacks."""
    leader = _with_columns(leader, other)
    extra = other.take(~np.isin(other.step, leader.step))
    if not len(extra):
        return leader
    joined = concatenate([leader, extra])
    return joined.take(np.argsort(joined.step, kind="stable"))


def _with_columns(leader: Series, other: Series) -> Series:
    at = np.searchsorted(other.step, leader.step).clip(0, len(other) - 1)
    known = other.step[at] == leader.step

    def filled(own: Floats, theirs: Floats) -> Floats:
        return np.where(known, theirs[at], np.nan) if np.isnan(own).all() else own

    return replace(leader, epoch=filled(leader.epoch, other.epoch), time=filled(leader.time, other.time))


def _left_apart(path: str, metrics: Sequence[str]) -> Correction:
    names = ", ".join(metrics[:4]) + (f" and {len(metrics) - 4} more" if len(metrics) > 4 else "")
    return Correction(
        kind="merge",
        metric=metrics[0],
        factor=1.0,
        confidence="high",
        evidence=f"{path} contradicts the other files of this folder in {names}; its points stand under its own name",
        applied=False,
    )
