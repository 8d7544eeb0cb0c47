"""The staged loss of a distance: where it jumps, which errors a logged loss can stand for, and its repair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from trainvitals.diagnostics.landscape.analysis import Analysis, analyse
from trainvitals.diagnostics.landscape.picture import COLOURS, Band, Curve, Landscape, Mark, Plot, Scale, Surface
from trainvitals.diagnostics.landscape.words import Place, change, sentences, value
from trainvitals.diagnostics.loss_type import Stage
from trainvitals.diagnostics.pixels import distance_of, pixel_errors
from trainvitals.diagnostics.report import Cell, Table
from trainvitals.parsers.model import Floats

Stages = tuple[Stage, ...]

FARTHEST = 4.0
"""The largest L1 distance between two points of [-1, 1] x [-1, 1]."""
CELLS = 95
"""Cells of the surface along each axis; an odd number has one at the centre."""
REACH = 2.1
"""Half of the surface, in ends of the last stage but one: no centre of a cell lies on the end of a stage."""
NAMES = ("close", "medium", "far")
PIXELS = (2.0, 3.0, 5.0, 8.0, 9.5, 10.0, 15.0, 19.0, 25.0, 40.0)
"""Errors that the table compares."""


def staged(stages: Stages, distance: Floats) -> Floats:
    """The loss of each distance, any shape; NaN has none."""
    inside = [distance < stage.below for stage in stages]
    return np.select(inside, [s.square * distance**2 + s.linear * distance + s.constant for s in stages], math.nan)


def slope(stages: Stages, distance: Floats) -> Floats:
    """The derivative of the loss by the distance, any shape."""
    inside = [distance < stage.below for stage in stages]
    return np.select(inside, [2 * s.square * distance + s.linear for s in stages], math.nan)


def pieces(stages: Stages, reach: float, points: int = 200) -> tuple[Floats, Floats, Floats]:
    """Distances up to `reach`, loss and gradient of each, `(n,)`; a NaN between the stages, where the loss may jump."""
    parts: list[Floats] = []
    start = 0.0
    for one in (s for s in stages if start < reach):
        x = np.linspace(start, min(one.below, reach), points)
        whole = (replace(one, below=math.inf),)
        parts.append(np.stack([x, staged(whole, x), slope(whole, x)]))
        parts.append(np.array([[x[-1]], [math.nan], [math.nan]]))
        start = one.below
    joined = np.concatenate(parts, axis=1)
    return joined[0], joined[1], joined[2]


def changed(
    stages: Stages,
    thresholds: Sequence[float] = (),
    multipliers: Sequence[float] = (),
    slope: float | None = None,
    constant: float | None = None,
) -> Stages:
    """The stages with other ends, other factors of d**2, another slope and constant of the linear stages.

    Raises:
        ValueError: more numbers than there are stages for them, or thresholds that do not rise from above 0.
    """
    finite = [i for i, s in enumerate(stages) if math.isfinite(s.below)]
    square = [i for i, s in enumerate(stages) if s.square]
    linear = [i for i, s in enumerate(stages) if s.linear]
    for numbers, places, name in ((thresholds, finite, "thresholds"), (multipliers, square, "multipliers")):
        if len(numbers) not in (0, len(places)):
            raise ValueError(f"{len(numbers)} {name}, where the loss has {len(places)}")
    new = list(stages)
    for i, number in zip(finite, thresholds, strict=False):
        new[i] = replace(new[i], below=number)
    for i, number in zip(square, multipliers, strict=False):
        new[i] = replace(new[i], square=number)
    for i in linear:
        new[i] = replace(
            new[i],
            linear=new[i].linear if slope is None else slope,
            constant=new[i].constant if constant is None else constant,
        )
    ends = [0.0, *(stage.below for stage in new)]
    if not all(a < b for a, b in pairwise(ends)) or any(map(math.isnan, ends)):
        raise ValueError(f"thresholds must rise, from above 0: {', '.join(f'{e:g}' for e in ends[1:])}")
    return tuple(new)


def closed(stages: Stages) -> Stages:
    """The continuous repair: the constants that close every jump, factors and slopes kept, so no gradient changes."""
    found = [stages[0]]
    for stage in stages[1:]:
        at = np.array(found[-1].below)
        rest = staged((replace(found[-1], below=math.inf),), at) - (stage.square * at**2 + stage.linear * at)
        found.append(replace(stage, constant=round(float(rest), 12)))
    return tuple(found)


def error_intervals(stages: Stages, low: float, high: float) -> tuple[tuple[float, float], ...]:
    """All constant distances that cost at least `low` and at most `high`: one interval for each stage that has some."""
    found: list[tuple[float, float]] = []
    above = 0.0
    for stage in stages:
        a, b = (distance_of(stage, one) for one in (low, high))
        a, b = max(a, above), min(b, stage.below)
        if a < b or (a == b and above <= a < stage.below):
            # Stages that meet without a jump give one interval.
            if found and math.isclose(found[-1][1], a, rel_tol=1e-9):
                found[-1] = (found[-1][0], b)
            else:
                found.append((a, b))
        above = stage.below
    return tuple(found)


def mean_error_range(stages: Stages, loss: float, farthest: float = FARTHEST) -> tuple[float, float]:
    """Least and largest mean distance of a set of errors whose mean loss is `loss`; NaN where no set has it.

    A mean of errors and of their losses is a point of the convex hull of the curve: the ends are where the hull, of
    errors up to `farthest`, is cut at this height.
    """
    ends = [s.below for s in stages if s.below < farthest]
    x = np.unique(np.concatenate([np.linspace(0, farthest, 20001), *([e, np.nextafter(e, 0)] for e in ends)]))
    y = staged(stages, x)
    upper, lower = _hull(x, y, sign=-1.0), _hull(x, y, sign=1.0)
    # Both hulls rise, so that each has this height once.
    least = float(np.interp(loss, y[upper], x[upper], left=math.nan, right=math.nan))
    most = float(np.interp(loss, y[lower], x[lower], left=math.nan, right=math.nan))
    return least, most


def _hull(x: Floats, y: Floats, sign: float) -> list[int]:
    """Indices of the lower hull (sign 1) or upper hull (sign -1) of points in order of x, from left to right."""
    kept: list[int] = []
    xs, ys = x.tolist(), (sign * y).tolist()
    for i in range(len(xs)):
        while len(kept) > 1:
            a, b = kept[-2], kept[-1]
            if (xs[b] - xs[a]) * (ys[i] - ys[a]) > (ys[b] - ys[a]) * (xs[i] - xs[a]):
                break
            kept.pop()
        kept.append(i)
    return kept


def half_digit(text: str) -> float:
    """Half a unit of the last decimal of a printed number: 0.05 stands for anything from 0.045 to 0.055.

    Raises:
        ValueError: the text is no finite number.
    """
    if not math.isfinite(float(text)):
        raise ValueError(f"{text!r} is no finite number")
    mantissa, _, exponent = text.strip().lower().partition("e")
    return 0.5 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


@dataclass(frozen=True, slots=True)
class Options:
    """What is drawn: the stages, pixels of one unit of distance, and a loss as printed whose errors are looked for."""

    stages: Stages
    pixels: float
    loss: str = ""


def landscape(options: Options) -> Landscape:
    """Value, gradient, surface over both axes, and the repair.

    Raises:
        ValueError: the loss to look up is no number.
    """
    stages, px = options.stages, options.pixels
    repaired = closed(stages)
    ends = [s.below for s in stages if math.isfinite(s.below)]
    reach = 2.2 * ends[-1] if ends else 0.5
    found = analyse(lambda d: staged(stages, d), 0.0, reach)
    told = [*sentences(found, "px", px), *_repair(repaired, found)]
    if options.loss:
        told = [*lookup(options), *told]
    return Landscape(
        "spatial",
        f"staged distance loss: {formula(stages)}",
        tuple(told),
        (*_plots(found, stages, repaired, px), _surface(stages, px, REACH * ends[-1] if ends else reach)),
        (_table(stages, repaired, px),),
    )


def formula(stages: Stages) -> str:
    """The definition in one line."""
    return " | ".join(f"{_piece(s)}{f' below {s.below:g}' if math.isfinite(s.below) else ''}" for s in stages)


def _piece(stage: Stage) -> str:
    powers = [(stage.square, "d^2"), (stage.linear, "d")]
    parts = [name if number == 1 else f"{number:g} {name}" for number, name in powers if number]
    return " + ".join([*parts, *([f"{stage.constant:g}"] if stage.constant else [])]) or "0"


def lookup(options: Options) -> tuple[str, ...]:
    """What errors a logged loss can stand for: constant ones, and sets of different ones.

    Raises:
        ValueError: the loss is no number.
    """
    loss, half = float(options.loss), half_digit(options.loss)
    px, place = options.pixels, Place("px", options.pixels)
    spans = error_intervals(options.stages, max(loss - half, 0.0), loss + half)
    constant = " or ".join(f"{a * px:.4g} to {place(b)}" for a, b in spans) or "no constant error"
    exact = ", ".join(f"{error:.4g} px" for error in pixel_errors(options.stages, px, loss)) or "no error exactly"
    least, most = mean_error_range(options.stages, loss)
    mixed = f"sets of different errors with this mean loss have a mean error from {place(least)} to {place(most)}"
    return (
        f"a logged loss of {options.loss} (from {loss - half:.4g} to {loss + half:.4g} before rounding) is made by a "
        f"constant error of {constant}; {options.loss} itself by {exact}",
        mixed if most == most else "no set of errors within the image has this mean loss",
    )


def _repair(repaired: Stages, found: Analysis) -> list[str]:
    if not found.jumps:
        return []
    kinks = analyse(lambda d: staged(repaired, d), found.low, found.high)
    return [
        f"repair: {formula(repaired)} closes the jumps with other constants; the gradient is the same everywhere, so "
        "training does not change, and a larger error always costs more"
        + (", so that a lower loss is a better checkpoint" if not kinks.falls else ""),
        "without the repair, select checkpoints and stop early by the pixel error, not by this loss",
    ]


def _plots(found: Analysis, stages: Stages, repaired: Stages, px: float) -> tuple[Plot, ...]:
    x, y, gradient = pieces(stages, found.high)
    place = Place("px", px)
    jumps = tuple(
        Mark(j.at * px, f"{value(j.before)} -> {value(j.after)}", max(j.before, j.after)) for j in found.jumps
    )
    lows = tuple(Mark(f.equal * px, f"{place(f.equal)}: as cheap as {place(f.low_at)}", f.low) for f in found.falls)
    starts = [0.0, *(s.below for s in stages[:-1])]
    bands = tuple(
        Band(a * px, min(s.below, found.high) * px, name, i % COLOURS)
        for i, (a, s, name) in enumerate(zip(starts, stages, _names(stages), strict=True))
        if a < found.high
    )
    across, second = Scale("|dx| + |dy| in px"), (f"d, normalised: {px:g} px = 1", 1 / px)
    curves: tuple[Curve, ...] = (Curve("loss", x * px, y),)
    if found.jumps:
        curves += (Curve("repaired", found.x * px, staged(repaired, found.x), 2, "dashed"),)
    return (
        Plot("loss over the distance", across, Scale("loss", low=0.0), curves, (*jumps, *lows), bands, second),
        Plot(
            "gradient over the distance",
            across,
            Scale("gradient by d", low=0.0),
            (Curve("gradient", x * px, gradient, 1),),
            tuple(Mark(j.at * px, change(j.slope_before, j.slope_after)) for j in found.jumps),
            bands,
            second,
        ),
    )


def _names(stages: Stages) -> tuple[str, ...]:
    return NAMES if len(stages) == len(NAMES) else tuple(f"stage {i + 1}" for i in range(len(stages)))


def _surface(stages: Stages, px: float, reach: float) -> Surface:
    axis = np.linspace(-reach, reach, CELLS) * px
    z = staged(stages, (np.abs(axis)[None, :] + np.abs(axis)[:, None]) / px)
    corners = np.array([[1, 0], [0, 1], [-1, 0], [0, -1], [1, 0]], np.float64)
    ends = [(s.below, name) for s, name in zip(stages, _names(stages), strict=True) if s.below < reach]
    diamonds = tuple(
        Curve(
            f"end of {name}: {below * px:.4g} px",
            below * px * corners[:, 0],
            below * px * corners[:, 1],
            (1 + 2 * i) % COLOURS,
        )
        for i, (below, name) in enumerate(ends)
    )
    return Surface(
        "loss over both axes, with the L1 diamonds where stages end",
        Scale("dx in px"),
        Scale("dy in px"),
        "loss",
        axis,
        axis,
        z,
        diamonds,
        square=True,
    )


def _table(stages: Stages, repaired: Stages, px: float) -> Table:
    at = np.array(PIXELS) / px
    columns = (staged(stages, at), staged(repaired, at), slope(stages, at))
    rows: list[tuple[Cell, ...]] = [
        (pixels, float(f"{d:.4g}"), *(float(f"{number:.4g}") for number in numbers))
        for pixels, d, *numbers in zip(PIXELS, at.tolist(), *(c.tolist() for c in columns), strict=True)
    ]
    return Table("loss as defined and repaired", ("px", "d", "loss", "repaired", "gradient"), tuple(rows))
