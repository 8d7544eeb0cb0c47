"""C101: a run ends worse than healthy runs of its kind."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.compare import context, seeds
from trainvitals.diagnostics.compare.axis import Axis, choose, points
from trainvitals.diagnostics.compare.metrics import Key, better, label, quality
from trainvitals.diagnostics.compare.pair import Estimate, Window, estimate, window
from trainvitals.diagnostics.compare.student import holm
from trainvitals.diagnostics.compare.verdict import percent
from trainvitals.diagnostics.curve import other_aim
from trainvitals.diagnostics.loss_type import GENERIC
from trainvitals.diagnostics.render.words import count, number
from trainvitals.diagnostics.report import Evidence, Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "C101", "worse-than-baseline"

REMEDY = (
    "undo what differs from the baselines (C102 lists it) one by one; if nothing does, look at the data: labels, their "
    "alignment with the inputs, shuffling, a part that is missing"
)
FEWEST = 4
"""Points of the run that may stand apart from all those of its baselines."""
SEEDS = 3
"""Baselines from which the scatter between seeds is known."""


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """One metric of a run beside those of its baselines.

    `excess` is how much worse it is than the worst of them, as a share; `p` of no difference, NaN where `reason` says
    why there is none.
    """

    key: Key
    series: Series
    level: float
    levels: Floats
    worst: int
    excess: float
    p: float
    place: Window
    reason: str = ""

    @property
    def band(self) -> str:
        """The levels of the baselines in words."""
        low, high = number(float(self.levels.min())), number(float(self.levels.max()))
        return low if low == high else f"{low} to {high}"


def check(
    case: Case,
    *,
    smallest: float = 0.01,
    spread: float = 0.1,
    parts: float = 0.5,
    last: float = 0.3,
    alpha: float = 0.05,
) -> Result:
    """A loss or a validation metric ends worse than in every healthy run of the same kind that was given.

    What it checks: `trainvitals check RUN --against BASELINE...`: the last levels of the losses, and of validation
    metrics whose name says what is better, beside those of the baselines at the same tokens, steps or time.

    Why it matters: some faults leave a curve that looks healthy by itself: wrong labels that can be learnt, a worse
    optimum, a lost part of the data. Beside a healthy run they show.

    What to try: undo what differs from the baselines (C102 lists it), one by one; then look at the data.

    How it decides: means over the `last` (30 %) of the range that all runs have in common. With 3 or more baselines the
    run must lie outside the 95 % interval in which one more of them would lie (t, n - 1), and be worse than the worst
    of them by `smallest` (1 %). With 1 or 2 the scatter between seeds is unknown and taken as `spread` (10 %), of
    metrics other than the main loss as `parts` (50 %): the run must be worse than the worst by more, and differ from
    each by batch means, or every value of it must be worse by that much than any of theirs; then it only warns, and so
    it does in another phase of the learning rate. All p below `alpha` (5 %) after Holm's correction for the number of
    metrics. Totals with other weights in them are left out. Source: Student 1908; Holm 1979; batch means as in
    `trainvitals compare`.

    Blind spots: baselines that have the same fault; a loss that is worse by less than 10 % where fewer than 3 baselines
    are given; seeds that scatter by more than that; metrics whose names do not say what is better.
    """
    if not case.baselines:
        return NotRun(CODE, "no baselines were given (check --against)", applicable=False)
    reason = other_aim(case) or _of_another_kind(case)
    axis = choose((case, *case.baselines))
    if reason or axis is None:
        return NotRun(CODE, reason or "the run and its baselines have no axis in common")
    main, few = {case.loss_type.main, "loss"}, len(case.baselines) < SEEDS
    # With other weights in it, a total is another quantity.
    keys = [k for k in quality(case) if k[0] not in main or not context.reweighted((case, *case.baselines))]
    limits = {k: smallest if not few else spread if k[0] in main else parts for k in keys}
    held = [one for key in keys if (one := _held(case, key, axis, last, limits[key])) is not None]
    adjusted = holm([one.p for one in held])
    worse = [one for one, p in zip(held, adjusted, strict=True) if p < alpha and one.excess > limits[one.key]]
    if worse:
        return _finding(case, worse, axis, limits)
    judged = [one for one in held if not one.reason]
    if not judged:
        return NotRun(CODE, held[0].reason if held else "the run and its baselines share no metric over a common range")
    said = "; ".join(f"{label(*one.key)} {number(one.level)} beside {one.band}" for one in judged[:3])
    return Pass(CODE, f"{said} of {count(len(case.baselines), 'baseline')}")


def _of_another_kind(case: Case) -> str:
    """Why the baselines are none for this run; a run whose type is not known may be of any."""
    kinds = sorted({one.loss_type.name for one in (case, *case.baselines)} - {GENERIC.name})
    return f"the run and its baselines have losses of different types: {', '.join(kinds)}" if len(kinds) > 1 else ""


def _held(case: Case, key: Key, axis: Axis, last: float, limit: float) -> Held | None:
    """A metric of the run beside that of all baselines; None where one of them lacks it, or they have no range."""
    series = [s for one in (case, *case.baselines) if (s := one.get(*key)) is not None]
    if len(series) <= len(case.baselines):
        return None
    curves = [points(one, s, axis) for one, s in zip((case, *case.baselines), series, strict=True)]
    place = window(curves, last)
    inside = [] if place is None else [c.within(place.start, place.end) for c in curves]
    if place is None or not all(map(len, inside)):
        return None
    levels = np.array([float(c.value.mean()) for c in inside])
    # Names that do not say it are those of losses.
    up = 1 if better(key[0]) <= 0 else -1
    worst = int(np.argmax(up * levels[1:]))
    size = abs(float(levels[1 + worst])) or math.nan
    excess = up * float(levels[0] - levels[1 + worst]) / size
    pairs = [found for c in curves[1:] if (found := estimate(c, curves[0], place)) is not None]
    apart = _gap([up * c.value for c in inside]) / size
    p, reason = _p(levels, up, pairs) if apart <= limit or len(curves) > SEEDS else (0.0, "")
    return Held(key, series[0], float(levels[0]), levels[1:], worst, excess, p, place, reason)


def _gap(worse_up: Sequence[Floats]) -> float:
    """How far the best value of the run lies above the worst of any baseline; negative where they overlap.

    Evaluations are few, and an interval of few points that hang together is none; this needs none.
    """
    run, *baselines = worse_up
    return float(run.min() - max(b.max() for b in baselines)) if run.size >= FEWEST else -math.inf


def _p(levels: Floats, up: int, pairs: Sequence[Estimate]) -> tuple[float, str]:
    """P of a run that is like its baselines; 1 where it is not worse than their mean."""
    if levels.size > SEEDS:
        tested = seeds.against(levels[1:], float(levels[0]))
        return (tested.p if up * tested.difference > 0 else 1.0), ""
    reason = next((found.reason for found in pairs if found.reason), "")
    return (math.nan, reason) if reason else (max(found.p for found in pairs), "")


def _finding(case: Case, worse: Sequence[Held], axis: Axis, limits: Mapping[Key, float]) -> Finding:
    first = next((one for one in worse if one.key[1] != "train"), worse[0])
    others = [f"{label(*one.key)} by {percent(one.excess)}" for one in worse if one is not first]
    more = f"; so do {', '.join(others[:4])}" if len(others) > 1 else f"; so does {others[0]}" if others else ""
    runs = count(len(case.baselines), "baseline")
    unfair = context.warnings({"this run": case, **_named(case.baselines)}, axis, first.place.end)
    phase = next((f"; {w}" for w in unfair if w.startswith("not the same phase")), "")
    unknown = "" if len(case.baselines) >= SEEDS else f"; give {SEEDS} baselines, so that the scatter of seeds is known"
    band = f"the worst of {runs} ({first.band})" if first.levels.size > 1 else f"its baseline ({first.band})"
    return Finding(
        CODE,
        NAME,
        "warn" if phase or len(case.baselines) < SEEDS else "fail",
        tuple(dict.fromkeys(one.key[0] for one in (first, *(w for w in worse if w is not first)))),
        f"{label(*first.key)} ends at {number(first.level)}, {percent(first.excess)} worse than {band}{more}",
        REMEDY,
        evidence=tuple(_evidence(case, first)),
        how=f"levels over {axis} {first.place.start:g} to {first.place.end:g}; worse by more than "
        f"{percent(limits[first.key])}, p {first.p:.2g} before Holm's correction{unknown}{phase}",
    )


def _named(baselines: Sequence[Case]) -> dict[str, Case]:
    return {f"baseline {one.run.name}": one for one in baselines}


def _evidence(case: Case, held: Held) -> Iterator[Evidence]:
    """The last value of the run, and of the worst baseline."""
    worst = case.baselines[held.worst]
    for one, series in ((case, held.series), (worst, worst.get(*held.key))):
        finite = np.flatnonzero(np.isfinite(series.value)) if series is not None else np.empty(0, np.int64)
        if series is not None and finite.size:
            yield evidence(one, series, int(finite[-1]))


RULE = Rule(CODE, NAME, "fail", check)
