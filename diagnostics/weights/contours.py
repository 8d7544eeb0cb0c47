"""Lines of equal height over a grid, by marching squares, joined to as few lines as possible."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from trainvitals.parsers.model import Floats

Edge = tuple[int, int, int]
"""A side of a cell: the row and column of its first corner, and 0 if it goes to the right or 1 if it goes up."""

_SIDES = {
    1: "lb",
    2: "br",
    3: "lr",
    4: "tr",
    6: "bt",
    7: "lt",
    8: "lt",
    9: "bt",
    11: "tr",
    12: "lr",
    13: "br",
    14: "lb",
}
"""Which sides of a square a line joins, by the corners above the level: 1 lower left, 2 lower right, 4 upper right, 8
upper left. 5 and 10 are saddles, which have two lines."""


def contour(across: Floats, up: Floats, z: Floats, level: float) -> tuple[Floats, Floats]:
    """The line of this height in `z` `(m, n)` as x and y `(k,)`; its parts are separated by NaN.

    Squares with a corner that is not finite have none.
    """
    x: list[float] = []
    y: list[float] = []
    for line in _joined(_segments(z, level)):
        for edge in line:
            px, py = _crossing(across, up, z, level, edge)
            x.append(px)
            y.append(py)
        x.append(np.nan)
        y.append(np.nan)
    return np.array(x[:-1]), np.array(y[:-1])


def _segments(z: Floats, level: float) -> Iterator[tuple[Edge, Edge]]:
    above = z > level
    corners = above[:-1, :-1] + 2 * above[:-1, 1:] + 4 * above[1:, 1:] + 8 * above[1:, :-1]
    finite = np.isfinite(z)
    whole = finite[:-1, :-1] & finite[:-1, 1:] & finite[1:, 1:] & finite[1:, :-1]
    for j, i in np.argwhere(whole & (corners > 0) & (corners < 15)).tolist():
        side: dict[str, Edge] = {"b": (j, i, 0), "t": (j + 1, i, 0), "l": (j, i, 1), "r": (j, i + 1, 1)}
        case = int(corners[j, i])
        if case in _SIDES:
            yield side[_SIDES[case][0]], side[_SIDES[case][1]]
            continue
        # A saddle: the mean of the corners says which of them are joined through the middle.
        high = float(z[j : j + 2, i : i + 2].mean()) > level
        for pair in ("lt", "br") if (case == 5) == high else ("lb", "tr"):
            yield side[pair[0]], side[pair[1]]


def _joined(segments: Iterator[tuple[Edge, Edge]]) -> list[list[Edge]]:
    """Lines through segments that share an edge; a closed one ends where it begins."""
    beside: dict[Edge, list[Edge]] = defaultdict(list)
    for a, b in segments:
        beside[a].append(b)
        beside[b].append(a)
    lines = []
    ends = [edge for edge, others in beside.items() if len(others) == 1]
    for start in (*ends, *beside):
        line = [start]
        while beside[line[-1]]:
            following = beside[line[-1]].pop()
            beside[following].remove(line[-1])
            line.append(following)
        if len(line) > 1:
            lines.append(line)
    return lines


def _crossing(across: Floats, up: Floats, z: Floats, level: float, edge: Edge) -> tuple[float, float]:
    j, i, vertical = edge
    a, b = float(z[j, i]), float(z[j + 1, i] if vertical else z[j, i + 1])
    part = (level - a) / (b - a)
    if vertical:
        return float(across[i]), float(up[j] + part * (up[j + 1] - up[j]))
    return float(across[i] + part * (across[i + 1] - across[i])), float(up[j])


def levels(z: Floats, count: int) -> Sequence[float]:
    """Heights for contours: even shares of the cells lie between them, so that flat regions have lines too."""
    finite = z[np.isfinite(z)]
    if not finite.size or finite.min() == finite.max():
        return ()
    return tuple(np.unique(np.quantile(finite, (np.arange(count) + 0.5) / count)).tolist())
