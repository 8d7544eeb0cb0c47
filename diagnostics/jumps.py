"""Places where a curve leaves its course from one row to the next: jumps of its level, and spikes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.statistics import MIN_NOISE, detrended, quantile
from trainvitals.diagnostics.trailing import Trail, trailing
from trainvitals.parsers.model import Floats


@dataclass(frozen=True, slots=True)
class Step:
    """A jump of level between two rows: index of the first row after it, its size, and the standard error of that."""

    index: int
    size: float
    error: float
    before: float
    """Noise of a row before the jump."""
    after: float
    """Noise of a row after it."""


def steps(u: Floats, *, smallest: float, widths: tuple[int, ...] = (8, 32, 128), most: int = 8) -> list[Step]:
    """Places where the level of a series changes by `smallest` or more from one row to the next, in order.

    Means of the windows before and after every row tell where to look; there the split that leaves the smallest sum of
    squares is the place, and the jump is the gap between the lines through the rows before and after it. At most `most`
    places, the largest.
    """
    found: dict[int, Step] = {}
    total = np.concatenate([[0.0], np.cumsum(u)])
    for width in (w for w in widths if 2 * w <= u.size):
        # (mean of the rows after) - (mean of those before), in one array as long as the series.
        jump = total[2 * width :] + total[: -2 * width]
        jump -= total[width:-width]
        jump -= total[width:-width]
        peaks = _peaks(np.abs(jump, out=jump), 0.8 * smallest * width, width, most)
        for centre in (int(p) + width for p in peaks):
            index = _split(u, max(4, centre - width // 2), min(u.size - 4, centre + width // 2), width)
            fitted = step_fit(u, index)
            if abs(fitted.size) >= smallest and not any(abs(index - other) < width for other in found):
                found[index] = fitted
    return sorted(sorted(found.values(), key=lambda s: -abs(s.size))[:most], key=lambda s: s.index)


def _peaks(height: Floats, least: float, apart: int, most: int) -> list[int]:
    """Indices of the highest values of `least` or more that are at least `apart` from each other."""
    left = np.flatnonzero(height >= least)
    found: list[int] = []
    while left.size and len(found) < most:
        found.append(int(left[height[left].argmax()]))
        left = left[np.abs(left - found[-1]) >= apart]
    return found


def _split(u: Floats, first: int, last: int, width: int) -> int:
    """The index from `first` to `last` at which the rows around are best cut into two levels."""
    start, stop = max(0, first - width), min(u.size, last + width)
    part = u[start:stop]
    total = np.cumsum(part)
    at = np.arange(first, max(last, first + 1)) - start
    left, right = total[at - 1] / at, (total[-1] - total[at - 1]) / (part.size - at)
    return int(first + (at * (part.size - at) * (left - right) ** 2).argmax())


def step_fit(u: Floats, index: int, widest: int = 256, sure: float = 0.012) -> Step:
    """Size of the jump at `index` between the lines through the rows before and after it.

    From 16 rows on each side (or as many as there are), doubled up to `widest` until the standard error is `sure`:
    close by, any curve is a line.
    """
    room = min(index, u.size - index)
    size = min(16, room)
    while True:
        lines = [_line_end(u[index - size : index][::-1]), _line_end(u[index : index + size])]
        (left, before, early), (right, after, late) = lines
        error = float(np.hypot(before * early, after * late) * 2 / np.sqrt(size))
        if error <= sure or 2 * size > min(room, widest):
            return Step(index, right - left, error, before, after)
        size *= 2


def _line_end(part: Floats) -> tuple[float, float, float]:
    """(value of the least-squares line half a row before the first point, noise of a row, growth of errors by memory).

    The value has the variance 4 s^2 / n where the noise has no memory; memory r from row to row multiplies it by
    (1 + r) / (1 - r).
    """
    n = part.size
    t = np.arange(n) - (n - 1) / 2
    slope = float(part @ t / (t @ t))
    rest = part - part.mean() - slope * t
    power = float(rest @ rest)
    r = min(0.98, max(0.0, float(rest[1:] @ rest[:-1]) / power)) if power > 0 else 0.0
    noise_of_row = max(MIN_NOISE, float(np.sqrt(power / max(1, n - 2))))
    return float(part.mean()) - slope * n / 2, noise_of_row, float(np.sqrt((1 + r) / (1 - r)))


@dataclass(frozen=True, slots=True)
class Event:
    """A stretch of rows far above the course before it: first row, row after the last, and highest row."""

    start: int
    end: int
    peak: int
    z: float
    rise: float
    """Height of the peak above the median of the rows before, in the units of the series."""
    rows: int
    """How many rows stand out by half of what the peak had to."""


def spikes(u: Floats, *, z_min: float = 8.0, z_end: float = 3.0, rise: float = 0.05) -> tuple[list[Event], float]:
    """Stretches that rise by `z_min` robust standard deviations and by `rise`, and the bar that was used for rows.

    Rows are judged, and in series of 500 rows or more means of 8 of them, in which a spike of that length stands out
    further. An event lasts until z is below `z_end`; events closer than a quarter of the window are one.
    """
    found, bar = _spikes(u, z_min, z_end, rise)
    if u.size >= 500:
        of_means, _ = _spikes(u[: u.size // 8 * 8].reshape(-1, 8).mean(axis=1), z_min, z_end, rise)
        found += [
            e for e in (_unpacked(u, m) for m in of_means) if all(e.end <= o.start or o.end <= e.start for o in found)
        ]
    return sorted(found, key=lambda e: e.start), bar


def _unpacked(u: Floats, e: Event, size: int = 8) -> Event:
    """An event among means of 8 rows as one among the rows."""
    start, end = size * e.start, size * e.end
    peak = start + int(u[start:end].argmax())
    return Event(start, end, peak, e.z, e.rise, size * e.rows)


def _spikes(u: Floats, z_min: float, z_end: float, rise: float) -> tuple[list[Event], float]:
    trail = trailing(u)
    if not trail.levels.size:
        return [], z_min
    bar = _bar(trail.z[trail.width :], trail.width, z_min)
    apart = trail.width // 4
    found: list[Event] = []
    high = np.flatnonzero(trail.z > bar)
    for first in high[u[high] - trail.level(high) >= rise].tolist():
        if found and first < found[-1].end + apart:
            last = found.pop()
            found.append(_event(u, trail, last.start, max(first + 1, last.end), bar, z_end))
        else:
            found.append(_event(u, trail, first, first + 1, bar, z_end))
    return [event for event in found if _sudden(u, event)], bar


def _sudden(u: Floats, e: Event, rows: int = 4, share: float = 1 / 3) -> bool:
    """Whether a third of the rise happens within a few rows: a loss that creeps up leaves its windows behind, too."""
    way = u[max(0, e.start - rows) : e.peak + 1]
    return bool((way[rows:] - way[:-rows]).max(initial=0.0) >= share * e.rise)


def _bar(z: Floats, width: int, least: float) -> float:
    """From which z on a row is no chance: higher where the rows that fall out downwards show heavy tails.

    1.5 times the 99.9 % quantile of their z, and `least` times (the 99.5 % quantile over that of Gaussian noise) to the
    power 1.5. Rows within a window after a spike do not count, as it is in their median.
    """
    calm = np.ones(z.size, np.bool_)
    for row in np.flatnonzero(z > least).tolist():
        calm[row : row + width] = False
    z = z if calm.all() else z[calm]
    size = min(width, z.size)
    if size < 3:
        return least
    # In a falling curve all rows lie below the median of those before them: that is no tail.
    rows = z[z.size % size :].reshape(-1, size)
    down = -detrended(rows[:: max(1, len(rows) // 200)])
    tail, far = (quantile(down, share) for share in (0.995, 0.999))
    return max(least, 1.5 * far, least * math.pow(max(0.0, tail / 2.576), 1.5))


def _event(u: Floats, trail: Trail, start: int, end: int, bar: float, z_end: float) -> Event:
    z = trail.z
    calm = np.flatnonzero(z[end : end + 256] < z_end)
    end = end + (int(calm[0]) if calm.size else min(256, u.size - end))
    peak = start + int(u[start:end].argmax())
    base = float(trail.level(np.array(start)))
    stands_out = (z[start:end] > bar / 2) & (u[start:end] - base > (u[peak] - base) / 4)
    return Event(start, end, peak, float(z[peak]), float(u[peak] - base), int(stands_out.sum()))
