"""A measured surface as pictures and sentences: contours with the way of the training, uncertainty, slices."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from trainvitals.diagnostics.landscape.picture import OVER, Curve, Landscape, Mark, Plot, Scale, Surface
from trainvitals.diagnostics.report import Cell, Table
from trainvitals.diagnostics.weights.contours import contour, levels
from trainvitals.diagnostics.weights.surface import LossSurface, Sharpness, Station
from trainvitals.parsers.model import Floats

CONTOURS = 11
WIDE = 30.0
"""A surface whose highest loss is so many times its lowest is shown by its logarithm."""
TWO_SIGMA = 2.0
LOW = 0.005
"""A rise below this part of the loss is no barrier."""
NAMED = 4
"""Checkpoints that are named on a picture: more would lie on each other."""

TITLES = {
    "random": "loss around the weights, in a random plane normalised by filter",
    "pca": "loss around the weights, in the plane of the training",
    "line": "loss on the line between two checkpoints",
}
AXES = {
    "random": ("along direction 1, in lengths of the weights", "along direction 2, in lengths of the weights"),
    "pca": ("distance along component 1", "distance along component 2"),
    "line": ("from the first checkpoint (0) to the second (1)", ""),
}


def landscape(surface: LossSurface) -> Landscape:
    """The pictures of a surface or a line, what they show in words, and the checkpoints as a table."""
    return Landscape(
        f"weights-{surface.plane}",
        TITLES[surface.plane],
        tuple(_told(surface)),
        tuple(_panels(surface)),
        tuple(_tables(surface)),
    )


def _panels(surface: LossSurface) -> Iterator[Plot | Surface]:
    if surface.is_line:
        yield _line(surface)
        return
    if not np.isfinite(surface.loss).any():
        return
    yield _map(surface)
    yield _uncertainty(surface)
    yield from _slices(surface)


# --- pictures ---------------------------------------------------------------------------------------------------------


def _labels(surface: LossSurface) -> tuple[str, str]:
    """Labels of both axes, with the share of the checkpoints' variance where it is known."""
    across, up = AXES[surface.plane]
    if len(surface.explained) == 2:
        first, second = (f" ({100 * share:.3g} % of the variance)" for share in surface.explained)
        return across + first, up + second
    return across, up


def _heights(loss: Floats) -> tuple[Floats, str]:
    """What is drawn as height: the loss, or its logarithm where it spans too much."""
    finite = loss[np.isfinite(loss)]
    if finite.size and finite.min() > 0 and finite.max() > WIDE * finite.min():
        with np.errstate(invalid="ignore"):
            return np.log10(loss), "log10 loss"
    return loss, "loss"


def _map(surface: LossSurface) -> Surface:
    height, label = _heights(surface.loss)
    lines = (contour(surface.across, surface.up, height, level) for level in levels(height, CONTOURS))
    across, up = _labels(surface)
    return Surface(
        "loss; as many cells lie between one line and the next",
        Scale(across),
        Scale(up),
        label,
        surface.across,
        surface.up,
        height,
        (*(Curve("", x, y, OVER, "thin") for x, y in lines if x.size), *_way(surface)),
        _named(surface),
        square=_is_square(surface),
    )


def _is_square(surface: LossSurface) -> bool:
    wide, tall = np.ptp(surface.across), np.ptp(surface.up)
    return bool(math.isclose(wide, tall, rel_tol=1e-6))


def _way(surface: LossSurface) -> Iterator[Curve]:
    if len(surface.path) > 1 and surface.plane == "pca":
        x, y = (np.array([getattr(s, name) for s in surface.path]) for name in ("across", "up"))
        yield Curve("way of the training", x, y, 1)


def _inside(surface: LossSurface, station: Station) -> bool:
    fits = surface.across[0] <= station.across <= surface.across[-1]
    return bool(fits and surface.up[0] <= station.up <= surface.up[-1])


