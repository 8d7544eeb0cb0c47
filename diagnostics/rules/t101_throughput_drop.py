"""T101: steps take longer than they did."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, level, other_aim
from trainvitals.diagnostics.pace import Pace, pace_of
from trainvitals.diagnostics.report import Evidence, Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import MAD_TO_SD, MEDIAN_SE, block_medians, blocks, median, short_memory

CODE, NAME = "T101", "throughput-drop"

REMEDY = (
    "look at the machine since this step: another job on the same GPU or disk, thermal throttling, a data loader or "
    "swap that fills up, growing lists that hold graphs; then at longer sequences in the data"
)


def check(
    case: Case,
    *,
    warn_factor: float = 1.25,
    fail_factor: float = 2.0,
    errors: float = 5.0,
    spread: float = 4.0,
    points_needed: int = 30,
    start_share: float = 0.05,
) -> Result:
    """The last steps take much longer than steps of this run usually did.

    What it checks: the time per step at the end of the log against the quicker part of the run, from step times, from
    throughput (tokens before samples before steps), or from time stamps.

    Why it matters: the rest of the run costs that much more, and the cause seldom goes away: a memory that fills up, a
    second job on the machine, a disk that is full.

    What to try: look at the machine from the named step on; compare GPU use, data-loader waits and memory before
    and after.

    How it decides: in log space, leaving out the first `start_share` (5 %) of the points. The usual pace is the lower
    fifth of up to 16 block medians; the pace now is the median of the last tenth of the points (6 at least), and both
    halves of these must agree. It warns at `warn_factor` (1.25), fails at `fail_factor` (2), and needs `errors` (5)
    standard errors and `spread` (4) times what stretches of the run before differ by. Medians leave out evaluations,
    checkpoints and other single pauses. Step times are divided by a batch size or a sequence length that is logged
    and changes. At least `points_needed` (30) points. Source: definition of this tool.

    Blind spots: longer sequences late in the data look the same where only step times are logged. A mean since the
    start (progress bars) hides a drop. A run that was slow from its first step. Step times of policy-gradient
    training, whose answers and episodes grow longer, are not judged.
    """
    pace = pace_of(case)
    if pace is None:
        return NotRun(CODE, "no step times, throughput or time stamps are logged", applicable=False)
    reason = other_aim(case)
    if reason and not pace.inverse:
        return NotRun(CODE, f"longer answers and episodes take longer: {reason.partition(':')[0]}", applicable=False)
    c = pace.curve
    if len(c) < points_needed:
        return NotRun(CODE, f"inconclusive: {len(c)} step times of {points_needed} needed")
    skip = max(1, math.ceil(start_share * len(c)))
    u = c.u[skip:]
    count = int(min(16, u.size // 5))
    medians = block_medians(u, blocks(c.x[skip:], u, count))
    usual = float(np.sort(medians)[int(0.2 * (medians.size - 1))])
    tail = max(6, len(c) // 10)
    late = u[-tail:]
    now = median(late)
    halves = min(median(late[: tail // 2]), median(late[tail // 2 :]))
    slower = now - usual
    if min(slower, halves - usual) < math.log(warn_factor) or slower < errors * _error(c, tail):
        return Pass(CODE, f"{pace.what}: the last steps take {level(slower):.2f} times the usual")
    start = _onset(c, skip, usual, now)
    if slower < spread * _wander(c, skip, start, tail):
        return Pass(CODE, f"{pace.what} wanders as much all the time")
    return _finding(case, pace, (skip, start), usual, now, "fail" if slower >= math.log(fail_factor) else "warn")


def _error(c: Curve, tail: int) -> float:
    """Standard error of the median of the last points."""
    return MEDIAN_SE * c.scatter() * math.sqrt(min(1.0, c.memory / tail))


def _onset(c: Curve, skip: int, usual: float, now: float) -> int:
    """Index after which the pace stays above the middle between usual and now."""
    count = int(np.clip((len(c) - skip) // 5, 1, 200))
    cut = blocks(c.x[skip:], c.u[skip:], count)
    low = np.flatnonzero(block_medians(c.u[skip:], cut) < (usual + now) / 2)
    last = int(low[-1]) + 1 if low.size else 0
    return skip + int(cut.start[min(last, count - 1)])


def _wander(c: Curve, skip: int, start: int, tail: int) -> float:
    """How far stretches as long as the last one lie apart before the drop, in ln units.

    The larger of what the blocks differ by, and of what the scatter and the memory of single points give; pauses count
    as no more than 3 times the scatter. 0 where there are fewer than 15 points.
    """
    u = c.u[skip:start]
    count = min(16, u.size // 5)
    if count < 3:
        return 0.0
    centre = median(u)
    sd = MAD_TO_SD * median(np.abs(u - centre))
    error = MEDIAN_SE * sd * math.sqrt(short_memory(np.clip(u, centre - 3 * sd, centre + 3 * sd)) / tail)
    return max(error, float(np.std(block_medians(u, blocks(u, u, count)), ddof=1)))


def _finding(case: Case, pace: Pace, at: tuple[int, int], usual: float, now: float, severity: Severity) -> Finding:
    c = pace.curve
    skip, start = at
    sign = -1 if pace.inverse else 1
    levels = (level(sign * usual), level(sign * now))
    plain = np.array_equal(c.series.value, pace.source.value) and np.allclose(
        np.abs(c.u), np.abs(np.log(c.series.value))
    )
    told = f" ({pace.what}: {levels[0]:.4g} usually, {levels[1]:.4g} now)" if plain else ""
    return Finding(
        CODE,
        NAME,
        severity,
        (pace.source.metric,),
        f"steps take {level(now - usual):.2f} times as long as usual since step {c.step(start):.9g}{told}",
        REMEDY,
        c.step(start),
        c.step(-1),
        tuple(_cited(case, pace, i) for i in sorted({skip, start, len(c) - 1})),
        f"median of the last {max(6, len(c) // 10)} of {len(c)} points against the lower fifth of the block medians",
    )


def _cited(case: Case, pace: Pace, index: int) -> Evidence:
    """A point of the log; of time stamps the value that was computed from two of them."""
    cited = evidence(case, pace.source, index)
    if pace.what != "time per step":
        return cited
    step = pace.source.step[index]
    text = f"step {step:.9g}: {pace.source.value[index]:.4g} s per step by the time stamps"
    return Evidence(cited.path, cited.line, text)


RULE = Rule(CODE, NAME, "warn", check)
