"""Several charts under one another with one x axis: what is drawn in each, and what is said about what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.charts import axes
from trainvitals.diagnostics.charts.axes import Axis
from trainvitals.diagnostics.charts.palette import Style
from trainvitals.diagnostics.charts.traces import LARGEST, Drawn, Line, Trace, Window, outside
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.report import SEVERITIES, Finding, told
from trainvitals.parsers.model import Floats

MOST_PANELS = 6
MOST_RUNS = 10
MOST_FINDINGS = 12
"""Findings that one panel names; the worst, then the earliest."""

WIDE = 30.0
"""From so many times the smallest value on the largest asks for a logarithmic axis."""
POINTS = 24_000
"""Points that all panels together draw: more are not seen, and make the browser slow."""
ROOM = 0.03
"""Share of the height that is left free at the top and at the bottom."""
FEWEST_COLUMNS, MOST_COLUMNS = 100, 1000


@dataclass(frozen=True, slots=True, eq=False)
class Ink:
    """One series of a panel, ready to be drawn; `label` is the name of its run as it may be shown."""

    label: str
    style: Style
    trace: Trace
    drawn: Drawn
    smooth: Line | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A finding on the x axis, from `x` to `x2`, in the axis' own unit."""

    run: str
    code: str
    severity: str
    message: str
    x: float
    x2: float


@dataclass(frozen=True, slots=True)
class Painted:
    """An area from `x` to `x2` and `low` to `high`, and what values in it mean: `good`, a severity or `none`."""

    x: float
    x2: float
    low: float
    high: float
    meaning: str
    label: str


@dataclass(frozen=True, slots=True)
class Aimed:
    """The range that values should have at a position."""

    x: float
    low: float
    high: float
    label: str


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """The range of several runs around their mean; shapes `(n,)`."""

    label: str
    x: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """One chart: a metric, the range of y that is shown, and whether y is logarithmic.

    `notes` say what is not drawn as a line, and by what it is marked; `facts` are the same without the marks.
    """

    metric: str
    inks: tuple[Ink, ...]
    low: float
    high: float
    log: bool
    marks: tuple[Mark, ...] = ()
    notes: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    painted: tuple[Painted, ...] = ()
    aimed: tuple[Aimed, ...] = ()
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """The x axis that all panels share.

    `factor` turns positions into what the axis counts: hours instead of seconds, or the milliseconds of a date.
    """

    title: str
    low: float
    high: float
    factor: float = 1.0
    log: bool = False
    is_date: bool = False
    window: Window = field(default_factory=Window)


