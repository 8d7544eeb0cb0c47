"""Numbers with the point at one place for all of them (`0.6931`, `2.5`), which is how most columns of a log are.

The digits behind the point are filled up with zeros to eight or sixteen in all. Up to fifteen of them that is no less
exact: m * 10**k = (m * 5**k) * 2**k fits the 53 bits of a double, and one division by a power of ten rounds once.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from trainvitals.parsers.json_lines.words import DIGIT_ZEROS, HIGH_BITS, NO_DIGIT, eight_digits, frozen, words
from trainvitals.parsers.model import Bools, Column, Floats, Ints, Longs

LONGEST = 16
"""Characters of a number, of which one is the point: two words."""

_POINT = ord(".") ^ ord("0")


def point_of(text: bytes) -> int:
    """How many digits stand before the point of a number; 0 where it cannot be read here."""
    whole, point, rest = text.partition(b".")
    fits = point and whole.isdigit() and rest.isdigit() and len(text) <= LONGEST
    return len(whole) if fits else 0


def numbers(data: bytes, start: Ints, stop: Ints, point: int) -> tuple[Floats, Bools]:
    """The numbers in these places, if they have so many digits before the point and are not too long: (n,) and (n,).

    `data` has `words.PADDING` around it. What is not known is no such number, but may be another one.
    """
    length = stop - start
    known = (length > point + 1) & (length <= LONGEST)
    if not known.all():
        length[~known] = 0
    count = 1 if point < 8 and length.max(initial=0) <= 8 else 2
    text = (words(data, start, count) ^ DIGIT_ZEROS).T
    first = text[0] & _first_bytes()[0][length]
    if point > 1:
        known &= first & 255 != 0
    if count == 1:
        known &= first >> 8 * point & 255 == _POINT
        first = _without(first, point)
        known &= (((first + NO_DIGIT) | first) & HIGH_BITS) == 0
        return eight_digits(first).astype(np.float64) / 10.0 ** (8 - point), known
    second = text[1] & _first_bytes()[1][length]
    if point < 8:
        known &= first >> 8 * point & 255 == _POINT
        first = _without(first, point) | second << 56
        second = second >> 8
    else:
        known &= second >> 8 * (point - 8) & 255 == _POINT
        second = _without(second, point - 8)
    known &= (((first + NO_DIGIT) | first | (second + NO_DIGIT) | second) & HIGH_BITS) == 0
    digits = eight_digits(first) * 10**8 + eight_digits(second)
    return digits.astype(np.float64) / 10.0 ** (16 - point), known


def _without(word: Column, place: int) -> Longs:
    """The bytes of words without the one at this place, a zero at the end."""
    before = (1 << 8 * place) - 1
    left: Column = (word & before) | (word >> 8 & ~np.uint64(before))
    return left


@lru_cache(maxsize=1)
def _first_bytes() -> Longs:
    """Masks of the bytes that a text of some length has in its first word, and in its second."""
    counts = [[min(max(length - before, 0), 8) for length in range(LONGEST + 1)] for before in (0, 8)]
    return frozen(np.array([[(1 << 8 * n) - 1 for n in row] for row in counts], np.uint64))
