"""Totals as weighted sums of their logged parts: what a total should be, and which simpler sum explains it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Sum
from trainvitals.diagnostics.ratio import matched
from trainvitals.parsers.model import Floats, Ints, Series, Split


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A total and its parts at the points where all were logged.

    `main` and `layers` map each part to its values and to the sum of its auxiliary layers, all of shape `(n,)`;
    `index` are the points of the total. `weights` holds the weights that are known.
    """

    series: Series
    total: Floats
    main: dict[str, Floats]
    layers: dict[str, Floats]
    layer_names: tuple[str, ...]
    weights: dict[str, float]
    index: Ints

    def predicted(self, weights: dict[str, float], *, with_layers: bool = True) -> Floats:
        """The weighted sum of the parts."""
        found = np.zeros(self.total.size)
        for name, weight in weights.items():
            found = found + weight * (self.main[name] + (self.layers[name] if with_layers else 0.0))
        return found


def parts_of(case: Case, one: Sum, split: Split) -> Parts | str:
    """Total and parts of one split, or why they cannot be had."""
    total = case.get(one.total, split)
    if total is None:
        return f"no {split} {one.total} is logged"
    found = {name: s for name in one.parts if (s := case.get(name, split)) is not None}
    absent = [name for name in one.parts if name not in found and name not in one.optional]
    if absent:
        return f"no {split} {' or '.join(absent)} is logged"
    layers = {name: _layers(case, name, split) for name in found}
    every = [total, *found.values(), *(s for group in layers.values() for s in group)]
    points = matched(*every)
    if not len(points):
        return f"{total.logged_as} and its parts share no step"
    rows = iter(points.values)
    values = next(rows)
    main = {name: next(rows) for name in found}
    sums = {name: sum((next(rows) for _ in group), np.zeros(values.size)) for name, group in layers.items()}
    names = tuple(s.metric for group in layers.values() for s in group)
    weights = {name: w for name in found if (w := _weight(case, one, name)) is not None}
    return Parts(total, values, main, sums, names, weights, points.index[0])


def _layers(case: Case, part: str, split: Split) -> list[Series]:
    pattern = re.compile(re.escape(part) + r"_\d+")
    return [s for s in case.run.series if s.split == split and pattern.fullmatch(s.metric)]


def _weight(case: Case, one: Sum, part: str) -> float | None:
    configured = case.number(*one.weight_settings.get(part, ()))
    return one.weights.get(part) if configured is None else configured


def residual(parts: Parts, predicted: Floats) -> Floats:
    """(total - predicted) / total at every point with a total that is not 0."""
    good = parts.total != 0
    return np.asarray((parts.total[good] - predicted[good]) / np.abs(parts.total[good]))


def fitted(parts: Parts, *, points_needed: int = 4) -> dict[str, float] | None:
    """Weights of all parts by least squares, known ones kept; None where the points cannot tell, or one is negative.

    A system whose condition number exceeds 10^4 cannot: parts that move together have no weights of their own.
    """
    unknown = [name for name in parts.main if name not in parts.weights]
    if not unknown or parts.total.size < max(points_needed, len(unknown) + 2):
        return None
    scale = np.abs(parts.total)
    if not (scale > 0).all():
        return None
    rest = (parts.total - parts.predicted(parts.weights)) / scale
    columns = np.stack([(parts.main[name] + parts.layers[name]) / scale for name in unknown], axis=1)
    norms = np.linalg.norm(columns, axis=0)
    if not (norms > 0).all() or np.linalg.cond(columns / norms) > 1e4:
        return None
    solution = np.linalg.lstsq(columns, rest, rcond=None)[0]
    if (solution < -1e-3).any():
        return None
    return parts.weights | dict(zip(unknown, np.maximum(solution, 0.0).tolist(), strict=True))


def formula(weights: dict[str, float], names: tuple[str, ...] = ()) -> str:
    """The sum in words: '1*loss_ce + 5*loss_coords'."""
    text = " + ".join(f"{weight:.4g}*{name}" for name, weight in weights.items())
    return f"{text} and {len(names)} auxiliary losses" if names else text
