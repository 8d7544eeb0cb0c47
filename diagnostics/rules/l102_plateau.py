"""L102: the training loss stops falling although the learning rate is still high."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, learning_rate, restarted, sound, unfit, warming_up
from trainvitals.diagnostics.evaluations import scatter
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import Blocks, blocks, median
from trainvitals.parsers.model import Floats

CODE, NAME = "L102", "plateau"

REMEDY = (
    "lower the learning rate (decay it now, by 3 to 10 times) and see whether the loss falls; if it does not, the "
    "model, the data or the labels set the limit"
)


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The end of a curve in which no block is better than those before."""

    cut: Blocks
    since: int
    """The last block that was better than all before it."""
    error: float
    """Standard error of the difference of two blocks."""

    @property
    def share(self) -> float:
        """Share of the run after that block."""
        return (self.cut.u.size - 1 - self.since) / self.cut.u.size

    @property
    def last_half(self) -> Stretch:
        """The last half of the run, though a block in it may lie a little below the best before it."""
        return replace(self, since=self.cut.u.size // 2 - 1)


def check(
    case: Case,
    *,
    flat: float = 0.3,
    smallest: float = 0.005,
    errors: float = 3.0,
    gained: float = 0.05,
    surely: float = 0.02,
    sudden: float = 5.0,
    not_before: float = 0.25,
    lasting: float = 0.5,
    still: float = 0.008,
    decayed: float = 0.11,
    blocks_needed: int = 10,
) -> Result:
    """The training loss fell, and then stopped falling for a long part of the run.

    What it checks: how much of the run passed since the train loss last reached a better level.

    Why it matters: compute is spent without effect. While the learning rate is high, a loss that stops at once has
    usually met a limit that a lower rate, or a repaired input, removes; after the decay it has simply converged.

    What to try: decay the learning rate; look at what else changed where the plateau begins (data, frozen layers,
    regularisation); a larger model or cleaner labels.

    How it decides: on 10 to 16 near-independent blocks in log space. A block is better when it lies max(`smallest` 0.5
    %, `errors` 3 standard errors) below the best so far. When none was for `flat` (30 %) of the run, or the last half
    of it settled in the sense below, after a gain of `gained` (5 %) since the first rows or the first block, and a line
    through that stretch, or through 6 or more evaluations in it, leaves no room for a fall of `surely` (2 %), it is an
    info. It is a warning where that lasts for `lasting` (50 %) of the run, with no room for `still` (0.8 %), and the
    learning rate is known to stay at 90 % of its peak or more; and where the fall stopped at once, `not_before` 25 % of
    the run: the three blocks before fell steadily, `sudden` (5) times as fast as the stretch may, at the most, still
    fall; and only if the learning rate is not known to be below `decayed` (11 %) of its peak there. At least
    `blocks_needed` (10) blocks, and no held-out loss that goes on falling. Source: definition of this tool;
    ReduceLROnPlateau counts evaluations, so that its verdict depends on how often is logged.

    Blind spots: a loss that comes to rest smoothly while the rate decays, or with a rate that is not logged, has
    converged and is no warning; tasks that stay on a plateau before they fall again.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(case.loss))
    count = c.blocks(16 if len(c) >= 48 else 0)
    if count < blocks_needed:
        return NotRun(CODE, f"inconclusive: {len(c)} points give {count} independent blocks of {blocks_needed} needed")
    s = _stretch(c, count, smallest, errors)
    if s.share < lasting and _even(s.last_half, smallest) and _settled(case, c, s.last_half, still):
        s = s.last_half
    if s.share < flat or not _gained(c, s, gained, 2 * errors) or _small(s):
        return Pass(CODE, f"the last better block is {s.share:.0%} of the run before its end".replace("%", " %"))
    start = int(s.cut.start[s.since + 1])
    if warming_up(case, c.x) or restarted(case, c.x, int(s.cut.start[s.since])):
        return NotRun(CODE, "inconclusive: the learning rate has risen since the last better block")
    rise = float(s.cut.u[s.since + 1 :].mean() - s.cut.u[s.since])
    fall, evaluated = _most_falls(case, c, s)
    if _falls(_held_out(case, c.x[start]), smallest):
        return Pass(CODE, f"no better block for {s.share:.0%} of the run, but validation falls".replace("%", " %"))
    if min(fall, evaluated) > surely or rise > math.log1p(gained):
        return Pass(CODE, f"no better block for {s.share:.0%} of the run, but it may still fall".replace("%", " %"))
    low = _decayed(case, c.x, start, decayed)
    high = s.share >= lasting and _settled(case, c, s, still) and _undecayed(case, c.x, start)
    alarming = not low and (high or (_clear(c) and fall <= surely and _sudden(s, fall, sudden, not_before)))
    severity: Severity = "warn" if alarming else "info"
    return _finding(case, c, s, start, min(fall, evaluated), low, severity)


def _stretch(c: Curve, count: int, smallest: float, errors: float) -> Stretch:
    cut = blocks(c.x, c.u, count)
    error = c.scatter(2.0) * math.sqrt(2 * min(1.0, c.memory / int(cut.n.min())))
    better = max(math.log1p(smallest), errors * error)
    best, since = float(cut.u[0]), 0
    for block, level in enumerate(cut.u.tolist()):
        if level < best - better:
            best, since = level, block
    return Stretch(cut, since, error)


def _gained(c: Curve, s: Stretch, gained: float, errors: float) -> bool:
    """Whether the loss had fallen before, from its first rows or from its first block."""
    for rows in (5, 20, int(s.cut.n[0])):
        error = math.hypot(s.error, c.scatter(2.0) * math.sqrt(min(1.0, c.memory / rows)))
        gain = float(c.u[:rows].mean() - s.cut.u[s.since])
        if rows <= s.cut.n[0] and gain >= max(math.log1p(gained), errors * error):
            return True
    return False


def _clear(c: Curve) -> bool:
    """Whether the curve is no short one that remembers, which comes to rest by chance (see `remembers`)."""
    return len(c) >= 2000 or c.noise.lag1 <= 0.5


def _settled(case: Case, c: Curve, s: Stretch, still: float) -> bool:
    """Whether the rows of a stretch, or its evaluations, leave no room for a fall."""
    fall, evaluated = _most_falls(case, c, s)
    rise = _most_fall(-c.u[int(s.cut.start[s.since + 1]) :], c.scatter(), c.memory)
    # A held-out loss may rest at its floor while the train loss falls beyond doubt: then no rise is possible.
    return (_clear(c) and fall <= still) or (evaluated <= still and rise > 0)


def _even(s: Stretch, smallest: float, errors: float = 3.5) -> bool:
    """Whether the blocks of a stretch lie at one level, and not below and above it by turns."""
    level = s.cut.u[s.since + 1 :]
    apart = float(np.abs(level - level.mean()).max())
    return apart <= max(math.log1p(smallest), errors * s.error / math.sqrt(2))


def _most_falls(case: Case, c: Curve, s: Stretch) -> tuple[float, float]:
    """The largest fall over a stretch that its rows, and its evaluations, leave possible."""
    start = int(s.cut.start[s.since + 1])
    held_out = _held_out(case, c.x[start])
    return _most_fall(c.u[start:], c.scatter(), c.memory), _most_fall(held_out, scatter(held_out), 1.0, fewest=6)


def _small(s: Stretch) -> bool:
    """Whether what is left of the loss is next to nothing."""
    return math.exp(float(s.cut.u[-1] - s.cut.u[0])) < 0.02


def _held_out(case: Case, since: float) -> Floats:
    """Ln of the held-out losses from a step on; empty where there are none that can be judged."""
    held_out = case.validation
    if held_out is None or unfit(case, held_out):
        return np.zeros(0)
    evaluated = curve(sound(held_out))
    return evaluated.u[evaluated.x >= since]


def _falls(u: Floats, smallest: float, errors: float = 3.0, needed: int = 4) -> bool:
    """Whether the held-out loss still falls over these evaluations: it is the batches then that hide it."""
    if u.size < needed:
        return False
    third = max(1, u.size // 3)
    # The first third may hold the end of the fall before.
    fall = float(u[-2 * third : -third].mean() - u[-third:].mean())
    return fall > max(math.log1p(smallest), errors * scatter(u) * math.sqrt(2 / third))


def _most_fall(u: Floats, noise: float, memory: float, fewest: int = 2, errors: float = 2.0) -> float:
    """The largest fall over these rows, in ln units, that a straight line through them leaves possible.

    Infinity for fewer rows than `fewest`.
    """
    if u.size < fewest:
        return math.inf
    t = np.arange(u.size) - (u.size - 1) / 2
    slope = float(u @ t / (t @ t))
    return max(0.0, errors * noise * math.sqrt(12 * memory / u.size) - slope * (u.size - 1))


def _decayed(case: Case, x: Floats, start: int, decayed: float) -> bool:
    rate = learning_rate(case, x)
    return rate is not None and bool(median(rate[start:]) <= decayed * rate.max())


def _undecayed(case: Case, x: Floats, start: int, high: float = 0.9) -> bool:
    """Whether the learning rate is known to have stayed near its peak until the end."""
    rate = learning_rate(case, x)
    return rate is not None and bool(rate[start:].min() >= high * rate.max())


def _sudden(s: Stretch, fall: float, times: float, not_before: float) -> bool:
    """Whether the blocks before fell steadily, and much faster than the stretch may fall."""
    if s.since < max(4, not_before * s.cut.u.size):
        return False
    before = -np.diff(s.cut.u[s.since - 3 : s.since + 1])
    pace, still = float(before.mean()), fall / (s.cut.u.size - 1 - s.since)
    # A loss that comes to rest smoothly falls by less from block to block. The last one holds a part of the fall only.
    steady = before[1] > 0 and 0.5 * before[1] < before[0] < 1.3 * before[1] - s.error
    return bool(steady and pace > max(times * still, 4 * s.error, math.log1p(0.01)))


def _finding(case: Case, c: Curve, s: Stretch, start: int, fall: float, low: bool, severity: Severity) -> Finding:
    level = math.exp(float(s.cut.u[s.since + 1 :].mean()))
    rate = ", after the learning rate had decayed" if low else ""
    return Finding(
        CODE,
        NAME,
        severity,
        (c.series.metric,),
        f"the loss fell by {-math.expm1(s.cut.u[s.since] - s.cut.u[0]):.1%} and stands at {level:.4g} for the last "
        f"{s.share:.0%} of the run{rate}".replace("%", " %").replace("  ", " "),
        REMEDY,
        c.step(start),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in sorted({0, start, len(c) - 1})),
        f"no better block of {s.cut.u.size}; a fall of more than {fall:.2%} is excluded there".replace("%", " %"),
    )


RULE = Rule(CODE, NAME, "warn", check)
