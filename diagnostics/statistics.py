"""Statistics of training curves, numpy only: decide on blocks, never on points.

Every function takes plain arrays and returns plain numbers, and each states its source. Losses come in log space,
where one that halves changes by the same amount anywhere; rules decline those that are not positive.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

import numpy as np

from trainvitals.parsers.model import Floats, Ints

MAD_TO_SD = 1.4826
"""Makes the median absolute deviation of Gaussian noise equal to its standard deviation."""

MEDIAN_SE = 1.2533
"""Standard error of a median of Gaussian values, in units of that of their mean: sqrt(pi / 2)."""

MIN_NOISE = 1e-4
"""No noise estimate is smaller: rounded and frozen series would make every change significant."""

LONG = 500
"""Points of a piece from which its median is taken alone, without a copy."""

Direction = Literal["falling", "rising", "flat", "inconclusive"]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Equal-count blocks of a series: means of the transformed values, their x and their sizes, all of shape `(B,)`."""

    u: Floats
    x: Floats
    n: Ints
    start: Ints
    """Index of the first point of each block in the finite series."""


@dataclass(frozen=True, slots=True)
class Local:
    """Noise of a curve within windows so short that the curve is a line: its scale and its memory.

    Attributes:
        sd: standard deviation of the residuals.
        lag1: their correlation from one point to the next.
        tau: points per independent point, `1 + 2 * sum of autocorrelations`.
    """

    sd: float
    lag1: float
    tau: float

    def se(self, count: float) -> float:
        """Standard error of a mean of `count` consecutive points."""
        return self.sd * math.sqrt(min(1.0, self.tau / max(count, 1.0)))


@dataclass(frozen=True, slots=True)
class Trend:
    """What a curve does over a window.

    Attributes:
        z: Mann-Kendall statistic on block means; |z| >= 3 is significant.
        effect: relative change from the first to the last block by the Theil-Sen line, -0.1 for a fall by 10 %.
        se: standard error of the difference of two block means.
        blocks: how many of them.
    """

    direction: Direction
    z: float
    effect: float
    se: float
    blocks: int
    local: Local


def median(values: Floats) -> float:
    """The median, as `numpy.median` has it, in a tenth of its time; NaN for none."""
    if not values.size:
        return float("nan")
    half = values.size // 2
    # One place to partition at has a vectorised kernel; two, as numpy.median asks for, have none.
    part = np.partition(values, half, axis=None)
    if math.isnan(part[half:].max()):
        return math.nan
    return float(part[half] if values.size % 2 else (part[:half].max() + part[half]) / 2)


def row_medians(rows: Floats) -> Floats:
    """The median of each row of a matrix of finite values, shape `(rows,)`."""
    ordered, half = np.sort(rows, axis=1), rows.shape[1] // 2
    return np.asarray(ordered[:, half] if rows.shape[1] % 2 else (ordered[:, half - 1] + ordered[:, half]) / 2)


def quantile(values: Floats, share: float) -> float:
    """The quantile with linear interpolation, as `numpy.quantile` has it, in a third of its time; for finite values."""
    at = share * (values.size - 1)
    low = int(at)
    part = np.partition(values, low, axis=None)
    above = float(part[low + 1 :].min(initial=np.inf)) if at > low else 0.0
    return float(part[low]) + (at - low) * (above - float(part[low])) if at > low else float(part[low])


