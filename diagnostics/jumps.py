"""Places where a curve leaves its course from one row to the next: jumps of its level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.statistics import MIN_NOISE
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
    for width in (w for w in widths if 2 * w <= u.size):
        total = np.concatenate([[0.0], np.cumsum(u)])
        mean = (total[width:] - total[:-width]) / width
        jump = mean[width:] - mean[:-width]
        peaks = _peaks(np.abs(jump), 0.8 * smallest, width, most)
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
    r = float(np.clip(rest[1:] @ rest[:-1] / power, 0, 0.98)) if power > 0 else 0.0
    noise_of_row = max(MIN_NOISE, float(np.sqrt(power / max(1, n - 2))))
    return float(part.mean()) - slope * n / 2, noise_of_row, float(np.sqrt((1 + r) / (1 - r)))
