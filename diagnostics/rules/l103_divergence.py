"""L103: the training loss gives back what it had gained and stays there."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, percent, restarted, share_done, sound, unfit, warming_up
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import MEDIAN_SE, Blocks, block_medians, blocks, median, trend
from trainvitals.parsers.model import Floats

CODE, NAME = "L103", "divergence"

REMEDY = (
    "go back to the checkpoint before the rise, lower the learning rate (by 2 to 5 times) or lengthen the warm-up, "
    "and clip the gradient norm at 1.0"
)


NOISY = 0.15
"""Noise of a row from which a wandering train loss is believed only if the held-out loss does not contradict it."""

SLIGHT = 0.25
"""Rise below which the same holds: batches of other sources differ by as much."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A loss as block medians in ln units: where it began, its best block and the level at which it ends."""

    cut: Blocks
    medians: Floats
    first: float
    best: int
    last: float
    error: float
    """Standard error of the difference of two blocks."""

    @property
    def gain(self) -> float:
        """Fall from the start to the best block."""
        return self.first - float(self.medians[self.best])

    @property
    def rise(self) -> float:
        """Rise from the best block to the end."""
        return self.last - float(self.medians[self.best])

    def given_back(self, errors: float) -> float:
        """Share of the gain that was lost again; of the gain since the first block where that is beyond the noise."""
        since_block = float(self.medians[0] - self.medians[self.best])
        gain = since_block if since_block > errors * self.error else self.gain
        return self.rise / gain if gain > 0 else math.inf

    @property
    def linear_share(self) -> float:
        """The same in units of the loss itself: what a memorised set loses at 0.001 is nothing."""
        best, first = math.exp(self.medians[self.best]), math.exp(self.first)
        return (math.exp(self.last) - best) / (first - best) if first > best else math.inf

    @property
    def recovered(self) -> float:
        """Largest rise above the best so far that was made good later."""
        before = self.medians[: self.best + 1]
        return float((before - np.minimum.accumulate(before)).max())


