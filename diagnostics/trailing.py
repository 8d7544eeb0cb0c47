"""Every point of a series against the window before it: robust z, and the level and scale it is measured by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.statistics import MAD_TO_SD, detrended, noise, row_medians
from trainvitals.parsers.model import Floats, Ints


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Median and MAD of the windows before every `stride`-th row, both of shape `(windows,)`."""

    centre: Floats
    mad: Floats


def trailing_z(u: Floats, *, window: int | None = None, spike: float = 8.0, passes: int = 2) -> Floats:
    """Robust z of every point against the window before it, NaN for the points of the first window; see `trailing`."""
    return trailing(u, window=window, spike=spike, passes=passes)[0]


def trailing(
    u: Floats, *, window: int | None = None, spike: float = 8.0, passes: int = 2
) -> tuple[Floats, Floats, Floats]:
    """Robust z of every point against the window before it, with the median and the scale of that window.

    z = (u - median) / scale, scale = 1.4826 * max(MAD, 0.1 * noise), window clip(n // 20, 32, 256). The MAD is that
    around the median or, in series shorter than 100 windows, around a line if that is smaller: the fall of a short
    curve is no noise. Points beyond `spike` are replaced by their median for the next pass, so that a spike does not
    hide the one after it. In series of more than 5 000 points neighbours share a window. Three arrays of shape `(n,)`,
    NaN in the first window.
    """
    width = window or int(np.clip(u.size // 20, 32, 256))
    z, middle, scale = (np.full(u.size, np.nan) for _ in range(3))
    if u.size <= width:
        return z, middle, scale
    stride = int(np.clip(u.size // 5_000, 1, width // 2))
    floor, clean = 0.1 * noise(u), u
    levels = Levels(*np.empty((2, 1 + (u.size - width - 1) // stride)))
    touched = np.arange(levels.centre.size)
    for _ in range(passes):
        _measure(clean, width, stride, touched, levels)
        centre, mad = (np.repeat(column, stride)[: u.size - width] for column in (levels.centre, levels.mad))
        middle[width:], scale[width:] = centre, MAD_TO_SD * np.maximum(mad, floor)
        z[width:] = (u[width:] - centre) / scale[width:]
        cleaner = np.where(np.abs(z) > spike, middle, u)
        touched = _touched(np.flatnonzero(cleaner != clean), width, stride, levels.centre.size)
        if not touched.size:
            break
        clean = cleaner
    return z, middle, scale


def _measure(u: Floats, width: int, stride: int, chosen: Ints, levels: Levels, chunk: int = 256) -> None:
    """Fill in the levels of the chosen windows of `width` points."""
    views = np.lib.stride_tricks.sliding_window_view(u, width)[:-1:stride]
    for at in (chosen[first : first + chunk] for first in range(0, chosen.size, chunk)):
        part = views[at]
        levels.centre[at] = middle = row_medians(part)
        mad = row_medians(np.abs(part - middle[:, None]))
        levels.mad[at] = np.minimum(mad, row_medians(np.abs(detrended(part)))) if u.size < 100 * width else mad


def _touched(changed: Ints, width: int, stride: int, windows: int) -> Ints:
    """The windows of `width` points, one every `stride`, that hold one of these indices."""
    starts = stride * np.arange(windows)
    return np.flatnonzero(np.searchsorted(changed, starts + width) > np.searchsorted(changed, starts))
