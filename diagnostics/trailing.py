"""Every point of a series against the window before it: robust z, and the level that it is measured from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.statistics import MAD_TO_SD, detrended, noise, row_medians, windows
from trainvitals.parsers.model import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Trail:
    """What the windows before the points of a series say.

    Attributes:
        z: robust z of every point, `(n,)`, NaN in the first window.
        levels: median of each window; one serves `stride` points, the first of them that after `width` points.
    """

    z: Floats
    levels: Floats
    width: int
    stride: int

    def level(self, at: Ints) -> Floats:
        """Median of the windows before these points, which lie after the first window."""
        return np.asarray(self.levels[(at - self.width) // self.stride])


def trailing_z(u: Floats, *, window: int | None = None, spike: float = 8.0, passes: int = 2) -> Floats:
    """Robust z of every point against the window before it, NaN for the points of the first window; see `trailing`."""
    return trailing(u, window=window, spike=spike, passes=passes).z


def trailing(u: Floats, *, window: int | None = None, spike: float = 8.0, passes: int = 2) -> Trail:
    """Robust z of every point against the window before it.

    z = (u - median) / scale, scale = 1.4826 * max(MAD, 0.1 * noise), window clip(n // 20, 32, 256). The MAD is that
    around the median or, in series shorter than 100 windows, around a line if that is smaller: the fall of a short
    curve is no noise. Points beyond `spike` are replaced by their median for the next pass, so that a spike does not
    hide the one after it. In series of more than 5 000 points neighbours share a window.
    """
    width = window or min(256, max(32, u.size // 20))
    stride = max(1, min(u.size // 5_000, width // 2))
    count = max(0, 1 + (u.size - width - 1) // stride)
    trail = Trail(np.full(u.size, np.nan), np.empty(count), width, stride)
    clean, floor, touched = u, 0.1 * noise(u), np.arange(count)
    for _ in range(passes):
        _judge(u, clean, floor, touched, trail)
        wild = np.flatnonzero((trail.z > spike) | (trail.z < -spike))
        before, clean = clean, u.copy()
        clean[wild] = trail.level(wild)
        changed = np.flatnonzero(clean != before)
        if not changed.size:
            break
        touched = _touched(changed, width, stride, count)
    return trail


def _judge(u: Floats, clean: Floats, floor: float, wanted: Ints, trail: Trail, chunk: int = 256) -> None:
    """Fill in the levels of these windows, seen in the clean series, and z of the points that they serve."""
    width, stride = trail.width, trail.stride
    if not wanted.size:
        return
    views = windows(clean[:-1], width, stride)
    for first in range(0, wanted.size, chunk):
        at = wanted[first : first + chunk]
        level, mad = _level(views[at], sloped=u.size < 100 * width)
        # The last window may serve fewer points than the others.
        points = np.minimum(width + stride * at[:, None] + np.arange(stride), u.size - 1)
        trail.levels[at] = level
        trail.z[points] = (u[points] - level[:, None]) / (MAD_TO_SD * np.maximum(mad, floor))[:, None]


def _level(rows: Floats, *, sloped: bool) -> tuple[Floats, Floats]:
    """Median and MAD of each row; `sloped`: around a line where that is smaller."""
    middle = row_medians(rows)
    mad = row_medians(np.abs(rows - middle[:, None]))
    return middle, np.minimum(mad, row_medians(np.abs(detrended(rows)))) if sloped else mad


def _touched(changed: Ints, width: int, stride: int, windows: int) -> Ints:
    """The windows of `width` points, one every `stride`, that hold one of these indices."""
    starts = stride * np.arange(windows)
    return np.flatnonzero(np.searchsorted(changed, starts + width) > np.searchsorted(changed, starts))
