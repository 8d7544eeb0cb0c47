"""Shapes as PNG, for where no SVG can go: light, at twice the size, so that it is sharp in a document."""

from __future__ import annotations

import io
import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

from trainvitals.diagnostics.landscape.picture import Landscape
from trainvitals.diagnostics.render.landscape.layout import whole
from trainvitals.diagnostics.render.landscape.shapes import PALETTE, Box, Dot, Line, Point, Text, heat_colour
from trainvitals.diagnostics.render.sanitise import terminal

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

SCALE = 2
SMOOTH = 2
"""Drawn so many times larger still, and shrunk: the drawing library does not smooth lines itself."""
INK, SOFT, GRID, GROUND = "#1c2024", "#5b6570", "#d9dee3", "#ffffff"
SIZES = {"title": 13, "plain": 12}
ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
WIDTHS = {"grid": 1.0, "mark": 1.0, "thin": 1.0, "faint": 1.0}
DASHES = {"dashed": (6, 4), "dotted": (2, 2), "dashdot": (8, 3, 2, 3), "mark": (2, 3)}
FAINT = "59"
"""How much of a faint line is seen, as the last two digits of its colour."""


def render(landscape: Landscape) -> bytes:
    """All panels as one PNG file."""
    from PIL import Image, ImageDraw

    one = whole(landscape)
    size = (round(one.width * SCALE), round(one.height * SCALE))
    large = Image.new("RGB", (size[0] * SMOOTH, size[1] * SMOOTH), GROUND)
    below = ImageDraw.Draw(large, "RGBA")
    for shape in one.shapes:
        if not isinstance(shape, Text):
            _draw(below, shape, SCALE * SMOOTH)
    image = large.resize(size, Image.Resampling.BOX)
    above = ImageDraw.Draw(image)
    for shape in one.shapes:
        if isinstance(shape, Text):
            _write(above, shape)
    made = io.BytesIO()
    image.save(made, "PNG", optimize=True)
    return made.getvalue()


def _draw(to: ImageDraw, shape: Line | Box | Dot, k: float) -> None:
    match shape:
        case Line(points, style, colour):
            ink = {"grid": GRID, "mark": SOFT}.get(style, PALETTE[colour] + FAINT * (style == "faint"))
            width = round(WIDTHS.get(style, 1.8) * k)
            for part in _dashes(points, DASHES[style]) if style in DASHES else (points,):
                to.line([(x * k, y * k) for x, y in part], fill=ink, width=width, joint="curve")
        case Box(x, y, width, height, None, colour):
            to.rectangle(_corners(x, y, width, height, k), fill=f"{PALETTE[colour]}17")
        case Box(x, y, width, height, heat):
            to.rectangle(_corners(x, y, width, height, k), fill=heat_colour(heat or 0.0))
        case Dot(x, y):
            to.ellipse([(x - 4) * k, (y - 4) * k, (x + 4) * k, (y + 4) * k], INK, GROUND, round(1.5 * k))


def _corners(x: float, y: float, width: float, height: float, k: float) -> list[float]:
    return [x * k, y * k, (x + width) * k, (y + height) * k]


def _dashes(points: tuple[Point, ...], pattern: Sequence[float]) -> list[tuple[Point, ...]]:
    """A line cut into dashes with gaps between: pixels of each in turn."""
    found: list[tuple[Point, ...]] = []
    ends_of = list(accumulate(pattern))
    done = 0.0
    for (xa, ya), (xb, yb) in pairwise(points):
        length = math.hypot(xb - xa, yb - ya)
        at = 0.0
        while at < length:
            phase = (done + at) % ends_of[-1]
            part = bisect_right(ends_of, phase)
            step = max(min(ends_of[part] - phase, length - at), 1e-6)
            if part % 2 == 0:
                ends = (at / length, (at + step) / length)
                found.append(tuple((xa + (xb - xa) * t, ya + (yb - ya) * t) for t in ends))
            at += step
        done += length
    return found


def _write(to: ImageDraw, text: Text) -> None:
    from PIL import ImageFont

    font = ImageFont.load_default(SIZES.get(text.role, 11) * SCALE)
    rim = SCALE + 1 if text.role == "note" else 0
    to.text(
        (text.x * SCALE, text.y * SCALE),
        terminal(text.words, limit=1000),
        SOFT if text.role == "soft" else INK,
        font,
        ANCHORS[text.anchor],
        stroke_width=rim,
        stroke_fill=GROUND,
    )
