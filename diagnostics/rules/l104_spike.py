"""L104: the loss, or the gradient norm, shoots up within a few rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, label, learning_rate, percent, sound, unfit, window
from trainvitals.diagnostics.jumps import Event, spikes
from trainvitals.diagnostics.optimiser import positive
from trainvitals.diagnostics.report import Finding, NotRun, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median

CODE, NAME = "L104", "spike"

REMEDY = (
    "look at the batches just before (by step and seed) and at the gradient norm; clip the gradient at 1.0, lengthen "
    "the warm-up or lower the learning rate; skip the batch if it is broken"
)
GO_BACK = "resume from a checkpoint before it and skip the batches around it, with a lower learning rate"


@dataclass(frozen=True, slots=True)
class Spike:
    """A stretch above the course, and what became of it."""

    event: Event
    back: int
    """Index of the row from which the curve is back on its course; -1 if it never is, or nobody can know yet."""
    known: bool
    excess: float
    """How far the end of the curve lies above the course before the spike."""


def check(
    case: Case,
    *,
    z: float = 8.0,
    rise: float = 0.05,
    gradient_rise: float = 2.0,
    many: int = 3,
    strong: float = 1.7,
    long: int = 3,
    long_rise: float = 0.2,
    rows: int = 20,
    lost: float = 0.1,
) -> Result:
    """The loss shoots up within a few rows.

    What it checks: the train loss and the gradient norm for stretches far above the rows before them, how many there
    are, and whether the loss came back.

    Why it matters: one spike that passes is usual in large models. Several say that the run is at the edge of what it
    can stand, and one that does not pass has destroyed something.

    What to try: find the batches by step and seed; clip the gradient; a lower learning rate, longer warm-up, a larger
    epsilon or a smaller beta2 of Adam; go back to a checkpoint before a spike that did not pass and skip its batches.

    How it decides: in log space, against the median and MAD of the rows before (a window of 32 to 256, without earlier
    spikes), for rows and, from 500 rows on, for means of 8. A spike begins above `z` (8) robust standard deviations, or
    more where what falls out downwards has heavy tails (1.5 times its 99.9 % quantile), and a rise of `rise` (5 %; for
    the gradient norm a factor of `gradient_rise`, 2), a third of it within 4 rows, and ends below 3; it must be 2 % of
    the first loss high. It has passed when the median of the next max(`rows`, 2 % of the run) rows, or of later ones,
    is within 2 standard deviations or a tenth of its height of the level before. It fails when that never happens,
    `rows` (20) rows follow, and the loss ends `lost` (10 %) above and 1.5 times as far as from any spike that passed.
    `many` (3) are a warning when each is strong: `strong` (1.7) times the level (in 5000 rows or more for 2 rows) or
    `long` (3) rows above `long_rise` (20 %), and when it is no batch with a mistake (up to half of the first loss)
    among losses below 2 % of it. Anything else is for information: hard batches stand out by 40 % in healthy runs.
    Spikes at a regular distance, or where the learning rate rises by half, are expected. Source: OLMo 2's spike score
    (share of rows 7 standard deviations from the mean of 1000), which is printed but does not decide, because a long
    spike inflates the standard deviation that it is measured by.

    Blind spots: the first 32 rows; spikes that are shorter than the distance of two rows; losses that can be negative.
    """
    loss = case.loss
    if loss is None or not len(loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, loss)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(loss))
    if len(c) < 32 + rows // 2:
        return NotRun(CODE, f"inconclusive: {len(c)} finite points, spikes are seen from {32 + rows // 2} on")
    events, bar = spikes(c.u, z_min=z, rise=math.log1p(rise))
    events = _expected_out(case, c, events)
    if not events:
        calm = Pass(CODE, f"no row stands out by {bar:.0f} robust standard deviations")
        return _of_gradient(case, z, gradient_rise) or calm
    found = [_followed(c, e, rows) for e in events]
    severity = _severity(c, found, many, strong, long, long_rise, lost)
    return _finding(case, c, found, severity, bar)


def _expected_out(case: Case, c: Curve, events: list[Event]) -> list[Event]:
    """Without what is a few units of nothing, and without what a higher learning rate explains."""
    first = float(np.exp(median(c.u[: max(1, min(8, len(c) // 10))])))
    kept = [e for e in events if math.exp(c.u[e.peak]) * -math.expm1(-e.rise) >= 0.02 * first]
    rate = learning_rate(case, c.x)
    if rate is None:
        return kept
    return [e for e in kept if rate[e.peak] < 1.5 * float(np.min(rate[max(0, e.start - 32) : e.start + 1]))]


def _one_mistake(c: Curve, e: Event, learnt: float = 0.02, half: float = 0.5) -> bool:
    """Whether a row stands out among losses of next to nothing, as a batch does of which one answer is wrong."""
    peak, first = float(c.u[e.peak]), float(c.u[:8].max())
    return peak - e.rise < first + math.log(learnt) and peak < first + math.log(half)


def _followed(c: Curve, e: Event, rows: int) -> Spike:
    before = c.u[max(0, e.start - 64) : e.start]
    base, spread = median(before), float(np.std(before - median(before)))
    allowed = base + max(2 * min(spread, c.noise.sd), 0.1 * e.rise)
    span = max(rows, len(c) // 50)
    after = c.u[e.peak + 1 :]
    last = median(after[-span:]) if after.size else float(c.u[e.peak])
    for start in range(e.end - e.peak - 1, max(min(1, after.size), after.size - span // 2), max(1, span // 2)):
        if median(after[start : start + span]) <= allowed:
            return Spike(e, e.peak + 1 + start, True, last - base)
    return Spike(e, -1, after.size >= rows, last - base)


def _severity(
    c: Curve, found: list[Spike], many: int, strong: float, long: int, long_rise: float, lost: float
) -> Severity:
    passed = max((s.event.rise for s in found if s.back >= 0), default=0.0)
    # Of a huge spike a small part is much.
    left = [(s, min(0.25 * s.event.rise, math.log(2))) for s in found if s.back < 0 and s.known]
    stuck = [s for s, part in left if s.excess >= max(math.log1p(lost), part)]
    if any(s.excess > 1.5 * passed or s.excess > math.log(2) for s in stuck):
        return "fail"
    # Among very many rows of noise with heavy tails a single one is anywhere.
    least = 2 if len(c) >= 5000 else 1
    high = [
        s
        for s in found
        if not _one_mistake(c, s.event)
        if (s.event.rise >= math.log(strong) and s.event.rows >= least)
        or (s.event.rows >= long and s.event.rise >= math.log1p(long_rise))
    ]
    return "warn" if len(high) >= many and not _regular(high) else "info"


def _regular(found: list[Spike]) -> bool:
    """Whether the spikes come at equal distances, as restarts and epochs do."""
    apart = np.diff([s.event.start for s in found])
    return bool(apart.size >= 2 and np.ptp(apart) <= max(2, 0.05 * float(np.mean(apart))))


def _of_gradient(case: Case, z: float, least: float) -> Finding | None:
    """Spikes of the gradient norm that the loss does not show: for information."""
    norm = case.get("grad_norm")
    if norm is None or not len(norm):
        return None
    g = positive(norm)
    # No row stands further above the median of a window before it than above the lowest row before it.
    if not len(g) or (g.u - np.minimum.accumulate(g.u)).max() < math.log(least):
        return None
    events, bar = spikes(g.u, z_min=z, rise=math.log(least)) if len(g) >= 42 else ([], z)
    if not events or len(events) > len(g) / 100 + 2:
        return None
    top = max(events, key=lambda e: e.rise)
    return Finding(
        CODE,
        NAME,
        "info",
        (norm.metric,),
        f"{norm.logged_as} shoots up {_times(len(events))}, the most{window(g.step(top.peak), g.step(top.peak))} by "
        f"{percent(top.rise)}; the loss does not show it",
        REMEDY,
        g.step(events[0].start),
        g.step(events[-1].end - 1),
        tuple(evidence(case, g.series, i) for i in sorted({events[0].start - 1, top.peak})),
        f"robust z = {top.z:.0f}, {bar:.0f} needed",
    )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _finding(case: Case, c: Curve, found: list[Spike], severity: Severity, bar: float) -> Finding:
    stuck = [s for s in found if s.back < 0 and s.known]
    top = max(stuck if severity == "fail" else found, key=lambda s: s.event.rise)
    e = top.event
    low, high = math.exp(c.u[e.peak] - e.rise), math.exp(c.u[e.peak])
    after = "; the log ends too soon after it to say more"
    if top.back >= 0:
        after = f", and is back{window(c.step(top.back), c.step(top.back))}"
    elif top.known:
        after = f", and has not come back: it ends {percent(top.excess)} from its level before"
    worst = "" if len(found) == 1 else ", the most"
    last = len(c) - 1 if severity == "fail" else max(s.event.end for s in found) - 1
    cited = sorted({e.start - 1, e.peak, *([top.back] if top.back >= 0 else [len(c) - 1])})
    return Finding(
        CODE,
        NAME,
        severity,
        (c.series.metric,),
        f"{label(c.series)} shoots up {_times(len(found))}{worst} from {low:.4g} to {high:.4g}"
        f"{window(c.step(e.peak), c.step(e.peak))}{after}",
        GO_BACK if severity == "fail" else REMEDY,
        c.step((e if severity == "fail" else found[0].event).start),
        c.step(min(last, len(c) - 1)),
        tuple(evidence(case, c.series, i) for i in cited),
        f"robust z = {e.z:.0f}, {bar:.0f} needed; OLMo spike score {spike_score(c):.2%}".replace("%", " %"),
    )


def spike_score(c: Curve, width: int = 1000, sd: float = 7.0) -> float:
    """OLMo 2's share of values at least 7 standard deviations from the mean of the 1000 before (at least 32)."""
    values = c.series.value
    total, squares = (np.concatenate([[0.0], np.cumsum(v)]) for v in (values, values**2))
    at = np.arange(32, values.size)
    first = np.maximum(0, at - width)
    count = at - first
    mean = (total[at] - total[first]) / count
    spread = np.sqrt(np.maximum(0.0, (squares[at] - squares[first]) / count - mean**2))
    return float(np.mean(np.abs(values[at] - mean) >= np.maximum(sd * spread, 1e-9))) if at.size else 0.0


RULE = Rule(CODE, NAME, "info", check)
