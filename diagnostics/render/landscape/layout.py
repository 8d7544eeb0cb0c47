"""From panels to shapes: axes, keys, curves, cells, marks whose words do not lie on each other."""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from trainvitals.diagnostics.landscape.picture import Band, Curve, Landscape, Mark, Plot, Scale, Surface
from trainvitals.diagnostics.render.landscape.shapes import Box, Dot, Drawing, Line, Shape, Text
from trainvitals.diagnostics.render.svg import Axis
from trainvitals.parsers.model import Floats

WIDTH = 720.0
LEFT, RIGHT, TOP, BOTTOM = 66.0, 16.0, 44.0, 40.0
PLOT_HEIGHT = 300.0
SQUARE = 460.0
"""Side of a surface whose axes have one unit."""
LETTER = 6.1
"""Mean width of a letter of the small text, in pixels."""
LINE = 18.0
LARGEST = 1e300
"""What is larger is not drawn: the length of an axis must be finite."""
LEVELS = 48
"""Colours of a surface: neighbouring cells of one colour are drawn as one."""


def whole(landscape: Landscape) -> Drawing:
    """All panels below each other, under the title and above the sentences."""
    shapes: list[Shape] = [
        Text(16, 24 + LINE * i, line, "title") for i, line in enumerate(textwrap.wrap(landscape.title, 84))
    ]
    y = 24.0 + LINE * len(shapes)
    for panel in landscape.panels:
        one = drawing(panel)
        shapes += [_moved(shape, y) for shape in one.shapes]
        y += one.height
    for sentence in landscape.sentences:
        for i, line in enumerate(_wrapped(sentence)):
            shapes.append(Text(16 if i == 0 else 28, y + 16, ("· " if i == 0 else "") + line, "plain"))
            y += LINE
    return Drawing(landscape.title, WIDTH, y + 16, tuple(shapes))


def _wrapped(sentence: str) -> list[str]:
    """Lines of a sentence; a number is not parted from its unit."""
    held = re.sub(r"(?<=\d) (?=%|px)", "\N{NO-BREAK SPACE}", sentence)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in textwrap.wrap(held, 104)]


def _moved(shape: Shape, down: float) -> Shape:
    match shape:
        case Line(points, style, colour):
            return Line(tuple((x, y + down) for x, y in points), style, colour)
        case Box(x, y, width, height, heat, colour):
            return Box(x, y + down, width, height, heat, colour)
        case Dot(x, y):
            return Dot(x, y + down)
        case Text(x, y, words, role, anchor):
            return Text(x, y + down, words, role, anchor)


def drawing(panel: Plot | Surface) -> Drawing:
    """One panel."""
    return _surface(panel) if isinstance(panel, Surface) else _plot(panel)


# --- plots ------------------------------------------------------------------------------------------------------------


def _plot(plot: Plot) -> Drawing:
    key, rows = _key(plot.curves, plot.y.label)
    top = TOP + 16 * (rows - 1)
    height = PLOT_HEIGHT + 16 * (rows - 1) + (30 if plot.second else 0)
    bottom = top + PLOT_HEIGHT - TOP - BOTTOM
    x = _axis(plot.x, [c.x for c in plot.curves], LEFT, WIDTH - RIGHT, margin=0.0)
    y = _axis(plot.y, [c.y for c in plot.curves], bottom, top)
    shapes: list[Shape] = [Text(LEFT, 16, plot.title, "title"), *key]
    for band in plot.bands:
        shapes += _band(band, x, y)
    shapes += _grid(x, y, plot.x.label, plot.y.label, top)
    if plot.second:
        label, factor = plot.second
        second = Axis(x.low * factor, x.high * factor, x.first, x.last, x.log)
        shapes += [
            Text(second_x, bottom + 48, f"{value:g}", "soft", "middle")
            for value, second_x in zip(second.ticks(), _pixels(second, np.array(second.ticks())), strict=True)
        ]
        shapes.append(Text((LEFT + WIDTH - RIGHT) / 2, bottom + 62, label, "soft", "middle"))
    shapes += [line for curve in plot.curves for line in _lines(curve, x, y)]
    return Drawing(plot.title, WIDTH, height, (*shapes, *_marks(plot.marks, x, y, top + (16 if plot.bands else 0))))