def columns(lines: int) -> int:
    """Pixel columns for each of so many lines, that all of them together stay within `POINTS`."""
    return int(np.clip(POINTS // (3 * max(lines, 1)), FEWEST_COLUMNS, MOST_COLUMNS))


def frame(traces: Sequence[Trace], axis: Axis, window: Window, units: Sequence[str] = ()) -> Frame:
    """The axis over these traces, or over the window where that is set; `units` are what the runs' steps count."""
    spans = [(float(x[0]), float(x[-1])) for t in traces if (x := t.x[t.x > 0] if window.log else t.x).size]
    low = min((a for a, _ in spans), default=0.1) if window.start == -np.inf else window.start
    high = max((b for _, b in spans), default=1.0) if window.end == np.inf else window.end
    low, high = _widened(*_bounded(low, high, log=window.log), log=window.log)
    if axis == "clock":
        return Frame("", low, high, axes.MILLISECONDS, window.log, is_date=True, window=window)
    if axis == "relative":
        name, size = axes.unit(high)
        return Frame(f"{name} since the start", low, high, 1 / size, window.log, window=window)
    counted = dict.fromkeys(units)
    return Frame(" / ".join(counted) if axis == "step" and counted else axis, low, high, 1.0, window.log, window=window)


def is_log(traces: Sequence[Trace], window: Window) -> bool:
    """Whether a logarithmic axis has anything to show of them: some value within the window is positive."""
    return any(bool((t.y[part][window.inside(t.x[part])] > 0).any()) for t in traces for part in [window.cut(t.x)])


def is_wide(drawn: Sequence[Drawn], *, trim: bool = False) -> bool:
    """Whether all values are positive, and a linear axis would show little but the largest ones.

    With `trim` the range without outliers counts, as that is what is shown.
    """
    ends = [one.trimmed if trim else (one.low, one.high) for one in drawn]
    low, high = min((a for a, _ in ends if a == a), default=0.0), max((b for _, b in ends if b == b), default=0.0)
    return low > 0 and high > WIDE * low


def panel(
    metric: str, inks: Sequence[Ink], window: Window, *, log: bool, trim: bool, marks: Sequence[Mark] = ()
) -> Panel:
    """A chart of these series; with `trim` its range leaves outliers out, and says how many.

    `log` must be what the inks were drawn for.
    """
    drawn = [ink.drawn for ink in inks]
    lows, highs = ([d.trimmed[i] if trim else (d.low, d.high)[i] for d in drawn] for i in (0, 1))
    low = min((v for v in lows if np.isfinite(v)), default=0.0)
    high = max((v for v in highs if np.isfinite(v)), default=1.0)
    if trim:
        # No wider than the values are.
        low = max(low, min((d.low for d in drawn if np.isfinite(d.low)), default=low))
        high = min(high, max((d.high for d in drawn if np.isfinite(d.high)), default=high))
    low, high = _roomy(*_widened(*_bounded(low, high, log=log), log=log), log=log)
    away = sum(outside(ink.trace, window, low, high) for ink in inks) if trim else 0
    said = _notes(inks, away, window)
    facts = tuple(fact for fact, _ in said)
    return Panel(metric, tuple(inks), low, high, log, _worst(marks), tuple(map("".join, said)), facts)


def marks(case: Case, findings: Sequence[Finding], metric: str, axis: Axis) -> list[Mark]:
    """Where the findings about a metric lie on the axis; those without a step, or off the axis, are left out."""
    series = next((s for s in case.run.series if s.metric == metric), None)
    if series is None:
        return []
    x = axes.position(case, series, axis)
    known = np.isfinite(x) & np.isfinite(series.step)
    steps, places = series.step[known], x[known]
    if not steps.size:
        return []
    order = np.argsort(steps, kind="stable")
    found = []
    for one in told(tuple(findings)):
        if metric in one.metrics and one.step_start == one.step_start:
            end = one.step_end if one.step_end == one.step_end else one.step_start
            start, stop = np.interp([one.step_start, end], steps[order], places[order]).tolist()
            # What is worth knowing of a run as a whole has no place on its axis.
            if one.severity != "info" or start > places.min() or stop < places.max():
                found.append(Mark(case.run.name, one.code, one.severity, one.message, start, max(start, stop)))
    return found


def summary(panels: Sequence[Panel], shown: Frame) -> str:
    """What is to be seen, in words, for those who do not see it."""
    parts = []
    for one in panels:
        lines = "; ".join(_course(ink) for ink in one.inks[:MOST_RUNS])
        parts.append(f"{terminal(one.metric)}: {lines}" + (", logarithmic" if one.log else ""))
    return terminal(f"Curves over {shown.title or 'time of day'}. {'. '.join(parts)}", 2000)


def _course(ink: Ink) -> str:
    y = ink.drawn.line.y[np.isfinite(ink.drawn.line.y)]
    split = f" ({ink.trace.split})" if ink.trace.split not in ("train", "") else ""
    return f"{ink.label}{split} from {y[0]:.4g} to {y[-1]:.4g}" if y.size else f"{ink.label}{split} has no finite value"


def _notes(inks: Sequence[Ink], away: int, window: Window) -> list[tuple[str, str]]:
    """What is not drawn as a line, and how it is marked."""
    broken = sum(ink.drawn.broken_points for ink in inks)
    sunk = sum(ink.drawn.sunk_points for ink in inks)
    unplaced = sum(ink.trace.unplaced for ink in inks)
    early = sum(int(np.count_nonzero(ink.trace.x <= 0)) for ink in inks) if window.log else 0
    return [
        *([(f"{_points(away)} outside the range shown", ", marked by triangles at its edge")] if away else []),
        *([(f"{_values(broken)} not finite", ", marked by ticks below the curve")] if broken else []),
        *([(f"{_values(sunk)} 0 or less", ": crosses, as a logarithmic axis cannot show them")] if sunk else []),
        *([(f"{_points(early)} at 0 or before left out: a logarithmic axis has no such place", "")] if early else []),
        *([(f"{_points(unplaced)} left out: their place on this axis is unknown", "")] if unplaced else []),
    ]


def _points(count: int) -> str:
    return f"{count:,} point{'' if count == 1 else 's'}"


def _values(count: int) -> str:
    return f"{count:,} value{' is' if count == 1 else 's are'}"


def _worst(found: Sequence[Mark]) -> tuple[Mark, ...]:
    ordered = sorted(found, key=lambda mark: (SEVERITIES.index(mark.severity), mark.x))
    return tuple(sorted(ordered[:MOST_FINDINGS], key=lambda mark: mark.x))


def _bounded(low: float, high: float, *, log: bool) -> tuple[float, float]:
    """A range whose width and logarithms are numbers; what is beyond it is drawn as far as its edge."""
    least = 1 / LARGEST if log else -LARGEST
    return min(max(low, least), LARGEST), min(max(high, least), LARGEST)


def _widened(low: float, high: float, *, log: bool) -> tuple[float, float]:
    """A range with some width, also around a single value."""
    if high > low:
        return low, high
    if log:
        return low / 2, low * 2
    room = abs(low) * 0.05 or 0.5
    return low - room, low + room


def _roomy(low: float, high: float, *, log: bool) -> tuple[float, float]:
    """The range with some room, so that no line runs along the edge."""
    if log:
        factor = float(np.exp(ROOM * (np.log(high) - np.log(low))))
        return low / factor, high * factor
    room = ROOM * (high - low)
    return low - room, high + room


def grid(panels: Sequence[Panel], shown: Frame, most: int = 300) -> Floats:
    """Positions at which all panels tell their values: those of points that are drawn, about evenly apart."""
    xs = [ink.drawn.line.x for one in panels for ink in one.inks]
    x = np.unique(np.concatenate(xs)) if xs else np.empty(0)
    x = x[(x >= shown.low) & (x <= shown.high)]
    if x.size <= most:
        return x
    place = np.log(x) if shown.log else x
    cells = ((place - place[0]) / (place[-1] - place[0]) * (most - 1)).astype(np.int64)
    return np.asarray(x[np.append(True, np.diff(cells) > 0)])
