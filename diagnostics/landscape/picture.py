"""What a landscape consists of. Nothing here knows which loss it shows, nor how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainvitals.diagnostics.report import Table
from trainvitals.parsers.model import Floats

COLOURS = 7
"""Colours for curves; one more, `OVER`, is seen on a surface only."""
OVER = COLOURS

Weight = Literal["line", "dashed", "dotted", "dashdot", "thin", "faint"]


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A line through points `x`, `y`, both `(n,)`; NaN in `y` interrupts it, as at a jump.

    `colour` is the number of a colour of the palette; `name` stands in the key, an empty one does not.
    """

    name: str
    x: Floats
    y: Floats
    colour: int = 0
    weight: Weight = "line"


@dataclass(frozen=True, slots=True)
class Mark:
    """A place to point at: a vertical line at `x`, or a dot if it has a `y`, with a few words beside it.

    Without `dot` there are the words only.
    """

    x: float
    text: str
    y: float | None = None
    dot: bool = True


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of x with a name, shaded behind the curves in the colour of this number.

    From `low` to `high` where these are set, else over the whole height.
    """

    start: float
    end: float
    name: str
    colour: int = 0
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis: its label with the unit, whether it is logarithmic, and its ends where the data do not give them."""

    label: str
    log: bool = False
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Plot:
    """Curves over one axis. `second` is a further label of x, its value being `factor` times that of the first."""

    title: str
    x: Scale
    y: Scale
    curves: tuple[Curve, ...]
    marks: tuple[Mark, ...] = ()
    bands: tuple[Band, ...] = ()
    second: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Values `z` of shape `(len(y), len(x))` at the centres `x`, `y` of equal cells, and lines over them."""

    title: str
    x: Scale
    y: Scale
    z_label: str
    across: Floats
    up: Floats
    z: Floats
    curves: tuple[Curve, ...] = ()
    marks: tuple[Mark, ...] = ()
    square: bool = False
    """Whether both axes have the same unit, so that a circle must look like one."""


@dataclass(frozen=True, slots=True, eq=False)
class Landscape:
    """One loss: pictures, what they show in sentences, and tables."""

    name: str
    title: str
    sentences: tuple[str, ...]
    panels: tuple[Plot | Surface, ...]
    tables: tuple[Table, ...] = ()
