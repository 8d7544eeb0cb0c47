"""A smooth surface through scattered points: polyharmonic splines, and what they say of their own error.

A spline of power k has the terms |x - x_i|^k and a polynomial. Smooth surfaces are met best by the fifth power, which
has quadratics for its polynomial and so reproduces a quadratic bowl; those with kinks by the first. Which one it is, is
decided by leaving out one point after the other, which costs one matrix and no further fit.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement

import numpy as np

from trainvitals.parsers.model import Floats

POWERS = {5: 2, 3: 1, 1: 0}
"""The degree of the polynomial that goes with each power."""


@dataclass(frozen=True, slots=True, eq=False)
class Spline:
    """A fitted spline: `left_out` `(n,)` is how far each value is from what the other points make of its place."""

    power: int
    centre: Floats
    scale: Floats
    points: Floats
    weights: Floats
    polynomial: Floats
    left_out: Floats

    def __call__(self, at: Floats) -> Floats:
        """The values at `at` `(m, d)`, `(m,)`."""
        x = (at - self.centre) / self.scale
        distance = distances(x, self.points)
        found = distance**self.power @ self.weights + _monomials(x, POWERS[self.power]) @ self.polynomial
        return np.asarray(found)


def fit(points: Floats, values: Floats, powers: tuple[int, ...] = tuple(POWERS)) -> Spline:
    """The spline through `values` `(n,)` at `points` `(n, d)` whose left-out values are best, n > 0.

    Points in one place, or too few for any polynomial but a constant, are no error: the least squares are taken.
    """
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    scale = np.where(np.ptp(points, axis=0) > 0, np.ptp(points, axis=0), 1.0) / 2
    x = (points - centre) / scale
    distance = distances(x, x)
    able = [p for p in powers if len(x) > _monomials(x[:1], POWERS[p]).shape[1] + 1] or [1]
    fits = [Spline(p, centre, scale, x, *_solved(distance**p, _monomials(x, POWERS[p]), values)) for p in able]
    return min(fits, key=lambda one: float(np.median(np.abs(one.left_out))))


def distances(a: Floats, b: Floats) -> Floats:
    """Between all points of `a` `(n, d)` and `b` `(m, d)`, `(n, m)`."""
    found = np.zeros((len(a), len(b)))
    for one, other in zip(a.T, b.T, strict=True):
        found += np.subtract.outer(one, other) ** 2
    return np.sqrt(found)


def _monomials(x: Floats, degree: int) -> Floats:
    """All products of up to `degree` coordinates of `x` `(n, d)`, `(n, k)`."""
    columns = [np.ones(len(x))]
    for count in range(1, degree + 1):
        products = combinations_with_replacement(range(x.shape[1]), count)
        columns += [x[:, which].prod(axis=1) for which in products]
    return np.stack(columns, axis=1)


def _solved(kernel: Floats, basis: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Weights, polynomial and left-out residuals, by Rippa's rule: weight over diagonal of the inverse."""
    n, k = basis.shape
    system = np.zeros((n + k, n + k))
    system[:n, :n], system[:n, n:], system[n:, :n] = kernel, basis, basis.T
    try:
        inverse = np.linalg.inv(system)
    except np.linalg.LinAlgError:
        inverse = np.linalg.pinv(system)
    solution = inverse[:, :n] @ values
    diagonal = np.diagonal(inverse)[:n]
    left_out = solution[:n] / np.where(np.abs(diagonal) > 0, diagonal, np.inf)
    return solution[:n], solution[n:], left_out