def _named(surface: LossSurface) -> tuple[Mark, ...]:
    """Dots for the checkpoints within the picture, the first, the last and some between them with words."""
    shown = [s for s in surface.path if _inside(surface, s)]
    told = set(np.linspace(0, len(shown) - 1, min(NAMED, len(shown))).round().astype(int).tolist()) if shown else set()
    return tuple(Mark(s.across, _step(s) if i in told else "", s.up) for i, s in enumerate(shown))


def _step(station: Station) -> str:
    return f"step {station.step:g}" if station.step == station.step else station.name


def _uncertainty(surface: LossSurface) -> Surface:
    across, up = _labels(surface)
    dots = _known(surface)
    return Surface(
        "standard error of the loss; cells with a dash are measured, the others interpolated",
        Scale(across),
        Scale(up),
        "error",
        surface.across,
        surface.up,
        surface.error,
        (Curve("", *dots, OVER, "thin"),) if dots[0].size else (),
        square=_is_square(surface),
    )


def _known(surface: LossSurface) -> tuple[Floats, Floats]:
    """Short strokes, separated by NaN, at the cells that were evaluated; none where all were."""
    rows, columns = np.nonzero(surface.measured)
    if rows.size == surface.loss.size:
        return np.zeros(0), np.zeros(0)
    half = (surface.across[1] - surface.across[0]) / 5
    x = np.stack([surface.across[columns] - half, surface.across[columns] + half, np.full(rows.size, np.nan)], axis=1)
    y = np.repeat(surface.up[rows], 3)
    return x.ravel(), y


def _banded(name: str, x: Floats, loss: Floats, error: Floats, colour: int) -> tuple[Curve, ...]:
    """A slice with thin lines two standard errors above and below, where there is an error."""
    curve = Curve(name, x, loss, colour)
    if not np.nanmax(error, initial=0.0) > 0:
        return (curve,)
    return (curve, *(Curve("", x, loss + sign * TWO_SIGMA * error, colour, "thin") for sign in (-1.0, 1.0)))


def _slices(surface: LossSurface) -> Iterator[Plot]:
    """The surface along both axes through the origin, for those who read lines better."""
    row, column = int(np.abs(surface.up).argmin()), int(np.abs(surface.across).argmin())
    first, second = _labels(surface)
    log = _heights(surface.loss)[1] != "loss"
    for label, x, loss, error in (
        (first, surface.across, surface.loss[row], surface.error[row]),
        (second, surface.up, surface.loss[:, column], surface.error[:, column]),
    ):
        yield Plot(
            "slice through the weights, with two standard errors to both sides",
            Scale(label),
            Scale("loss", log=log),
            _banded("loss", x, loss, error, 0),
            (Mark(0.0, "the weights"),),
        )


def _line(surface: LossSurface) -> Plot:
    x, loss, error = surface.across, surface.loss[0], surface.error[0]
    ends = [s for s in surface.path if s.loss == s.loss]
    straight: tuple[Curve, ...] = ()
    if len(ends) > 1:
        a, b = ends[0], ends[-1]
        straight = (Curve("straight", np.array([a.across, b.across]), np.array([a.loss, b.loss]), 2, "dashed"),)
    marks = tuple(Mark(s.across, s.name, s.loss) for s in ends)
    if surface.barrier is not None and surface.barrier.height > LOW * abs(surface.barrier.peak):
        marks += (Mark(surface.barrier.at, f"barrier {surface.barrier.height:.3g}", surface.barrier.peak),)
    return Plot(
        "loss, and the straight line between its ends",
        Scale(AXES["line"][0]),
        Scale("loss", log=_heights(surface.loss)[1] != "loss"),
        (*_banded("loss", x, loss, error, 0), *straight),
        marks,
    )


# --- words ------------------------------------------------------------------------------------------------------------


