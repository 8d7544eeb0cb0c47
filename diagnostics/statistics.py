"""Statistics of training curves, numpy only: decide on blocks, never on points.

Every function takes plain arrays and returns plain numbers, and each states its source. Series are judged in log space
when positive (a loss that halves changes by the same amount anywhere), else on an asinh scale.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.parsers.model import Floats, Ints

MAD_TO_SD = 1.4826
"""Makes the median absolute deviation of Gaussian noise equal to its standard deviation."""


@dataclass(frozen=True, slots=True)
class Blocks:
    """Equal-count blocks of a series: means of the transformed values, their x and their sizes, all of shape `(B,)`."""

    u: Floats
    x: Floats
    n: Ints
    start: Ints
    """Index of the first point of each block in the finite series."""


def transform(values: Floats) -> Floats:
    """Ln y for positive series, asinh of the robustly standardised values otherwise; finite in, finite out."""
    if values.size and values.min() > 0:
        return np.log(values)
    centre = float(np.median(values)) if values.size else 0.0
    spread = float(np.median(np.abs(values - centre))) if values.size else 0.0
    return np.asarray(np.arcsinh((values - centre) / (spread or 1.0)))


def noise(u: Floats) -> float:
    """Noise scale untouched by trend: 1.4826 * MAD(diff u) / sqrt(2), at least 1e-4."""
    if u.size < 3:
        return 1e-4
    steps = np.diff(u)
    return max(1e-4, float(MAD_TO_SD * np.median(np.abs(steps - np.median(steps))) / np.sqrt(2)))


def blocks(x: Floats, u: Floats, count: int) -> Blocks:
    """Cut a series into `count` blocks of nearly equal length (sizes differ by one at most)."""
    edges = np.linspace(0, u.size, min(count, u.size) + 1).astype(np.int64)
    sizes = np.diff(edges)
    means = np.add.reduceat(u, edges[:-1]) / sizes if u.size else u
    at = np.add.reduceat(x, edges[:-1]) / sizes if u.size else x
    return Blocks(np.asarray(means), np.asarray(at), sizes, edges[:-1])
