"""Division by powers of ten with twice the precision of a double."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from trainvitals.parsers.json_lines.words import frozen
from trainvitals.parsers.model import Bools, Floats, Ints, Longs

_LARGEST_POWER = 80


def divided(digits: Longs, power: Ints) -> tuple[Floats, Bools]:
    """Digits / 10 ** power to the nearest double, and where that is certain: (n,) and (n,)."""
    fits = (power >= 0) & (power <= _LARGEST_POWER)
    power = np.where(fits, power, 0)
    high, low = (digits >> 11).astype(np.float64) * 2048, (digits & 2047).astype(np.float64)
    by, by_rest = _long_powers()[0][power], _long_powers()[1][power]
    first = (high + low) / by
    product, error = _product(first, by)
    second = ((high - product) + low - error - first * by_rest) / by
    # What is neglected is some 2**-100 of the number; it matters where the sum is about to be rounded the other way.
    margin = first * 2.0**-90
    value: Floats = first + (second - margin)
    return value, fits & (value == first + (second + margin))


def _product(a: Floats, b: Floats) -> tuple[Floats, Floats]:
    """The product and its rounding error, which add up to the exact one (Dekker)."""
    product = a * b
    (a1, a2), (b1, b2) = _halves(a), _halves(b)
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def _halves(a: Floats) -> tuple[Floats, Floats]:
    scaled = a * 134217729.0
    high = scaled - (scaled - a)
    return high, a - high


@lru_cache(maxsize=1)
def _long_powers() -> tuple[Floats, Floats]:
    """Powers of ten as the sum of two doubles."""
    high = [float(10**n) for n in range(_LARGEST_POWER + 1)]
    low = [float(10**n - int(power)) for n, power in enumerate(high)]
    return frozen(np.array(high)), frozen(np.array(low))