def _told(surface: LossSurface) -> Iterator[str]:
    if not surface.finished:
        yield "interrupted: the same command goes on from what is there"
    finite = np.isfinite(surface.loss)
    yield _least(surface)
    yield _precision(surface)
    if not finite.all():
        yield f"{(~finite).sum()} of {finite.size} cells have no finite loss"
    yield from _of_path(surface)
    if surface.barrier is not None:
        yield _of_barrier(surface)
    if surface.sharpness is not None:
        yield _of_sharpness(surface.sharpness)
    elif surface.about.get("no_sharpness"):
        yield f"no sharpness: {surface.about['no_sharpness']}"


def _of_sharpness(sharp: Sharpness) -> str:
    value = f"{sharp.value:.4g} (± {sharp.residual:.2g}), the smallest found {sharp.least:.3g}"
    told = f"sharpness at {sharp.at}: the largest eigenvalue of the Hessian is {value}"
    told += "" if sharp.exact else ", by differences of gradients"
    if not sharp.value > 0:
        return told
    return f"{told}; plain gradient descent is stable there below a learning rate of {2 / sharp.value:.3g}"


def _least(surface: LossSurface) -> str:
    if not np.isfinite(surface.loss).any():
        return "no cell has a finite loss"
    row, column = np.unravel_index(int(np.nanargmin(surface.loss)), surface.loss.shape)
    low, high = float(np.nanmin(surface.loss)), float(np.nanmax(surface.loss))
    place = f"{surface.across[column]:.3g}" + ("" if surface.is_line else f", {surface.up[row]:.3g}")
    origin = [s.loss for s in surface.path[-1:] if s.loss == s.loss]
    of_origin = f"; the loss of the last checkpoint is {origin[0]:.4g}{_basis(surface)}" if origin else ""
    return f"the loss goes from {low:.4g}, at ({place}), to {high:.4g}{of_origin}"


def _basis(surface: LossSurface) -> str:
    """On which part of the data the checkpoints' own losses were measured, if not on all."""
    some, every = surface.about.get("path_parts"), surface.about.get("parts")
    return f", on {some} of {every} parts of the data" if some is not None and some != every else ""


def _precision(surface: LossSurface) -> str:
    known = surface.measured
    told = f"{known.sum()} of {known.size} cells were measured"
    told += "" if known.all() else ", the others are interpolated"
    finite = surface.error[np.isfinite(surface.error)]
    about = surface.about
    spent = about.get("spent")
    cost = f"; {spent:.3g} s on {about.get('device', 'a device')}" if isinstance(spent, int | float) else ""
    error = f"{np.median(finite):.2g} in the median and {finite.max():.2g} at most" if finite.size else "not known"
    return f"{told}; the standard error is {error}{cost}"


def _of_path(surface: LossSurface) -> Iterator[str]:
    if len(surface.explained) == 2:
        share = sum(surface.explained)
        yield f"the plane holds {100 * share:.3g} % of the variance of {len(surface.path)} checkpoints"
    off = [s for s in surface.path if s.away > 0.5 * max(np.ptp(surface.across), np.ptp(surface.up))]
    if surface.plane == "pca" and off:
        names = ", ".join(map(_step, off[:3])) + (" ..." if len(off) > 3 else "")
        yield f"{names}: farther from the plane than half of its width, so the loss beneath their dots is not theirs"


def _of_barrier(surface: LossSurface) -> str:
    barrier = surface.barrier
    assert barrier is not None
    if barrier.height <= max(TWO_SIGMA * barrier.error, LOW * abs(barrier.peak)):
        return "no barrier: the loss does not rise above the straight line between the losses of the ends"
    return (
        f"a barrier of {barrier.height:.4g} (± {barrier.error:.2g}) above the straight line between the losses of the "
        f"ends, at {barrier.at:.2g} of the way, where the loss is {barrier.peak:.4g}"
    )


def _tables(surface: LossSurface) -> Iterator[Table]:
    if not surface.path:
        return
    rows: list[tuple[Cell, ...]] = [
        (s.name, *(None if v != v else float(f"{v:.4g}") for v in (s.step, s.across, s.up, s.away, s.loss)))
        for s in surface.path
    ]
    yield Table("checkpoints", ("checkpoint", "step", "across", "up", "out of the plane", "loss"), tuple(rows))
