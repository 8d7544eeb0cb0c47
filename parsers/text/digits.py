"""Decimal numbers that stand at the same places of many texts, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from trainvitals.parsers.model import Column, Floats

_FEW = 16
"""Texts up to which `float` is as fast."""
_EXACT = 15
"""Digits of a whole number that a double holds for certain; it divides by powers of ten up to 1e22 without an error."""


def columns_of(texts: Sequence[str], places: Sequence[slice]) -> Iterator[Floats]:
    """What `float` gives for each place of the texts, shape `(texts,)` each.

    The texts have one length, and differ by their digits only.
    """
    plain = [_is_plain(texts[0][place]) for place in places] if len(texts) > _FEW else []
    matrix = _characters(texts) if any(plain) else None
    for i, place in enumerate(places):
        if matrix is None or not plain[i]:
            yield np.array([float(text[place]) for text in texts])
        else:
            yield _decimals(matrix[:, place], texts[0][place])


def _is_plain(number: str) -> bool:
    """Whether a number is digits with a point and a sign at most, and few enough of them."""
    digits = number.lstrip("+-").replace(".", "", 1)
    return len(digits) <= _EXACT and digits.isascii() and digits.isdigit()


def _characters(texts: Sequence[str]) -> Column:
    """The texts as a matrix of code points, shape `(texts, length)`."""
    joined = "".join(texts)
    wide = not joined.isascii()
    codes = np.frombuffer(joined.encode("utf-32-le" if wide else "ascii", "surrogatepass"), "<u4" if wide else "u1")
    return codes.reshape(len(texts), -1)


def _decimals(characters: Column, like: str) -> Floats:
    """Numbers of one layout, from their characters, shape `(n, length)`."""
    at = [i for i, one in enumerate(like) if one.isdigit()]
    behind = len(like) - 1 - like.index(".") if "." in like else 0
    powers = 10.0 ** np.arange(len(at) - 1, -1, -1)
    whole: Floats = (characters[:, at].astype(np.float64) - ord("0")) @ powers
    sign = -1.0 if like.startswith("-") else 1.0
    return sign * (whole / 10.0**behind)
