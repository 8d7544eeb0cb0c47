"""Student's t for whole degrees of freedom, in closed form (Abramowitz and Stegun 26.7.3 and 26.7.4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache


def two_sided(t: float, dof: int) -> float:
    """P(|T| >= |t|) with `dof` >= 1 degrees of freedom; 0 for an infinite t, NaN for NaN."""
    if t != t:
        return math.nan
    angle = math.atan2(abs(t), math.sqrt(dof))
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = dof % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(2 - (not odd), dof, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    inside = 2 / math.pi * (angle + sine * total) if odd else sine * total
    return min(1.0, max(0.0, 1 - inside))


@lru_cache(maxsize=64)
def quantile(dof: int, level: float = 0.95) -> float:
    """The t that |T| exceeds with probability 1 - `level`, by bisection."""
    low, high = 0.0, 1.0
    while two_sided(high, dof) > 1 - level:
        high *= 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if two_sided(middle, dof) > 1 - level else (low, middle)
    return high


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """P values adjusted for their number (Holm 1979); NaN where none was given, and not counted."""
    given = sorted((p, i) for i, p in enumerate(values) if p == p)
    adjusted, largest = [math.nan] * len(values), 0.0
    for rank, (p, i) in enumerate(given):
        largest = max(largest, min(1.0, p * (len(given) - rank)))
        adjusted[i] = largest
    return tuple(adjusted)