def _band(band: Band, x: Axis, y: Axis) -> tuple[Box, Text]:
    left, right = _pixels(x, np.array([band.start, band.end]))
    if band.low is None or band.high is None:
        box = Box(left, y.last, right - left, y.first - y.last, colour=band.colour)
        return box, Text((left + right) / 2, y.last + 13, band.name, "soft", "middle")
    low, high = _pixels(y, np.array([band.low, band.high]))
    box = Box(left, high, right - left, low - high, colour=band.colour)
    return box, Text(right - 6, (low + high) / 2 + 4, band.name, "soft", "end")


def _axis(scale: Scale, values: Sequence[Floats], first: float, last: float, margin: float = 0.06) -> Axis:
    """The axis of all values, or of the ends that the scale demands."""
    every = np.concatenate([*values, np.zeros(0)])
    every = every[(np.abs(every) < LARGEST) & ((every > 0) | (not scale.log))]
    low, high = (float(every.min()), float(every.max())) if every.size else (1.0, 2.0)
    if scale.log:
        low, high = scale.low or low, scale.high or high
        return Axis(low, high * (1 + 8 * margin) if high > low else low * 10, first, last, log=True)
    room = margin * (high - low) or (0.0 if high > low else 0.5 * abs(high) or 1.0)
    low = low - room if scale.low is None else scale.low
    high = high + room if scale.high is None else scale.high
    return Axis(low, high if high > low else low + 1.0, first, last)


def _pixels(axis: Axis, values: Floats) -> list[float]:
    found: list[float] = axis.pixel(values).tolist()
    return found


def _grid(x: Axis, y: Axis, across: str, up: str, top: float, *, lines: bool = True) -> Iterator[Shape]:
    bottom = y.first
    for value, at in zip(y.ticks(), _pixels(y, np.array(y.ticks())), strict=True):
        yield Line(((x.first if lines else x.first - 4, at), (x.last if lines else x.first, at)), "grid")
        yield Text(x.first - 6, at + 4, f"{value:.4g}", "soft", "end")
    ticks = _ticks(x)
    for value, at in zip(ticks, _pixels(x, np.array(ticks)), strict=True):
        yield Line(((at, bottom), (at, bottom + 4)), "grid")
        yield Text(at, bottom + 16, f"{value:.4g}", "soft", "middle")
    yield Line(((x.first, top), (x.first, bottom), (x.last, bottom)), "grid")
    # Names of axes lie where no tick does: at the upper end of y, and a line below the ticks of x.
    yield Text(8, top - 8, up, "soft")
    yield Text((x.first + x.last) / 2, bottom + 32, across, "soft", "middle")


def _ticks(axis: Axis) -> list[float]:
    return [float(f"{value:.3g}") for value in axis.ticks()]


def _key(curves: Sequence[Curve], beside: str) -> tuple[list[Shape], int]:
    """Samples of the named lines beside their names, in as many rows as they take; right of the label of y."""
    shapes: list[Shape] = []
    left = max(LEFT, 8 + LETTER * len(beside) + 16)
    x, y, rows = left, 36.0, 1
    for curve in (c for c in curves if c.name):
        room = 34 + LETTER * len(curve.name)
        if x > left and x + room > WIDTH - RIGHT:
            x, y, rows = left, y + 16, rows + 1
        shapes.append(Line(((x, y - 4), (x + 22, y - 4)), curve.weight, curve.colour))
        shapes.append(Text(x + 27, y, curve.name, "soft"))
        x += room + 14
    return shapes, rows


def _lines(curve: Curve, x: Axis, y: Axis) -> Iterator[Line]:
    """The parts of a curve between values that cannot be drawn."""
    good = (np.abs(curve.x) < LARGEST) & (np.abs(curve.y) < LARGEST)
    good &= (curve.y > 0) | (not y.log)
    across, up = _pixels(x, np.where(good, curve.x, x.low)), _pixels(y, np.where(good, curve.y, y.low))
    for drawn, group in groupby(range(good.size), key=lambda i: bool(good[i])):
        points = _simple([(across[i], up[i]) for i in group]) if drawn else ()
        if len(points) > 1:
            yield Line(points, curve.weight, curve.colour)


