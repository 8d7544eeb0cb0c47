"""Ticks of logarithmic axes: left alone, Vega draws a line of the grid for each multiple of each power of ten."""

from __future__ import annotations

import math
from typing import Any

MOST = 7


def decades(low: float, high: float) -> dict[str, Any]:
    """What an axis from `low` to `high`, both positive, says of its ticks; nothing below two powers of ten.

    >>> decades(0.004, 30.0)
    {'values': [0.01, 0.1, 1.0, 10.0]}
    """
    if not 0 < low < math.inf or high < 100 * low:
        return {}
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    step = -(-(last - first + 1) // MOST)
    return {"values": [float(f"1e{power}") for power in range(first, last + 1, step)]}
