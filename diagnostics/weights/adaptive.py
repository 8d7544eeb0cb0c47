"""Where to measure next: coarse to fine, more cells where the surface bends, more data where chance rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.weights.field import Estimate, Field, estimate
from trainvitals.diagnostics.weights.interpolation import distances
from trainvitals.parsers.model import Floats, Ints

COARSE = {1: 9, 2: 45}
"""Cells that are measured first, besides those in the corners, by the number of axes."""
FIRST_OF_LEVEL = {1: 5, 2: 20}
"""Cells that a new level begins with."""
STEPS_OF_DATA = 4
"""By this factor each level has more parts than the one before."""
FIRST = 0.06
"""Share of the budget that the first cells may take; decides how many parts level 0 has."""
NEW_LEVEL = 0.5
"""Share of what is left that the first cells of a new level may take."""
WORTH = 1.3
"""A level with less than so many times the parts of the last one is not worth its cells."""
ROUND = 0.17
"""Cells of one round as a share of those that are known: afterwards it is decided anew."""

Measure = Callable[[Ints, int, int], Iterator[tuple[Ints, Floats]]]
"""Takes cells and a range of parts; yields, batch by batch, cells and the sums of these parts `(k, 5)`."""


@dataclass(slots=True)
class Pace:
    """The clock of a measurement: seconds left, seconds that one cell takes for one part, cells measured at a time."""

    left: Callable[[], float]
    seconds: float
    batch: int


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows and columns; one row for a line."""

    rows: int
    columns: int

    def place(self) -> Floats:
        """Where the cells lie, `(cells, d)`, one coordinate for a line: 0 to 1 along each axis."""
        axes = [np.linspace(0, 1, n) for n in (self.rows, self.columns) if n > 1]
        return np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=-1)

    def spread(self) -> Ints:
        """Cells spread evenly over the grid, in an order in which the first of them are spread evenly too.

        They have no rows and columns of their own, as a regular grid has: of what depends on one axis alone, each point
        of such a grid has copies, and leaving one out says nothing of the gaps. They follow the R2 sequence (Roberts
        2018), stretched a little so that some lie on the edges.
        """
        ends = [[0, n - 1] if n > 1 else [0] for n in (self.rows, self.columns)]
        corners = [(r, c) for r in ends[0] for c in ends[1]]
        steps = np.array(_R2 if self.rows > 1 else (0.0, _R1))
        unit = np.clip(((0.5 + np.arange(COARSE[self.axes])[:, None] * steps) % 1.0 - 0.5) * STRETCH + 0.5, 0.0, 1.0)
        inner = np.round(unit * np.array([self.rows - 1, self.columns - 1])).astype(np.int64)
        places = [(int(r), int(c)) for r, c in inner[:1].tolist() + corners + inner[1:].tolist()]
        return np.array(list(dict.fromkeys(r * self.columns + c for r, c in places)), np.int64)

    @property
    def axes(self) -> int:
        """1 for a line, 2 for a plane."""
        return 2 if self.rows > 1 else 1


_R1 = 0.6180339887498949
_R2 = (0.7548776662466927, 0.5698402909980532)
STRETCH = 1.15


def first_parts(of: int, budget: float, pace: Pace, grid: Grid) -> int:
    """How many parts level 0 takes: as many as fit, and two, if there are, as one says nothing of chance."""
    fitting = int(FIRST * budget / max(pace.seconds * grid.spread().size, 1e-12))
    return min(of, max(2, fitting))


def measure(
    found: Field, grid: Grid, pace: Pace, ask: Measure, tolerance: float, after: Callable[[Field, Estimate], None]
) -> str:
    """Measure until the error is small enough, everything is known, or the time is over; says which.

    Args:
        found: filled in place; may hold measurements already.
        grid: of the cells.
        pace: of the measurement; its `seconds` must be kept up to date by `ask`.
        ask: measures cells.
        tolerance: the root of the mean squared error, as a share of the standard deviation of the surface.
        after: called after every round.
    """
    if not found.parts:
        raise ValueError("a field without a level")
    _raise_to(found, 0, grid.spread(), pace, ask)
    for level in range(1, len(found.parts)):  # what an interruption may have left undone
        _raise_to(found, level, _base(found, grid), pace, ask)
    while found.known(0).any():
        now = estimate(found)
        after(found, now)
        good = np.isfinite(now.loss)
        spread = float(np.std(np.log(now.loss[good]) if now.relative else now.loss[good])) if good.any() else 0.0
        if found.known(len(found.parts) - 1).all() and found.parts[-1] >= found.of:
            return "all cells were measured on all of the data"
        if good.any() and _rms((now.error / _unit(now))[good]) <= tolerance * spread:
            return f"the error is below {tolerance:g} of the surface's standard deviation"
        if pace.left() <= 0 or not _round(found, grid, pace, ask, now):
            return "the budget is spent"
    return "the budget is spent"


