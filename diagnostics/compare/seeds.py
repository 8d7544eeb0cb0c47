"""Runs that differ only in their seed: which ones these are, and tests on one number per run.

A difference counts only if a permutation test and a bootstrap agree. With few seeds the first cannot: the smallest
two-sided p of n sign flips is 2 / 2^n, which is .25 for 3 seeds.
"""

from __future__ import annotations

import itertools
import math
import re
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from trainvitals.diagnostics.compare import student
from trainvitals.parsers.model import Floats

SEED = re.compile(r"(?<![A-Za-z0-9])(?:seed|s)[-_=]?(\d{1,10})(?![A-Za-z0-9])", re.IGNORECASE)
"""`seed0`, `s1`, `-seed-3`, `seed=42`, as a word of its own in the path of a run."""

MOST_EXACT = 20_000
"""Rearrangements that are all tried; of more, this many are drawn."""
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Tested:
    """A mean difference of runs, its 95 % interval, and the p of rearranging them."""

    difference: float
    low: float
    high: float
    p: float


def seed_of(path: str) -> str:
    """The seed that a path names, the last one of several; empty where it names none."""
    found = SEED.findall(path)
    return str(int(found[-1])) if found else ""


def without_seed(path: str) -> str:
    """The path with a `*` where it names a seed: equal for runs that differ in nothing else."""
    return SEED.sub("*", path)


def paired(deltas: Floats) -> Tested:
    """Differences of runs with equal seeds, shape `(n,)`, n > 1: sign flips, and a BCa bootstrap of their mean."""
    mean = float(deltas.mean())
    signs = _signs(deltas.size)
    extreme = np.abs((signs * deltas).mean(axis=1)) >= abs(mean) * (1 - 1e-12)
    draws = _rng().choice(deltas, (RESAMPLES, deltas.size)).mean(axis=1)
    left_out = (deltas.sum() - deltas) / (deltas.size - 1)
    return Tested(mean, *_bca(mean, draws, left_out), float(extreme.mean()))


def unpaired(first: Floats, other: Floats) -> Tested:
    """Runs with different seeds, more than one on each side: rearranged groups, and a BCa bootstrap."""
    gap = float(other.mean() - first.mean())
    everything = np.concatenate([first, other])
    chosen = _rearranged(everything.size, other.size)
    inside = everything[chosen].sum(axis=1)
    gaps = inside / other.size - (everything.sum() - inside) / first.size
    extreme = np.abs(gaps) >= abs(gap) * (1 - 1e-12)
    rng = _rng()
    draws = rng.choice(other, (RESAMPLES, other.size)).mean(axis=1)
    draws -= rng.choice(first, (RESAMPLES, first.size)).mean(axis=1)
    left_out = np.concatenate(
        [
            other.mean() - (first.sum() - first) / max(first.size - 1, 1),
            (other.sum() - other) / max(other.size - 1, 1) - first.mean(),
        ]
    )
    return Tested(gap, *_bca(gap, draws, left_out), float(extreme.mean()))


def against(band: Floats, value: float) -> Tested:
    """One run beside a band of at least 3: the interval in which one more of them would lie (t, n - 1)."""
    n = band.size
    error = float(band.std(ddof=1)) * math.sqrt(1 + 1 / n)
    gap = value - float(band.mean())
    half = student.quantile(n - 1) * error
    p = student.two_sided(gap / error, n - 1) if error > 0 else float(gap == 0)
    return Tested(gap, gap - half, gap + half, p)


def smallest_p(n: int) -> float:
    """The smallest two-sided p that flipping n signs can give."""
    return min(1.0, 2.0 / 2.0**n)


def _signs(n: int) -> Floats:
    if 2**n <= MOST_EXACT:
        return np.array(list(itertools.product((-1.0, 1.0), repeat=n)))
    return np.asarray(_rng().choice((-1.0, 1.0), (MOST_EXACT, n)))


def _rearranged(total: int, size: int) -> np.ndarray:
    if math.comb(total, size) <= MOST_EXACT:
        return np.array(list(itertools.combinations(range(total), size)))
    rng = _rng()
    return np.array([rng.permutation(total)[:size] for _ in range(MOST_EXACT)])


def _bca(estimate: float, draws: Floats, left_out: Floats) -> tuple[float, float]:
    """Bias-corrected and accelerated 95 % interval (Efron 1987); the value itself where nothing varies.

    NaN where values overflow.
    """
    if not (np.isfinite(draws).all() and np.isfinite(left_out).all()):
        return math.nan, math.nan
    if float(np.ptp(draws)) <= 1e-12 * max(1e-300, abs(estimate)):
        return estimate, estimate
    normal = NormalDist()
    below = float((draws < estimate).mean()) + float((draws == estimate).mean()) / 2
    bias = normal.inv_cdf(min(max(below, 1 / draws.size), 1 - 1 / draws.size))
    away = left_out.mean() - left_out
    # The pull has no unit; without this, cubes of large values overflow.
    away /= float(np.abs(away).max()) or 1.0
    spread = float((away**2).sum())
    pull = float((away**3).sum()) / (6 * spread**1.5) if spread > 0 else 0.0

    def level(z: float) -> float:
        return normal.cdf(bias + (bias + z) / (1 - pull * (bias + z)))

    low, high = np.quantile(draws, [level(normal.inv_cdf(0.025)), level(normal.inv_cdf(0.975))])
    return float(low), float(high)


def _rng() -> np.random.Generator:
    # The same runs must always get the same verdict.
    return np.random.default_rng(0)
