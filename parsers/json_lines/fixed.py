"""Numbers of one form in all of a column: the point at one place (`0.6931`, `12.5`), the exponent the same (`5.1e-05`).

The digits behind the point are filled up with zeros to 8, 16 or 19 in all. Up to fifteen of sixteen that is no less
exact: m * 10**k = (m * 5**k) * 2**k fits the 53 bits of a double, and one division by a power of ten rounds once.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainvitals.parsers.json_lines.quotients import divided
from trainvitals.parsers.json_lines.words import (
    DIGIT_ZEROS,
    HIGH_BITS,
    NO_DIGIT,
    eight_digits,
    frozen,
    stands_at,
    words,
)
from trainvitals.parsers.model import Bools, Column, Floats, Ints, Longs

LONGEST = 20
"""Characters of a number before its exponent, of which one is the point: nineteen digits fit 64 bits."""

_EXACT_POWER = 22
"""Up to here powers of ten are doubles."""

_POINT = ord(".") ^ ord("0")


@dataclass(frozen=True, slots=True)
class Form:
    """How many digits stand before the point, and the exponent behind the digits, as text and as number."""

    point: int
    exponent: bytes = b""
    power: int = 0


def form_of(text: bytes) -> Form | None:
    """The form of a number; None where it cannot be read here."""
    digits, mark, power = text.partition(b"e")
    whole, _, rest = digits.partition(b".")
    if not (whole.isdigit() and rest.isdigit() and len(digits) <= LONGEST):
        return None
    if not mark:
        return Form(len(whole))
    fits = power.removeprefix(b"-").removeprefix(b"+").isdigit() and len(power) <= 4
    return Form(len(whole), mark + power, int(power)) if fits else None


def numbers(data: bytes, start: Ints, stop: Ints, form: Form) -> tuple[Floats, Bools]:
    """The numbers in these places, if they are of this form: (n,) and (n,).

    `data` has `words.PADDING` around it. What is not known is no such number, but may be another one.
    """
    length = stop - start - len(form.exponent)
    known = (length > form.point + 1) & (length <= LONGEST)
    if form.exponent:
        known &= stands_at(data, stop - len(form.exponent), form.exponent)
    if not known.all():
        length[~known] = 0
    count = -(-max(int(length.max(initial=0)), form.point + 1) // 8)
    text = (words(data, start, count) ^ DIGIT_ZEROS).T
    parts = [word & mask.take(length) for word, mask in zip(text, _first_bytes(), strict=False)]
    if form.point > 1:
        known &= parts[0] & 255 != 0
    at, place = divmod(form.point, 8)
    known &= parts[at] >> 8 * place & 255 == _POINT
    parts = [*parts[:at], *_without(parts[at:], place)]
    other = parts[0] + NO_DIGIT | parts[0]
    for part in parts[1:]:
        other |= part + NO_DIGIT | part
    known &= other & HIGH_BITS == 0
    return _value(parts, form, known), known


def _value(parts: list[Longs], form: Form, known: Bools) -> Floats:
    """The numbers that these digits, without the point, stand for; where that is not certain, `known` becomes false."""
    digits = eight_digits(parts[0])
    if len(parts) == 2:
        digits = digits * 10**8 + eight_digits(parts[1])
    elif len(parts) == 3:
        # Three digits of the third word are all that there may be.
        digits = digits * 10**11 + eight_digits(parts[1]) * 1000 + eight_digits(parts[2] << 40)
    power = (8, 16, 19)[len(parts) - 1] - form.point - form.power
    if len(parts) < 3 and 0 <= power <= _EXACT_POWER:
        return digits.astype(np.float64) / 10.0**power
    value, certain = divided(digits, np.full(1, power))
    known &= certain
    return value


def _without(parts: list[Longs], place: int) -> list[Longs]:
    """The words without the byte at this place of the first one; what follows moves up."""
    before = (1 << 8 * place) - 1
    moved: list[Column] = [part >> 8 for part in parts]
    for part, following in zip(moved, parts[1:], strict=False):
        part |= following << 56
    if before:
        moved[0] = (parts[0] & before) | (moved[0] & ~np.uint64(before))
    return moved


@lru_cache(maxsize=1)
def _first_bytes() -> Longs:
    """Masks of the bytes that a text of some length has in its first word, in its second, and in its third."""
    counts = [[min(max(length - before, 0), 8) for length in range(LONGEST + 1)] for before in (0, 8, 16)]
    return frozen(np.array([[(1 << 8 * n) - 1 for n in row] for row in counts], np.uint64))
