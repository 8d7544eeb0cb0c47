"""Compare runs: match them first, then one difference per metric, with a verdict that names its evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.compare import context, metrics, savings, seeds, verdict
from trainvitals.diagnostics.compare.axis import Axis, Points, choose, points
from trainvitals.diagnostics.compare.grouping import Side, member, side, sides
from trainvitals.diagnostics.compare.model import Comparison, Pair, Row, Saving, Tier
from trainvitals.diagnostics.compare.pair import SHARE, Estimate, Window, estimate, window
from trainvitals.diagnostics.compare.plan import plan
from trainvitals.diagnostics.compare.student import holm
from trainvitals.parsers.model import Floats, Split

MIN_SEEDS = 3
"""Fewer runs of one kind do not tell how far seeds scatter."""

NAN = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Setup:
    """Two groups that are compared, on which axis, over which share of their common range, which metrics if not all."""

    first: Side
    other: Side
    axis: Axis
    share: float
    asked: tuple[str, ...] = ()
    tier: Tier = "one pair"

    @property
    def named(self) -> tuple[str, str]:
        """The names of both groups."""
        return self.first.group.name, self.other.group.name


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A row before its verdict; `reason` says why it has no interval."""

    row: Row
    reason: str
    estimate: Estimate | None = None
    curves: tuple[Points, ...] = ()


@np.errstate(all="ignore")
def compare(
    cases: Sequence[Case],
    patterns: Sequence[str] = (),
    by: str = "",
    share: float = SHARE,
    asked: Sequence[str] = (),
) -> Comparison:
    """Compare the first run, or group of seeds, with each of the others.

    Args:
        cases: normalised runs, at least two.
        patterns: globs of names or paths; the runs that one matches are a group.
        by: `tokens`, `steps` or `time`; by default the first of these that all runs have.
        share: the end of the common range whose levels are compared.
        asked: names or patterns of the metrics to compare; none for those that the loss types watch.
    """
    return _compared(sides([member(case) for case in cases], patterns), by, share, asked)


@np.errstate(all="ignore")
def beside(case: Case, baselines: Sequence[Case]) -> Comparison:
    """A run beside healthy ones of its kind, which are one group."""
    theirs = side("baselines" if len(baselines) > 1 else f"baseline:{baselines[0].run.name}", baselines)
    return _compared((theirs, side(case.run.name, [case])), "", SHARE, ())


def _compared(grouped: Sequence[Side], by: str, share: float, asked: Sequence[str]) -> Comparison:
    cases = [case for one in grouped for case in one.cases]
    axis = choose(cases, by)
    pairs = tuple(_pair(Setup(grouped[0], other, axis, share, tuple(asked))) for other in grouped[1:]) if axis else ()
    return Comparison(
        axis or "",
        tuple(side.group for side in grouped),
        " and ".join(sorted({case.loss_type.name for case in cases})),
        context.differences([side.cases for side in grouped]),
        pairs,
        plan(grouped, axis, share) if axis else (),
    )


def tier_of(first: Side, other: Side) -> Tier:
    """What a difference of these groups can mean, before it is known whether two runs share their data order."""
    sizes = len(first.members), len(other.members)
    if sizes == (1, 1):
        return "one pair"
    if len(_matched(first, other)) >= MIN_SEEDS:
        return "paired seeds"
    if min(sizes) >= MIN_SEEDS:
        return "seeds"
    return "run against seeds" if min(sizes) == 1 and max(sizes) >= MIN_SEEDS else "few seeds"


def _matched(first: Side, other: Side) -> list[tuple[int, int]]:
    """Indices of the runs of both groups that have the same seed, which each group has once."""
    left, right = first.group.seeds, other.group.seeds
    if len(set(left)) < len(left) or len(set(right)) < len(right):
        return []
    return [(i, right.index(seed)) for i, seed in enumerate(left) if seed and seed in right]


def _pair(setup: Setup) -> Pair:
    setup = replace(setup, tier=tier_of(setup.first, setup.other))
    keys, absent = metrics.compared((*setup.first.cases, *setup.other.cases), setup.asked)
    measured = [found for key in keys if (found := _measure(setup, *key)) is not None]
    if measured and measured[0].estimate is not None and measured[0].estimate.paired:
        setup = replace(setup, tier="paired runs")
    told = verdict.evidence(setup.tier, len(setup.first.members), len(setup.other.members))
    adjusted = holm([one.row.p for one in measured])
    rows = tuple(
        verdict.worded(one.row, p, one.reason, setup.tier, setup.named, setup.axis, told)
        for one, p in zip(measured, adjusted, strict=True)
    )
    told_apart = [one for one, row in zip(measured, rows, strict=True) if row.word in ("lower", "higher")]
    return Pair(
        *setup.named,
        setup.tier,
        told,
        rows,
        tuple(saved for one in told_apart if (saved := _saving(one, setup.first.cases[0])) is not None),
        _warnings(setup, rows),
        tuple(metrics.label(*key) for key in absent),
    )


