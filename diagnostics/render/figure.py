"""Charts of curves as pictures to take away: the shapes of a landscape, so that all files are drawn by one code."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.charts import axes, clock
from trainvitals.diagnostics.charts.palette import COLOURS, DASHES, Style
from trainvitals.diagnostics.charts.panels import Frame, Ink, Painted, Panel, Span
from trainvitals.diagnostics.charts.spec import Chart
from trainvitals.diagnostics.landscape.picture import Band, Curve, Landscape, Mark, Plot, Scale, Weight
from trainvitals.diagnostics.render import words
from trainvitals.parsers.model import Floats

WEIGHTS: dict[tuple[int, ...], Weight] = {DASHES[0]: "line", DASHES[1]: "dashed", DASHES[2]: "dotted"}
OTHER: Weight = "dashdot"
MEANINGS = {"fail": 1, "good": 2, "warn": 4, "info": 5}
"""Colours of areas by number: vermilion, green, orange, sky blue."""
GREY = 6


@dataclass(frozen=True, slots=True)
class Axis:
    """Where the x axis begins to count, by what factor, and its name."""

    start: float
    factor: float
    title: str

    def of(self, x: Floats) -> Floats:
        """Where positions lie, of the same shape."""
        return np.asarray((x - self.start) * self.factor)

    def at(self, x: float) -> float:
        """Where a position lies."""
        return (x - self.start) * self.factor


def figure(title: str, chart: Chart) -> Landscape:
    """The panels of a chart under one another, and in words what was found in them and what is not drawn."""
    if chart.frame is None:
        raise ValueError("a chart without panels")
    plots = tuple(_plot(one, chart.frame) for one in chart.panels)
    return Landscape(title, title, tuple(dict.fromkeys(_sentences(chart.panels))), plots)


def title(chart: Chart) -> str:
    """The metrics of a chart, and whose they are."""
    metrics = dict.fromkeys(one.metric for one in chart.panels)
    labels = dict.fromkeys(ink.label for one in chart.panels for ink in one.inks)
    return f"{', '.join(metrics)}: {', '.join(labels)}"


def _sentences(panels: Sequence[Panel]) -> Iterator[str]:
    for one in panels:
        for mark in one.marks:
            yield f"{mark.code}{f' in {mark.run}' if mark.run else ''}: {mark.message}"
        if one.facts:
            yield f"{one.metric}: {'; '.join(one.facts)}"


def _plot(one: Panel, frame: Frame) -> Plot:
    axis = _axis(frame)
    styles = {ink.label: ink.style for ink in one.inks}
    aims = (Curve("", np.full(2, axis.at(a.x)), np.array([a.low, a.high]), GREY) for a in one.aimed)
    curves = (
        *(curve for ink in one.inks for curve in _curves(ink, axis)),
        *(curve for span in one.spans for curve in _edges(span, styles[span.label], axis)),
        *aims,
    )
    # Names stand where windows begin: several that end with the run have their middles in one place.
    found = (Mark(axis.at(mark.x), mark.code) for mark in one.marks)
    return Plot(
        one.metric,
        Scale(axis.title, frame.log, axis.at(frame.low), axis.at(frame.high)),
        Scale("", one.log, one.low, one.high),
        curves,
        (*found, *(mark for ink in one.inks for mark in _points(ink, axis))),
        tuple(_band(area, one, axis) for area in one.painted),
    )


def _axis(frame: Frame) -> Axis:
    """Times of day are counted from the first one."""
    if not frame.is_date:
        return Axis(0.0, frame.factor, frame.title)
    name, size = axes.unit(frame.high - frame.low)
    return Axis(frame.low, 1 / size, f"{name} since {clock.told([frame.low])[0]} UTC")


def _curves(ink: Ink, axis: Axis) -> Iterator[Curve]:
    """The line, and the values as they are behind it where it is smoothed."""
    split = ink.trace.split
    name = ink.label if split in ("train", "") else f"{ink.label} ({split})"
    weight: Weight = WEIGHTS.get(ink.style.dash, OTHER) if split in ("train", "") else "thin"
    raw, colour = ink.drawn.line, _colour(ink.style)
    if ink.smooth is not None:
        yield Curve("", axis.of(raw.x), raw.y, colour, "faint")
    line = ink.smooth or raw
    yield Curve(name, axis.of(line.x), line.y, colour, weight)


def _edges(span: Span, style: Style, axis: Axis) -> Iterator[Curve]:
    """The lowest and the highest of several runs."""
    for y in (span.low, span.high):
        yield Curve("", axis.of(span.x), y, _colour(style), "thin")


def _points(ink: Ink, axis: Axis) -> Iterator[Mark]:
    """A value that stands alone, and the first that is not finite: a line for each of many would hide the curve."""
    finite = np.flatnonzero(np.isfinite(ink.drawn.line.y))
    if finite.size == 1:
        yield Mark(axis.at(float(ink.drawn.line.x[finite[0]])), "", float(ink.drawn.line.y[finite[0]]))
    if ink.drawn.broken_points:
        at = float(ink.drawn.broken[0])
        y = ink.trace.y[(ink.trace.x == at) & ~np.isfinite(ink.trace.y)]
        more = ink.drawn.broken_points - 1
        yield Mark(axis.at(at), f"{ink.label}: {words.number(float(y[0]))}{f' and {more} more' if more else ''}")


def _band(area: Painted, one: Panel, axis: Axis) -> Band:
    whole = area.low <= one.low and area.high >= one.high
    ends = (None, None) if whole else (area.low, area.high)
    return Band(axis.at(area.x), axis.at(area.x2), area.label, MEANINGS.get(area.meaning, GREY), *ends)


def _colour(style: Style) -> int:
    """Its number; what is none of the palette is grey."""
    return COLOURS.index(style.colour) if style.colour in COLOURS else GREY
