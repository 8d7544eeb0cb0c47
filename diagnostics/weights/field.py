"""From cells that were measured, on more or less of the data, to all cells: values, and how far off they may be.

Cells are measured at levels. Level 0 takes a few parts of the data, and each further level more of them, at fewer
cells. The surface is that of level 0, interpolated, plus the differences between levels, each interpolated for itself:
differences are smaller and smoother than losses, so that few cells with all of the data mend all others
(multilevel Monte Carlo, Giles 2008). All cells see the same parts, so that chance hardly differs between neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from trainvitals.diagnostics.weights import sums
from trainvitals.diagnostics.weights.interpolation import distances, fit
from trainvitals.parsers.model import Bools, Floats, Ints

NEAREST = 6
"""Measured cells that tell how much the surface bends at a cell between them."""
WIDE = 30.0
"""Losses, all positive, the highest of which is so many times the lowest are interpolated by their logarithms."""
LARGEST = 700.0
"""Of a logarithm whose exponential is finite."""
USABLE = 4
"""Cells that a level must have at least: fewer say nothing of what lies between them."""
MOST = 1500
"""Cells that a spline goes through at most: a fit takes the cube of their number."""
MANY = 250
"""From so many points on, one power of spline is fitted and not three."""


@dataclass(slots=True, eq=False)
class Field:
    """All measurements: `place` `(cells, d)` in units of the grid, and for each level its parts and sums.

    `sums[level]` is `(cells, 5)`, NaN where a cell was not measured; a cell measured at a level was so at those below.
    """

    place: Floats
    of: int
    parts: list[int] = field(default_factory=list)
    sums: list[Floats] = field(default_factory=list)
    powers: dict[int, int] = field(default_factory=dict)

    def add_level(self, parts: int) -> None:
        """A further level with so many parts, at no cell yet."""
        self.parts.append(parts)
        self.sums.append(np.full((len(self.place), len(sums.NAMES)), np.nan))

    def known(self, level: int) -> Bools:
        """Which cells were measured at a level, whatever came out, `(cells,)`."""
        return ~np.isnan(self.sums[level][:, 1])

    def seen(self) -> Floats:
        """The share of the parts that each cell was measured on, `(cells,)`."""
        found = np.zeros(len(self.place))
        for level, parts in enumerate(self.parts):
            found[self.known(level)] = parts / self.of
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """The loss of all cells, and its errors: of chance `(cells,)`, of interpolation for each level `(levels, cells)`.

    Cells that are not finite, or lie nearest to such a one, are NaN. A `relative` one was interpolated by logarithms.
    """

    loss: Floats
    chance: Floats
    between: Floats
    relative: bool = False

    @property
    def error(self) -> Floats:
        """All of it, as one standard error."""
        return np.asarray(np.sqrt(self.chance**2 + (self.between**2).sum(axis=0)))


def estimate(found: Field) -> Estimate:
    """The surface as far as it is known; at least one cell must have been measured at level 0."""
    relative = _is_wide(sums.mean(found.sums[0]))
    cells = len(found.place)
    loss, between = np.zeros(cells), np.zeros((len(found.parts), cells))
    before = np.zeros(cells)
    for level, kept in enumerate(found.sums):
        value = _log(sums.mean(kept)) if relative else sums.mean(kept)
        good = np.flatnonzero(np.isfinite(value - before))
        if good.size >= (USABLE if level else 1):
            made, between[level] = _between(found, level, good, value - before)
            loss += made
        before = value
    broken = found.known(0) & ~np.isfinite(sums.mean(found.sums[0]))
    lost = _nearest_is(found.place, found.known(0), broken)
    for level in range(len(found.parts)):
        lost |= found.known(level) & ~np.isfinite(sums.mean(found.sums[level]))
    loss[lost], between[:, lost] = np.nan, 0.0
    if relative:
        loss = np.exp(np.minimum(loss, LARGEST))
        between = between * np.nan_to_num(loss)
    return Estimate(loss, _chance(found), between, relative)


def _between(found: Field, level: int, good: Ints, value: Floats) -> tuple[Floats, Floats]:
    """The values of all cells from those of the cells `good`, and their errors, both `(cells,)`."""
    if good.size == value.size:
        return value.copy(), np.zeros(value.size)
    # As many as can be solved for in a second; what else was measured is taken as it is.
    nodes = good[np.linspace(0, good.size - 1, min(good.size, MOST)).round().astype(np.int64)]
    powers = {} if nodes.size < MANY else {"powers": (found.powers.get(level, 5),)}
    spline = fit(found.place[nodes], value[nodes], **powers)
    found.powers[level] = spline.power
    made, error = spline(found.place), _gap(found.place, nodes, spline.left_out)
    made[good], error[good] = value[good], 0.0
    return made, error


def _is_wide(loss: Floats) -> bool:
    """Whether losses span so much that a smooth surface through them would fall below zero somewhere."""
    finite = loss[np.isfinite(loss)]
    return bool(finite.size and finite.min() > 0 and finite.max() > WIDE * finite.min())


def _log(loss: Floats) -> Floats:
    with np.errstate(all="ignore"):
        return np.where(loss > 0, np.log(loss), np.nan)


def _gap(place: Floats, known: Ints, left_out: Floats) -> Floats:
    """The error of interpolation at all cells, `(cells,)`.

    A point that is left out leaves a hole as wide as the way to its nearest neighbour. An error grows with the square
    of the width of the hole, at least: so what the points around a cell were off tells of the cell.
    """
    if known.size == 1:
        return np.where(np.arange(len(place)) == known[0], 0.0, np.inf)
    own = distances(place[known], place[known])
    np.fill_diagonal(own, np.inf)
    bend = np.abs(left_out) / own.min(axis=1) ** 2
    away = distances(place, place[known])
    count = min(NEAREST, known.size)
    near = np.argpartition(away, count - 1, axis=1)[:, :count]
    distance = np.take_along_axis(away, near, axis=1)
    share = 1.0 / np.maximum(distance, 1e-9) ** 2
    local = (share * bend[near] ** 2).sum(axis=1) / share.sum(axis=1)
    return np.asarray(np.sqrt(local) * away.min(axis=1) ** 2)


def _nearest_is(place: Floats, known: Bools, broken: Bools) -> Bools:
    """Which cells have a broken one as the nearest of those that are known."""
    if not broken.any():
        return np.zeros(len(place), np.bool_)
    which = np.flatnonzero(known)
    nearest = distances(place, place[which]).argmin(axis=1)
    return np.asarray(broken[which[nearest]])


def _chance(found: Field) -> Floats:
    """The error of the parts that were not seen, from the cells of the highest level that has any."""
    for level in reversed(range(len(found.parts))):
        error = sums.standard_error(found.sums[level], found.parts[level], found.of)
        good = np.flatnonzero(np.isfinite(error) & found.known(level))
        if good.size >= (USABLE if level else 1):
            away = distances(found.place, found.place[good])
            share = 1.0 / np.maximum(away, 1e-9) ** 2
            return np.asarray((share * error[good]).sum(axis=1) / share.sum(axis=1))
    return np.full(len(found.place), np.inf)
