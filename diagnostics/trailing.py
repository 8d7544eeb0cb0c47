"""Every point of a series against the window before it: robust z, and the level that it is measured from."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.statistics import MAD_TO_SD, detrended, noise, row_medians
from trainvitals.parsers.model import Floats, Ints


def trailing_z(u: Floats, *, window: int | None = None, spike: float = 8.0, passes: int = 2) -> Floats:
    """Robust z of every point against the window before it, NaN for the points of the first window; see `trailing`."""
    return trailing(u, window=window, spike=spike, passes=passes)[0]


def trailing(u: Floats, *, window: int | None = None, spike: float = 8.0, passes: int = 2) -> tuple[Floats, Floats]:
    """Robust z of every point against the window before it, with the median of that window.

    z = (u - median) / scale, scale = 1.4826 * max(MAD, 0.1 * noise), window clip(n // 20, 32, 256). The MAD is that
    around the median or, in series shorter than 100 windows, around a line if that is smaller: the fall of a short
    curve is no noise. Points beyond `spike` are replaced by their median for the next pass, so that a spike does not
    hide the one after it. In series of more than 5 000 points neighbours share a window. Two arrays of shape `(n,)`,
    NaN in the first window.
    """
    width = window or int(np.clip(u.size // 20, 32, 256))
    if u.size <= width:
        return np.full(u.size, np.nan), np.full(u.size, np.nan)
    stride = int(np.clip(u.size // 5_000, 1, width // 2))
    rows = _cut(u[width:], stride)
    z, (middle, scale) = np.empty_like(rows), np.empty((2, len(rows)))
    clean, floor, touched = u, 0.1 * noise(u), np.arange(len(rows))
    for _ in range(passes):
        middle[touched], mad = _levels(clean, width, stride, touched)
        scale[touched] = MAD_TO_SD * np.maximum(mad, floor)
        z[touched] = (rows[touched] - middle[touched, None]) / scale[touched, None]
        wild = np.flatnonzero((z > spike) | (z < -spike))
        before, clean = clean, u.copy()
        clean[width + wild] = middle[wild // stride]
        touched = _touched(np.flatnonzero(clean != before), width, stride, len(rows))
        if not touched.size:
            break
    first = np.full(width, np.nan)
    return np.append(first, z)[: u.size], np.append(first, np.repeat(middle, stride))[: u.size]


def _cut(values: Floats, length: int) -> Floats:
    """The values as rows of this length, the last one filled up with NaN."""
    rows = np.full((1 + (values.size - 1) // length, length), np.nan)
    rows.ravel()[: values.size] = values
    return rows


def _levels(u: Floats, width: int, stride: int, chosen: Ints, chunk: int = 256) -> tuple[Floats, Floats]:
    """Median and MAD of the chosen windows of `width` points, of which one begins every `stride` points."""
    views = np.lib.stride_tricks.sliding_window_view(u, width)[:-1:stride]
    found = np.empty((2, chosen.size))
    for first in range(0, chosen.size, chunk):
        part = views[chosen[first : first + chunk]]
        middle = row_medians(part)
        mad = row_medians(np.abs(part - middle[:, None]))
        if u.size < 100 * width:
            mad = np.minimum(mad, row_medians(np.abs(detrended(part))))
        found[:, first : first + chunk] = middle, mad
    return found[0], found[1]


def _touched(changed: Ints, width: int, stride: int, windows: int) -> Ints:
    """The windows of `width` points, one every `stride`, that hold one of these indices."""
    starts = stride * np.arange(windows)
    return np.flatnonzero(np.searchsorted(changed, starts + width) > np.searchsorted(changed, starts))