def _measure(setup: Setup, metric: str, split: Split) -> Measured | None:
    """One metric of both groups; None where the runs have no common range."""
    cases = (*setup.first.cases, *setup.other.cases)
    curves = tuple(points(c, s, setup.axis) for c in cases if (s := c.get(metric, split)) is not None)
    place = window(curves, setup.share) if len(curves) == len(cases) else None
    if place is None:
        return None
    blank = _blank(metric, split, place)
    if setup.tier in ("one pair", "paired runs"):
        found = estimate(curves[0], curves[1], place)
        return None if found is None else Measured(_of_runs(blank, found), found.reason, found, curves)
    inside = [curve.within(place.start, place.end) for curve in curves]
    if not all(map(len, inside)):
        return None
    levels = np.array([curve.value.mean() for curve in inside])
    row = replace(blank, points=min(map(len, inside)))
    return _of_seeds(row, setup, levels[: len(setup.first.members)], levels[len(setup.first.members) :])


def _blank(metric: str, split: str, place: Window) -> Row:
    numbers = (NAN,) * 11
    return Row(metric, split, "inconclusive", "", *numbers, place.share, place.start, place.end, 0, 0, False, NAN, 1)


def _of_runs(row: Row, found: Estimate) -> Row:
    row = replace(row, points=found.points, blocks=found.blocks, paired=found.paired, correlation=found.correlation)
    first, other = np.array([found.first]), np.array([found.other])
    bounds = (found.difference - found.half, found.difference + found.half)
    return _levels(row, first, other, seeds.Tested(found.difference, *bounds, found.p))


def _of_seeds(row: Row, setup: Setup, first: Floats, other: Floats) -> Measured:
    if setup.tier == "paired seeds":
        chosen = np.array(_matched(setup.first, setup.other))
        first, other = first[chosen[:, 0]], other[chosen[:, 1]]
        return Measured(_levels(replace(row, pairs=first.size), first, other, seeds.paired(other - first)), "")
    row = replace(row, pairs=min(first.size, other.size))
    if setup.tier == "seeds":
        return Measured(_levels(row, first, other, seeds.unpaired(first, other)), "")
    if setup.tier == "run against seeds":
        return Measured(_levels(row, first, other, _outside(first, other)), "")
    tested = seeds.Tested(float(other.mean() - first.mean()), NAN, NAN, NAN)
    return Measured(_levels(row, first, other, tested), f"{first.size} and {other.size} runs do not tell what seeds do")


def _outside(first: Floats, other: Floats) -> seeds.Tested:
    """One run beside the band of a group, whichever of both it is."""
    if other.size == 1:
        return seeds.against(first, float(other[0]))
    turned = seeds.against(other, float(first[0]))
    return seeds.Tested(-turned.difference, -turned.high, -turned.low, turned.p)


def _levels(row: Row, first: Floats, other: Floats, tested: seeds.Tested) -> Row:
    size = abs(float(first.mean())) or NAN
    return replace(
        row,
        first=float(first.mean()),
        other=float(other.mean()),
        first_low=float(first.min()),
        first_high=float(first.max()),
        other_low=float(other.min()),
        other_high=float(other.max()),
        relative=tested.difference / size,
        low=tested.low / size,
        high=tested.high / size,
        p=tested.p,
    )


def _saving(one: Measured, case: Case) -> Saving | None:
    """Time to target, for the main losses of two runs."""
    if one.estimate is None or one.row.metric not in (case.loss_type.main, "loss"):
        return None
    return savings.saving(one.row.metric, one.row.split, one.curves[0], one.curves[1], one.estimate)


def _warnings(setup: Setup, rows: Sequence[Row]) -> tuple[str, ...]:
    if not rows:
        return ("they have no metric over a common range",)
    named = {
        side.group.name if len(side.members) == 1 else f"{side.group.name}/{one.run.name}": one
        for side in (setup.first, setup.other)
        for one in side.cases
    }
    return context.warnings(named, setup.axis, rows[0].end)
