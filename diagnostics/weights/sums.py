"""What is kept of the losses of a model on parts of the data: five sums, from which mean and standard error follow.

Each part k has a total y_k and a weight w_k, such as the summed loss and the number of tokens; the loss is the ratio of
their sums. The sums of several parts add up, so that a measurement can be continued with further parts.
"""

from __future__ import annotations

import numpy as np

from trainvitals.parsers.model import Floats

NAMES = ("total", "weight", "total2", "cross", "weight2")
"""The sums of y, w, y^2, y * w, w^2: the last axis of every array of sums."""


def of_part(total: Floats, weight: Floats) -> Floats:
    """The sums of one part, of totals and weights of any shape."""
    return np.stack([total, weight, total**2, total * weight, weight**2], axis=-1)


def mean(sums: Floats) -> Floats:
    """The loss, NaN for no part."""
    with np.errstate(all="ignore"):
        return np.asarray(sums[..., 0] / sums[..., 1])


def standard_error(sums: Floats, parts: int, of: int) -> Floats:
    """One standard error of the loss of `parts` parts drawn from `of`, against that of all; 0 for all of them.

    That of a ratio of two means (Cochran, Sampling Techniques, 6.4), with the correction for finite populations. One
    part alone tells nothing of the differences between parts: NaN.
    """
    if parts >= of:
        return np.zeros(sums.shape[:-1])
    if parts < 2:
        return np.full(sums.shape[:-1], np.nan)
    loss, (_, weight, total2, cross, weight2) = mean(sums), np.moveaxis(sums, -1, 0)
    with np.errstate(all="ignore"):
        squares = np.maximum(total2 - 2 * loss * cross + loss**2 * weight2, 0.0)
        variance = squares / (parts - 1) * parts / weight**2 * (1 - parts / of)
        return np.asarray(np.sqrt(variance))