def _unit(now: Estimate) -> Floats:
    """What errors are held against: the loss itself where it spans magnitudes, else 1."""
    return np.where(np.isfinite(now.loss), now.loss, 1.0) if now.relative else np.ones_like(now.loss)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _round(found: Field, grid: Grid, pace: Pace, ask: Measure, now: Estimate) -> bool:
    """Do what takes most of the error away; False where nothing fits into the time that is left."""
    good = np.isfinite(now.loss)
    between, by_chance = now.between / _unit(now), now.chance / _unit(now)
    weight = [float(np.mean(between[level][good] ** 2)) if good.any() else 0.0 for level in range(len(found.parts))]
    chance = float(np.mean(by_chance[good] ** 2)) if good.any() else 0.0
    if not chance < max(weight, default=0.0):
        parts = _next_parts(found, grid, pace)
        if parts:
            found.add_level(parts)
            return _raise_to(found, len(found.parts) - 1, _base(found, grid), pace, ask)
    for level in sorted(range(len(weight)), key=lambda k: -weight[k]):
        price = (found.parts[level] - (found.parts[level - 1] if level else 0)) * pace.seconds
        fitting = int(pace.left() / max(price, 1e-12))
        count = min(max(pace.batch, int(ROUND * found.known(level).sum())), fitting)
        cells = _choose(found, level, between[level], count)
        if cells.size:
            return _raise_to(found, level, cells, pace, ask)
    return False


def _base(found: Field, grid: Grid) -> Ints:
    """The first cells of a new level: those of the coarse ones that come first."""
    cells = grid.spread()
    return cells[found.known(0)[cells]][: FIRST_OF_LEVEL[grid.axes]]


def _next_parts(found: Field, grid: Grid, pace: Pace) -> int:
    """The parts of a further level, 0 where none is worth it or there are no more."""
    last = found.parts[-1]
    count = max(_base(found, grid).size, 1)
    fitting = last + int(NEW_LEVEL * pace.left() / max(pace.seconds * count, 1e-12))
    parts = min(found.of, STEPS_OF_DATA * last, fitting)
    return parts if parts > last and (parts == found.of or parts >= WORTH * last) else 0


def _choose(found: Field, level: int, error: Floats, count: int) -> Ints:
    """The cells of the largest error, no two beside each other: each one that is chosen mends its surroundings."""
    open_ = ~found.known(level) & (error > 0)
    if not open_.any() or count < 1:
        return np.zeros(0, np.int64)
    known = found.place[found.known(level)]
    away = distances(found.place, known).min(axis=1)
    bend = np.where(np.isfinite(error), error, 1e30) / np.maximum(away, 1e-12) ** 2
    chosen: list[int] = []
    while len(chosen) < count:
        score = np.where(open_, bend * away**2, -math.inf)
        best = int(score.argmax())
        if not score[best] > 0:
            break
        chosen.append(best)
        open_[best] = False
        away = np.minimum(away, np.linalg.norm(found.place - found.place[best], axis=1))
    return np.array(chosen, np.int64)


def _raise_to(found: Field, level: int, cells: Ints, pace: Pace, ask: Measure) -> bool:
    """Measure cells at a level and at all below that they lack, while there is time; whether any was measured."""
    any_done = False
    for now in range(level + 1):
        lacking = cells[~found.known(now)[cells]]
        first = found.parts[now - 1] if now else 0
        if lacking.size:
            for done, gained in ask(lacking, first, found.parts[now]):
                found.sums[now][done] = gained + (found.sums[now - 1][done] if now else 0.0)
                any_done = True
                if pace.left() <= 0:
                    return any_done
    return any_done
