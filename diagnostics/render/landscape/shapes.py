"""What a picture is drawn of: lines, rectangles, dots and text at pixels from the upper left corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Anchor = Literal["start", "middle", "end"]
Point = tuple[float, float]

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#9a9a9a", "#ffffff")
"""Colours of curves by number, told apart with any colour vision; the last is for lines over a surface."""

HEAT = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Viridis, from low to high: rises evenly in brightness, so that it can be read without colour too."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points; `style` is the weight of a curve, or `grid` or `mark`, which have no colour."""

    points: tuple[Point, ...]
    style: str
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle: `heat` is a share of the colour scale from 0 to 1, else it is a faint band in a colour."""

    x: float
    y: float
    width: float
    height: float
    heat: float | None = None
    colour: int = 0


@dataclass(frozen=True, slots=True)
class Dot:
    """A filled circle that marks a place; on a surface it has a light rim."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Text:
    """Words at a point of their baseline; `role` is `title`, `soft`, `note` or `plain`."""

    x: float
    y: float
    words: str
    role: str = "soft"
    anchor: Anchor = "start"


Shape = Line | Box | Dot | Text


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes on a ground of this size, those first that lie below."""

    title: str
    width: float
    height: float
    shapes: tuple[Shape, ...]


def heat_colour(share: float) -> tuple[int, int, int]:
    """The colour of a share of the scale from 0 to 1."""
    at = min(max(share, 0.0), 1.0) * (len(HEAT) - 1)
    i = min(int(at), len(HEAT) - 2)
    red, green, blue = (round(a + (b - a) * (at - i)) for a, b in zip(HEAT[i], HEAT[i + 1], strict=True))
    return red, green, blue