def windows(values: Floats, width: int, stride: int = 1) -> Floats:
    """All stretches of `width` points, one every `stride`, as the rows of a view: `(1 + (n - width) // stride, width)`.

    What `numpy.lib.stride_tricks.sliding_window_view` gives, in a twentieth of its time.
    """
    values = np.ascontiguousarray(values)
    count, size = max(0, 1 + (values.size - width) // stride), values.itemsize
    return np.ndarray((count, width), values.dtype, values, 0, (stride * size, size))


def finite(values: Floats) -> Floats:
    """The values that are numbers, in their order; the array itself where all are."""
    good = np.isfinite(values)
    return values if good.all() else values[good]


def noise(u: Floats) -> float:
    """Noise scale untouched by trend: 1.4826 * MAD(diff u) / sqrt(2), at least 1e-4."""
    if u.size < 3:
        return MIN_NOISE
    steps = u[1:] - u[:-1]
    steps -= median(steps)
    return max(MIN_NOISE, float(MAD_TO_SD * median(np.abs(steps, out=steps)) / np.sqrt(2)))


def spacing(x: Floats) -> float:
    """Median distance of neighbours on an axis that grows, `(n,)`; 0 for fewer than two."""
    gaps = np.diff(x)
    # Most logs are regular, and equal values are what a median takes longest for.
    usual = float(gaps.min(initial=np.inf))
    if 2 * np.count_nonzero(gaps == usual) > gaps.size:
        return usual
    return median(gaps) if gaps.size else 0.0


def segments(x: Floats, values: Floats, gap: float = 50.0) -> tuple[slice, ...]:
    """Stretches of finite values with increasing x, cut where x jumps by more than `gap` median gaps.

    Returns slices into the arrays, in their order; points that are not finite lie in none of them.
    """
    good = np.isfinite(values)
    if not good.any():
        return ()
    steps = np.diff(x)
    forward = steps[steps > 0]
    limit = gap * median(forward) if forward.size else np.inf
    cut = np.flatnonzero((steps < 0) | (steps > limit) | (good[1:] != good[:-1])) + 1
    edges = [0, *cut.tolist(), values.size]
    return tuple(slice(a, b) for a, b in pairwise(edges) if good[a])


def blocks(x: Floats, u: Floats, count: int) -> Blocks:
    """Cut a series into `count` blocks of nearly equal length (sizes differ by one at most)."""
    edges = _cuts(u.size, min(count, u.size))
    sizes = edges[1:] - edges[:-1]
    means = np.add.reduceat(u, edges[:-1]) / sizes if u.size else u
    at = np.add.reduceat(x, edges[:-1]) / sizes if u.size else x
    return Blocks(np.asarray(means), np.asarray(at), sizes, edges[:-1])


def _cuts(length: int, count: int) -> Ints:
    """Whole numbers from 0 to `length` at `count` nearly equal distances, `(count + 1,)`."""
    edges = (np.arange(count + 1) * (length / max(count, 1))).astype(np.int64)
    edges[-1] = length
    return edges


def block_medians(u: Floats, cut: Blocks) -> Floats:
    """Medians of the blocks of `cut`, shape `(B,)`."""
    return medians(u, cut.start, cut.n)


def medians(u: Floats, start: Ints, size: Ints) -> Floats:
    """Medians of the pieces of `size` points from `start` on, shape `(B,)`; pieces of one size are done together."""
    if size.max(initial=0) > LONG:
        return np.array([median(u[a : a + n]) for a, n in zip(start.tolist(), size.tolist(), strict=True)])
    found = np.empty(start.size)
    for each in set(size.tolist()):
        alike = size == each
        found[alike] = row_medians(u[start[alike, None] + np.arange(each)])
    return found


def even_medians(u: Floats, count: int) -> Floats:
    """Medians of `count` pieces, of which the first ones have a point more than the others, shape `(count,)`."""
    size, longer = divmod(u.size, count)
    split = longer * (size + 1)
    return np.concatenate(
        [row_medians(part.reshape(-1, n)) for part, n in ((u[:split], size + 1), (u[split:], size)) if part.size]
    )


def local_noise(u: Floats, pieces: int = 8, shortest: int = 25, longest: int = 20_000) -> Local:
    """Scale and memory of the noise, measured in at most `pieces` windows with a line removed from each.

    The autocorrelation is the median over the windows, so that the steep first one does not speak for all, and is
    summed until it falls below 0.05. Around one line through everything, the curvature of a healthy loss would look
    like memory (the reason against the corrections of Hamed-Rao and Yue-Wang here).
    """
    size = min(longest, u.size // max(1, min(pieces, u.size // shortest)))
    if size < 4:
        return Local(max(MIN_NOISE, float(np.std(u)) if u.size else 0.0), 0.0, 1.0)
    count = max(1, min(pieces, u.size // size))
    starts = _cuts(u.size - size, count - 1) if count > 1 else np.zeros(1, np.int64)
    rest = detrended(windows(u, size)[starts])
    power = np.abs(np.fft.rfft(rest, 2 * size, axis=1)) ** 2
    covariance = np.fft.irfft(power, axis=1)[:, :size]
    scale = np.where(covariance[:, :1] > 1e-18 * size, covariance[:, :1], np.inf)
    correlation = row_medians((covariance / scale).T)
    below = correlation[1:] < 0.05
    lags = int(below.argmax()) if below.any() else size - 1
    sd = median(np.sqrt((rest**2).sum(axis=1) / (size - 2)))
    return Local(max(MIN_NOISE, sd), float(correlation[1]), 1.0 + 2.0 * float(correlation[1 : lags + 1].sum()))


def detrended(rows: Floats) -> Floats:
    """Every row of a matrix without its least-squares line."""
    t = np.arange(rows.shape[1]) - (rows.shape[1] - 1) / 2
    centred = rows - rows.sum(axis=1, keepdims=True) / rows.shape[1]
    return np.asarray(centred - (centred @ t / (t @ t))[:, None] * t)


def effective_size(u: Floats) -> float:
    """Independent points in a series: n / tau, with tau measured locally."""
    return u.size / local_noise(u).tau


def short_memory(values: Floats) -> float:
    """Points per independent point of a short series without trend: (1 + r) / (1 - r), r its lag-1 correlation.

    Short series show too little of it: r + (1 + 4 r) / n (Kendall 1954), between 0 and 0.95.
    """
    rest = values - values.mean()
    power = float(rest @ rest)
    lag1 = float(rest[1:] @ rest[:-1]) / power if power > 0 else 0.0
    lag1 = min(0.95, max(0.0, lag1 + (1 + 4 * lag1) / values.size))
    return (1 + lag1) / (1 - lag1)


def block_count(n: int, tau: float, most: int = 16) -> int:
    """How many near-independent blocks a series of n points gives: min(16, n // 3, n / (3 tau))."""
    return int(min(most, n // 3, n / (3 * tau)))


def mann_kendall(values: Floats) -> float:
    """Z of the Mann-Kendall test with the correction for ties; for up to some hundred values (all pairs)."""
    n = values.size
    if n < 3:
        return 0.0
    first, second = pairs(n)
    s = float(np.sign(values[second] - values[first]).sum())
    ties = (count for count in Counter(values.tolist()).values() if count > 1)
    variance = (n * (n - 1) * (2 * n + 5) - sum(count * (count - 1) * (2 * count + 5) for count in ties)) / 18
    return math.copysign((abs(s) - 1) / math.sqrt(variance), s) if variance > 0 and s else 0.0


@lru_cache(maxsize=32)
def pairs(n: int) -> tuple[Ints, Ints]:
    """The indices `i < j` of all pairs of n things, `(n * (n - 1) / 2,)` each; for up to some hundred."""
    first, second = np.triu_indices(n, 1)
    first.flags.writeable = second.flags.writeable = False
    return first, second


def theil_sen(x: Floats, u: Floats) -> float:
    """Median of the slopes of all pairs with different x; 0 where there is none. For up to some hundred points."""
    i, j = pairs(x.size)
    run = x[j] - x[i]
    return median((u[j] - u[i])[run != 0] / run[run != 0]) if np.any(run != 0) else 0.0


def trend(x: Floats, u: Floats, *, most_blocks: int = 16, z_min: float = 3.0, smallest: float = 0.005) -> Trend:
    """Direction and size of the trend of a series, as far as its evidence goes.

    Mann-Kendall on the means of near-independent blocks, size by Theil-Sen. Fewer than 5 blocks are inconclusive, and
    so is a short series with strong memory (lag-1 > 0.5, less than 2000 points) unless its ends lie 8 noise scales
    apart, 25 with lag-1 > 0.8: a smoothed random walk looks like a trend. A change below max(0.5 %, 1 SE) is flat.
    """
    local = local_noise(u)
    count = block_count(u.size, local.tau, most_blocks)
    if count < 5:
        return Trend("inconclusive", 0.0, 0.0, np.inf, max(count, 0), local)
    cut = blocks(x, u, count)
    z = mann_kendall(cut.u)
    effect = float(np.expm1(np.clip(theil_sen(cut.x, cut.u) * (cut.x[-1] - cut.x[0]), -50, 50)))
    se = local.se(u.size / count) * float(np.sqrt(2))
    if remembers(u, local):
        direction: Direction = "inconclusive"
    elif abs(z) < z_min or abs(effect) < max(smallest, se):
        direction = "flat"
    else:
        direction = "falling" if z < 0 else "rising"
    return Trend(direction, z, effect, se, count, local)


def remembers(u: Floats, local: Local) -> bool:
    """Whether a series is so smooth and short that its wandering cannot be told from a trend (see `trend`)."""
    if local.lag1 <= 0.5 or u.size >= 2000:
        return False
    eighth = max(1, u.size // 8)
    needed = 8.0 if local.lag1 <= 0.8 else 25.0
    return bool(abs(u[-eighth:].mean() - u[:eighth].mean()) < needed * local.sd)


def falling_fit(u: Floats) -> tuple[Floats, Floats]:
    """The least-squares fit that never rises, and the squared error of such a fit to every beginning of the series.

    Pool adjacent violators (Ayer et al. 1955), O(n). Both of shape `(n,)`.
    """
    pools: list[tuple[float, int, float]] = []
    total, errors = 0.0, []
    for value in u.tolist():
        mean, size, error = value, 1, 0.0
        while pools and pools[-1][0] <= mean:
            above, count, inside = pools.pop()
            total -= inside
            error += inside + (above - mean) ** 2 * count * size / (count + size)
            mean, size = (above * count + mean * size) / (count + size), size + count
        pools.append((mean, size, error))
        total += error
        errors.append(total)
    return np.repeat([p[0] for p in pools], [p[1] for p in pools]), np.array(errors)


def valley_fit(u: Floats) -> Floats:
    """The least-squares fit that falls and then rises, shape `(n,)`; one of the two parts may be empty.

    The best split of two monotone fits, from the errors of all beginnings and all ends (Stout 2008).
    """
    before, after = falling_fit(u)[1], falling_fit(u[::-1])[1][::-1]
    split = int((np.append(0.0, before) + np.append(after, 0.0)).argmin())
    left, right = u[:split], u[split:][::-1]
    return np.concatenate([falling_fit(part)[0] for part in (left,) if part.size] + [falling_fit(right)[0][::-1]])


def change(x: Floats, u: Floats, index: int, *, length: int, gap: int = 0) -> float:
    """Z of a change of level at `index`: the next points against the continued Theil-Sen line of those before.

    Both windows have `length` points at most, and the same length; `gap` points after the index are left out. Each is
    cut into up to 8 blocks, whose scatter around the line is the noise. NaN with fewer than 4 points on a side.
    """
    size = min(length, index, u.size - index - gap)
    if size < 4:
        return float("nan")
    count = min(8, size)
    before = blocks(x[index - size : index], u[index - size : index], count)
    after = blocks(x[index + gap : index + gap + size], u[index + gap : index + gap + size], count)
    slope = theil_sen(before.x, before.u)
    level = median(before.u - slope * before.x)
    spread = max(MIN_NOISE, MAD_TO_SD * median(np.abs(before.u - level - slope * before.x)))
    return float((after.u - level - slope * after.x).mean() / (spread * np.sqrt(2 / count)))