def _simple(points: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """The points without those that lie within a third of a pixel of the line between kept ones."""
    kept = [points[0]]
    for i in range(1, len(points) - 1):
        (xa, ya), (xb, yb), (xc, yc) = kept[-1], points[i], points[i + 1]
        away = abs((xc - xa) * (yb - ya) - (xb - xa) * (yc - ya)) / (math.hypot(xc - xa, yc - ya) or 1.0)
        if away > 0.05 or math.hypot(xb - xa, yb - ya) > 6:
            kept.append((xb, yb))
    return (*kept, *points[1:][-1:])


def _marks(marks: Sequence[Mark], x: Axis, y: Axis, top: float) -> Iterator[Shape]:
    """Dots and vertical lines with their words, which go down a line where they would lie on others."""
    taken: list[tuple[float, float, float]] = []
    for mark in sorted(marks, key=lambda m: m.x):
        (at,) = _pixels(x, np.array([mark.x]))
        if mark.y is None:
            yield Line(((at, y.last), (at, y.first)), "mark")
            row = top + 12
        else:
            (up,) = _pixels(y, np.array([mark.y]))
            if mark.dot:
                yield Dot(at, up)
            row = max(up - 7, top + 10)
        wide = LETTER * len(mark.text)
        left = at + 6 if at + 6 + wide < x.last else at - 6 - wide
        while any(a < left + wide and left < b and abs(row - r) < 13 for a, b, r in taken):
            row += 14
        taken.append((left, left + wide, row))
        yield Text(left, row, mark.text, "note")


# --- surfaces ---------------------------------------------------------------------------------------------------------


def _surface(surface: Surface) -> Drawing:
    key, rows = _key(surface.curves, surface.y.label)
    top = TOP + 16 * (rows - 1)
    side = SQUARE if surface.square else PLOT_HEIGHT - TOP - BOTTOM
    right = LEFT + (SQUARE if surface.square else WIDTH - LEFT - 110)
    x = Axis(*_edges(surface.across), LEFT, right)
    y = Axis(*_edges(surface.up), top + side, top)
    low, high = float(np.nanmin(surface.z)), float(np.nanmax(surface.z))
    shapes: list[Shape] = [Text(LEFT, 16, surface.title, "title"), *key]
    shapes += _cells(surface, x, y, low, high)
    shapes += _grid(x, y, surface.x.label, surface.y.label, top, lines=False)
    shapes += _bar(right + 24, top, side, low, high, surface.z_label)
    shapes += [line for curve in surface.curves for line in _lines(curve, x, y)]
    return Drawing(surface.title, WIDTH, top + side + BOTTOM + 6, (*shapes, *_marks(surface.marks, x, y, top)))


def _edges(centres: Floats) -> tuple[float, float]:
    half = float(centres[1] - centres[0]) / 2
    return float(centres[0]) - half, float(centres[-1]) + half


def _cells(surface: Surface, x: Axis, y: Axis, low: float, high: float) -> Iterator[Box]:
    wide = (x.last - x.first) / surface.across.size
    tall = (y.first - y.last) / surface.up.size
    level = np.round((surface.z - low) / ((high - low) or 1.0) * (LEVELS - 1))
    for j, row in enumerate(level.tolist()):
        start = 0
        for value, group in groupby(row):
            count = len(list(group))
            if value == value:
                place = (x.first + start * wide, y.first - (j + 1) * tall)
                yield Box(*place, count * wide, tall, heat=value / (LEVELS - 1))
            start += count


def _bar(left: float, top: float, height: float, low: float, high: float, label: str) -> Iterator[Shape]:
    """The colour scale with its values."""
    tall = height / LEVELS
    for i in range(LEVELS):
        yield Box(left, top + height - (i + 1) * tall, 14, tall, heat=i / (LEVELS - 1))
    axis = Axis(low, high if high > low else low + 1.0, top + height, top)
    for value, at in zip(axis.ticks(), _pixels(axis, np.array(axis.ticks())), strict=True):
        yield Text(left + 20, at + 4, f"{value:.4g}", "soft")
    yield Text(left, top - 8, label, "soft")
