"""O102: the learning rate jumps up where no restart is due."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.optimiser import Rates, jumps, rates, regular
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Floats

CODE, NAME = "O102", "lr-jump"

REMEDY = (
    "check that the scheduler's state is restored with the optimiser's, that it is stepped once per optimiser step, "
    "and that two schedulers do not drive one optimiser; go back to the checkpoint before the jump"
)


def check(
    case: Case,
    *,
    factor: float = 3.0,
    trough: float = 0.12,
    above_peak: float = 1.5,
    flat_share: float = 0.1,
    points_needed: int = 8,
) -> Result:
    """The learning rate jumps up by more than three times, and it is no restart of a schedule.

    What it checks: rises of the learning rate from one logged point to the next.

    Why it matters: a model that has settled at a small rate is thrown out of its minimum by a large one; what the decay
    had gained is lost. Most jumps come from a scheduler that was not restored, or was given other settings.

    What to try: compare the settings before and after; restore the scheduler; resume from before the jump.

    How it decides: a jump is a rise by more than `factor` (3) that the next point confirms. It is expected while the
    rate climbs for the first time (warm-up, one cycle), unless it had been constant for `flat_share` (10 %) of the run;
    out of a trough of the schedule (`trough` 12 % of the highest rate so far, or one point short of it), as at a warm
    restart; and when all jumps come with a regular period, or one that grows by a constant factor. A rate of
    `above_peak` (1.5) times all that came before is never a restart. At least `points_needed` (8) points. Source:
    cosine annealing with warm restarts (Loshchilov and Hutter 2017) and one-cycle schedules are healthy and jump.

    Blind spots: drops are decay, however steep, and are not reported. A jump out of a trough to the old peak may be a
    second run from the first one's weights; both look the same. A jump by less than three times.
    """
    rate = rates(case)
    if rate is None:
        return NotRun(CODE, "no learning rate is logged", applicable=False)
    if len(rate) < points_needed:
        return NotRun(CODE, f"inconclusive: {len(rate)} learning rates of {points_needed} needed")
    places = jumps(rate, factor)
    if not places.size:
        return Pass(CODE, "the learning rate has no jump")
    before = _so_far(rate.value)
    wild = [int(i) for i in places if _unexplained(rate, int(i), before, trough, above_peak, flat_share)]
    raised = [i for i in wild if _top(rate, i) > above_peak * before.peak[i]]
    if not raised and regular(rate.x, places, rate.gap, float(rate.x[0])):
        return Pass(CODE, f"{places.size} restarts with a regular period")
    if not wild:
        return Pass(CODE, f"{places.size} jumps, all out of a trough")
    return _finding(case, rate, wild)


@dataclass(frozen=True, slots=True, eq=False)
class SoFar:
    """What came before each point of a rate, `(n,)` each: the highest value, and the largest fall between two."""

    peak: Floats
    fall: Floats


def _so_far(value: Floats) -> SoFar:
    highest = np.maximum.accumulate(value)
    steepest = np.minimum.accumulate(np.diff(value, prepend=value[:1]))
    return SoFar(*(np.concatenate([column[:1], column[:-1]]) for column in (highest, -steepest)))


def _top(rate: Rates, i: int) -> float:
    """The level after a jump: the lower of its first two points."""
    return float(rate.value[i : i + 2].min())


def _unexplained(rate: Rates, i: int, before: SoFar, trough: float, above_peak: float, flat_share: float) -> bool:
    value, peak = rate.value, float(before.peak[i])
    low = float(value[i - 1])
    if before.fall[i] <= 1e-6 * peak:
        return _flat_before(rate, i, flat_share)
    if _top(rate, i) > above_peak * peak:
        return True
    next_one = low - max(0.0, float(value[i - 2]) - low) if i > 1 else low
    return min(low, next_one) > trough * peak


def _flat_before(rate: Rates, i: int, share: float) -> bool:
    """Whether the rate had been constant and not 0 for a share of the run when it jumped."""
    level = rate.value[i - 1]
    same = np.flatnonzero(np.abs(rate.value[:i] - level) > 1e-6 * level)
    since = int(same[-1]) + 1 if same.size else 0
    length = float(rate.x[-1] - rate.x[0])
    return bool(level > 0 and i - since >= 5 and rate.x[i] - rate.x[since] >= share * length)


def _finding(case: Case, rate: Rates, wild: list[int]) -> Finding:
    s, first = rate.series, wild[0]
    before, after = rate.value[first - 1], rate.value[first]
    others = f", and {len(wild) - 1} more times" if len(wild) > 1 else ""
    by = f"by {after / before:.3g} times, from {before:.3g} to {after:.3g}" if before > 0 else f"from 0 to {after:.3g}"
    return Finding(
        CODE,
        NAME,
        "warn",
        (s.metric,),
        f"{s.logged_as} jumps up {by} at step {s.step[first]:.9g}{others}: no warm-up and no restart is due there",
        REMEDY,
        float(s.step[first - 1]),
        float(s.step[wild[-1]]),
        tuple(evidence(case, s, i) for i in sorted({first - 1, first, wild[-1]})),
        f"{len(wild)} jumps beyond the factor that no schedule explains, of {len(rate)} points",
    )


RULE = Rule(CODE, NAME, "warn", check)
