"""Numbers in JSON text, many at once: eight digits are one machine word, and become their value in a few operations.

Every result is the double nearest to the decimal number, as `float` gives it: by one exact division where the digits
fit a double, else by a division with twice its precision; where even that cannot tell, `float` is asked.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainvitals.parsers.json_lines import fixed
from trainvitals.parsers.json_lines.quotients import divided
from trainvitals.parsers.json_lines.words import (
    DIGIT_ZEROS,
    HIGH_BITS,
    NO_DIGIT,
    each,
    eight_digits,
    frozen,
    words,
)
from trainvitals.parsers.model import Bools, Bytes, Column, Floats, Ints, Longs
from trainvitals.parsers.patterns import pattern

LONGEST = 24
"""Characters of a number, without its sign and its exponent, that is read with others at once: three words."""

_POINT_ONLY = ord(".") ^ ord("0")

_EXACT = 1 << 53
_EXACT_POWER = 22
"""Up to here powers of ten are doubles, and whole numbers are: their quotient is rounded once."""

_LARGEST_WHOLE = 15
"""Digits before the point up to which a double finds them out of the digits with the point as a zero among them."""

_LITERALS, _INITIALS = (b"null", b"true", b"false"), b"ntf"

_NUMBER = pattern(rb"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][-+]?[0-9]++)?", re.ASCII)


def numbers(data: bytes, start: Ints, stop: Ints) -> tuple[Floats, Bools]:
    """The numbers that stand in these places, and which places hold one; `null`, `true` and `false` are NaN.

    Args:
        data: the text, with `words.PADDING` before and behind it.
        start: the first bytes, (n,).
        stop: the bytes behind the last ones, (n,).

    Returns:
        (n,) and (n,); a number that does not fit a double counts as none.
    """
    form = fixed.form_of(data[start[0] : stop[0]]) if start.size else None
    value, known = np.full(start.size, np.nan), np.zeros(start.size, np.bool_)
    rest = np.arange(start.size)
    if form:
        value, known = fixed.numbers(data, start, stop, form)
        rest = np.flatnonzero(~known)
        value[rest] = np.nan
    if rest.size and (form or data[start[0]] in _INITIALS):
        known[rest] = _literals(data, start[rest], stop[rest])
        rest = rest[~known[rest]]
    if rest.size:
        value[rest], known[rest] = _decimals(data, start[rest], stop[rest])
        rest = rest[~known[rest]]
    if rest.size:
        value[rest], known[rest] = np.nan, _literals(data, start[rest], stop[rest])
    for at in rest[~known[rest]].tolist():
        text = data[start[at] : stop[at]]
        if _NUMBER.fullmatch(text):
            value[at] = float(text)
            known[at] = np.isfinite(value[at])
    return value, known


def whole_numbers(data: bytes, start: Ints, stop: Ints) -> tuple[Floats, Bools]:
    """The numbers that stand in these places as digits alone, and which places hold one: (n,) and (n,)."""
    length = stop - start
    known = (length >= 1) & (length <= _LARGEST_WHOLE)
    if not known.all():
        return np.full(start.size, np.nan), np.zeros(start.size, np.bool_)
    count = -(-int(length.max(initial=1)) // 8)
    digits, point, fine = _digits(words(data, stop - 8 * count, count), length)
    return digits.astype(np.float64), fine & (point == 0)


def _decimals(data: bytes, start: Ints, stop: Ints) -> tuple[Floats, Bools]:
    """The numbers of the usual lengths, and which those are."""
    chars = np.frombuffer(data, np.uint8)
    first = chars[start]
    negative = first == ord("-")
    if negative.any():
        start = start + negative
        first = chars[start]
    length = stop - start
    longest = int(length.max(initial=1))
    count = min(-(-longest // 8), LONGEST // 8)
    taken = words(data, stop - 8 * count, count)
    exponent = _exponents(taken[:, -1], length)
    known = np.ones(start.size, np.bool_)
    if exponent is not None:
        length -= exponent.size
        taken, known = words(data, stop - exponent.size - 8 * count, count), exponent.known
    if longest > LONGEST or length.min(initial=1) < 1:
        known &= (length >= 1) & (length <= LONGEST)
        length[~known] = 1
    digits, point, fine = _digits(taken, length)
    # Bytes are compared several times as fast as words.
    whole = length.astype(np.uint8) - point
    known &= fine & (point != 1) & (whole != 0) & ((whole <= _LARGEST_WHOLE) | (point == 0))
    known &= (first != ord("0")) | (whole == 1)
    behind = _behind()[point]
    value = _scaled(digits, -behind if exponent is None else exponent.power - behind, known)
    return (np.where(negative, -value, value) if negative.any() else value), known


@dataclass(frozen=True, slots=True, eq=False)
class _Exponents:
    """The ends of numbers from the `e` on: value, how many characters, and whether they are as they should be.

    Shapes: (n,) each; numbers without an exponent have 0 characters.
    """

    power: Ints
    size: Ints
    known: Bools


def _exponents(last: Longs, length: Ints) -> _Exponents | None:
    """The exponents of numbers of these lengths that end with these words; None where no number has one."""
    other = ((last | each(" ")) ^ each("e")) | ~_last_bytes()[0][np.minimum(length, 8)]
    # Exact: the high bit of a byte is 0 where the byte is 0.
    mark = ~(((other & ~np.uint64(HIGH_BITS)) + ~np.uint64(HIGH_BITS)) | other) & HIGH_BITS
    if not mark.any():
        return None
    rows = np.flatnonzero(mark)
    last, mark = last[rows], mark[rows] >> 7
    place = np.bitwise_count((mark & -mark) - 1).astype(np.uint64)
    sign = last >> (place + 8) & 255
    minus = sign == ord("-")
    count = 7 - (place >> 3) - (minus | (sign == ord("+")))
    digits = (last ^ DIGIT_ZEROS) & _last_bytes()[0][np.minimum(count, 8)]
    size, power, known = (
        np.zeros(length.size, np.int64),
        np.zeros(length.size, np.int64),
        np.ones(length.size, np.bool_),
    )
    value = eight_digits(digits).astype(np.int64)
    size[rows], power[rows] = 8 - (place >> 3), np.where(minus, -value, value)
    known[rows] = (count > 0) & (count < 8) & ((((digits + NO_DIGIT) | digits) & HIGH_BITS) == 0)
    return _Exponents(power, size, known)


def _digits(taken: Longs, length: Ints) -> tuple[Longs, Bytes, Bools]:
    """All digits as one number; 1 more than how many stand behind the point, 0 without one; whether that is all.

    The texts of these lengths, (n,), end with the words `taken`, (n, count).
    """
    count = taken.shape[1]
    total, place, points, known = _eight_places(taken[:, -1], _last_bytes()[0][length])
    for right in range(1, count):
        part, behind, more, fine = _eight_places(taken[:, count - 1 - right], _last_bytes()[right][length])
        # Beyond this the sum does not fit 64 bits.
        known &= fine & (part < 1844) if right == 2 else fine
        total += part * 10 ** (8 * right)
        points += more
        place += behind + np.uint8(8 * right) * more
    known &= points <= 1
    place[~known] = 0
    # With the point as a zero among the digits: whole * 10 ** place + fraction, where the fraction is below a tenth.
    index = place.astype(np.int64)
    whole = (total.astype(np.float64) * _inverse_powers()[index] + 0.45).astype(np.uint64)
    total -= whole * _nine_times_powers()[index]
    return total, place, known


def _eight_places(word: Column, mask: Column) -> tuple[Longs, Bytes, Bytes, Bools]:
    """The number in the bytes of the mask, a point being a zero, and what there is besides digits.

    Returns:
        (n,) each: the number, the place of the point from the right, how many points there are, whether that is all.
    """
    text = (word ^ DIGIT_ZEROS) & mask
    other = ((text + NO_DIGIT) | text) & HIGH_BITS
    low = other >> 7
    point = low * _POINT_ONLY
    known = (text & (other + other - low)) == point
    place = 8 - (np.bitwise_count(low - 1) >> 3)
    return eight_digits(text ^ point), place, np.bitwise_count(low), known


def _scaled(digits: Longs, power: Ints, known: Bools) -> Floats:
    """Digits * 10 ** power, rounded once; where that cannot be had, `known` becomes false. All are (n,)."""
    value = digits.astype(np.float64)
    if power.size and power.min() >= -_EXACT_POWER and power.max() <= 0:
        value /= _powers()[-power]
        hard = np.flatnonzero(digits > _EXACT)
    else:
        small = np.abs(power) <= _EXACT_POWER
        value *= _powers()[np.where(small, np.maximum(power, 0), 0)]
        value /= _powers()[np.where(small, np.maximum(-power, 0), 0)]
        hard = np.flatnonzero(~small | (digits > _EXACT))
    if hard.size:
        value[hard], certain = divided(digits[hard], -power[hard])
        known[hard] &= certain
    return value


def _literals(data: bytes, start: Ints, stop: Ints) -> Bools:
    """Which places hold a word that is no number, but JSON: (n,)."""
    last = words(data, stop - 8, 1)[:, 0]
    found = np.zeros(start.size, np.bool_)
    for word in _LITERALS:
        mask = _last_bytes()[0][len(word)]
        found |= (stop - start == len(word)) & ((last & mask) == int.from_bytes(word.rjust(8, b"\0"), "little"))
    return found


@lru_cache(maxsize=1)
def _last_bytes() -> Longs:
    """Masks of the bytes that a text of some length has in its last word, in the one before it, and so on."""
    counts = [[min(max(length - 8 * right, 0), 8) for length in range(LONGEST + 1)] for right in range(LONGEST // 8)]
    return frozen(np.array([[(1 << 64) - (1 << 8 * (8 - n)) for n in row] for row in counts], np.uint64))


@lru_cache(maxsize=1)
def _behind() -> Ints:
    """How many digits stand behind a point at this place from the right."""
    return frozen(np.maximum(np.arange(LONGEST + 1) - 1, 0))


@lru_cache(maxsize=1)
def _powers() -> Floats:
    return frozen(np.array([10.0**n for n in range(_EXACT_POWER + 1)]))


@lru_cache(maxsize=1)
def _inverse_powers() -> Floats:
    """10 ** -n, but 0 for n = 0."""
    return frozen(np.array([0.0, *(10.0**-n for n in range(1, LONGEST + 1))]))


@lru_cache(maxsize=1)
def _nine_times_powers() -> Longs:
    """9 * 10 ** (n - 1) in 64 bits, but 0 for n = 0."""
    return frozen(np.array([0, *(9 * 10 ** (n - 1) % (1 << 64) for n in range(1, LONGEST + 1))], np.uint64))