def check(
    case: Case,
    *,
    fail_share: float = 0.5,
    warn_share: float = 0.2,
    lasting: float = 0.1,
    blocks_needed: int = 6,
    errors: float = 6.0,
    smallest: float = 0.05,
    large_rise: float = 0.2,
    above_start: float = 0.1,
    leapt: float = 5.0,
) -> Result:
    """The training loss gives back what it had gained, or ends above its start.

    What it checks: where the training loss ends, against its best block and against its start.

    Why it matters: the model that is being saved now is worse than one that was there before; further training seldom
    brings it back.

    What to try: go back to the checkpoint before the rise; lower the learning rate, lengthen the warm-up, clip
    the gradient; look at the batches of the first rising step.

    How it decides: on medians of up to 16 near-independent blocks in log space. Give-back G = (end - best) / (start
    - best), the end being the lowest block of the last `lasting` 10 % of the run, the start the first block (or the
    first rows, where the first block is already at the floor). It fails at G >= `fail_share` (0.5) and a rise of 10
    %. It warns at G >= `warn_share` (0.2) or a rise of `large_rise` (20 %) that lasts for a sixth of the run or
    comes with a significantly rising trend since the best block. Either needs a gain of more than `errors` (6)
    standard errors, and a rise of at least `smallest` (5 %), 4 standard errors, a twentieth of the gain in the
    loss's own units, and 1.5 times any rise that the run recovered from before. A run that never gained fails when
    it ends more than `above_start` (10 %) and 6 standard errors above its start. It fails too when the first row
    lies below every block that follows, by a factor of 2 and `leapt` (5) times the noise of a row, or below every
    row by a factor of 1.5: a loss that leapt up at once. A loss whose rows scatter by more than 15 %, or that rose
    by less than 25 %, has not diverged while the held-out loss of 3 later evaluations is within 3 % of its best.
    At least `blocks_needed` (6) blocks. Source: definition of this tool, measured on generated runs.

    Blind spots: a rise in the last tenth of the run; a rise while the learning rate is back at a level that it had
    before (warm restarts) is left open. A change of the data's difficulty looks the same.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(case.loss))
    count = c.blocks()
    if count < blocks_needed:
        return NotRun(CODE, f"inconclusive: {len(c)} points give {count} independent blocks of {blocks_needed} needed")
    course = follow(c, count, lasting)
    if _leapt(c, course, leapt) and not warming_up(case, c.x):
        return _finding(case, c, replace(course, first=float(c.u[0])), course.given_back(errors), "fail")
    gained = course.gain > errors * course.error
    if not gained:
        return _above_start(case, c, course, errors, above_start)
    given_back = course.given_back(errors)
    severity = _severity(c, course, given_back, fail_share, warn_share, smallest, large_rise)
    if severity is None:
        return Pass(CODE, f"the loss ends {percent(max(course.rise, 0.0))} from its best block")
    if course.last < course.first and restarted(case, c.x, int(course.cut.start[course.best])):
        return NotRun(CODE, "inconclusive: the learning rate has been restarted since the best block")
    doubtful = c.scatter() > NOISY or course.rise < math.log1p(SLIGHT)
    if doubtful and _held_out_holds(case, c.x[int(course.cut.start[course.best])]):
        return Pass(CODE, "the loss ends higher, but the held-out loss is at its best")
    return _finding(case, c, course, given_back, severity)


def _held_out_holds(case: Case, since: float, near: float = 0.03, needed: int = 5, after: int = 3) -> bool:
    """Whether the last held-out losses are as good as the best one, so that it is the batches that differ."""
    held_out = case.validation
    if held_out is None:
        return False
    good = np.isfinite(held_out.value)
    finite, late = held_out.value[good], held_out.step[good] > since
    # Without steps in the log nobody knows which evaluations came after the rise.
    if finite.size < needed or finite.min() <= 0 or late.sum() < after:
        return False
    return bool(median(finite[-after:]) <= (1 + near) * finite.min())


def _leapt(c: Curve, course: Course, rows: float) -> bool:
    """Whether the loss left its first row at once, upwards, and never came back."""
    leap = float(course.medians.min() - c.u[0])
    alone = float(c.u[1:].min() - c.u[0]) > math.log(1.5)
    return leap > math.log(2) and (alone or leap > rows * c.scatter(2.0))


def follow(c: Curve, count: int, lasting: float) -> Course:
    """The course of a curve in `count` blocks."""
    cut = blocks(c.x, c.u, count)
    medians = block_medians(c.u, cut)
    size = int(cut.n.min())
    starts = [median(c.u[:k]) for k in (3, 10, 30, size) if k <= size]
    tail = max(1, math.ceil(lasting * count))
    error = MEDIAN_SE * c.scatter(2.0) * math.sqrt(2 * min(1.0, c.memory / size))
    return Course(cut, medians, max(starts), int(medians.argmin()), float(medians[-tail:].min()), error)


def _severity(
    c: Curve, course: Course, given_back: float, fail: float, warn: float, smallest: float, large: float
) -> Severity | None:
    noticed = max(math.log1p(smallest), 4 * course.error, 1.5 * course.recovered * (course.last < course.first))
    if course.rise < max(noticed, c.wander) or course.linear_share < 0.05:
        return None
    if given_back >= fail and course.rise >= math.log1p(2 * smallest):
        return "fail"
    if given_back < warn and course.rise < math.log1p(large):
        return None
    since = int(course.cut.start[course.best])
    stays = course.medians[-max(3, course.medians.size // 6) :] >= course.medians[course.best] + course.rise / 2
    return "warn" if stays.all() or trend(c.x[since:], c.u[since:]).direction == "rising" else None


def _above_start(case: Case, c: Curve, course: Course, errors: float, above: float) -> Result:
    rise = course.last - course.first
    if rise <= max(errors * course.error, math.log1p(above), c.wander):
        return Pass(CODE, "the loss does not rise above its start")
    if warming_up(case, c.x) or share_done(case, c.series) < 0.1:
        return NotRun(CODE, "inconclusive: the loss rises, but the run is in its warm-up")
    return _finding(case, c, course, course.given_back(errors), "fail")


def _finding(case: Case, c: Curve, course: Course, given_back: float, severity: Severity) -> Finding:
    start = int(course.cut.start[course.best])
    size = int(course.cut.n[course.best])
    best = start + int(np.abs(c.u[start : start + size] - course.medians[course.best]).argmin())
    message = (
        f"the loss fell to {math.exp(course.medians[course.best]):.4g} around step {c.step(best):.9g} and ends at "
        f"{math.exp(course.last):.4g} ({percent(course.rise)}), "
    )
    if course.first < course.medians[course.best]:
        message = (
            f"the loss leapt from {math.exp(course.first):.4g} in its first row, stays above "
            f"{math.exp(course.medians[course.best]):.4g} from then on and ends at {math.exp(course.last):.4g}"
        )
    elif course.last > course.first:
        message += f"above the {math.exp(course.first):.4g} of its first rows"
    elif given_back >= 1:
        message += "giving back all that it had gained since its first block"
    else:
        message += f"giving back {given_back:.0%} of what it had gained".replace("%", " %")
    return Finding(
        CODE,
        NAME,
        severity,
        (c.series.metric,),
        message,
        REMEDY,
        c.step(best),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in sorted({0, best, len(c) - 1})),
        f"give-back {given_back:.2f} of a gain of {course.gain / course.error:.0f} standard errors, "
        f"block medians of {course.medians.size} blocks in log space",
    )


RULE = Rule(CODE, NAME, "fail", check)
