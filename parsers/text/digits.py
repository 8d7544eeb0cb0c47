"""Decimal numbers that stand at the same places of many texts, all at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np

from trainvitals.parsers.model import Bytes, Column, Floats, Ints

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


class Layout:
    """Places of numbers in texts of one length that differ by their digits only."""

    def __init__(self, like: str, places: Iterable[slice]) -> None:
        """`like` is one of the texts."""
        self._like = like
        self.length = len(_encoded(like))
        self._plain = {(one.start, one.stop): i for i, one in enumerate(p for p in places if _is_plain(like[p]))}
        digits = [
            (self.bytes_of(slice(start, stop)).start + at, column, self._weight(like[start:stop], at))
            for (start, stop), column in self._plain.items()
            for at, one in enumerate(like[start:stop])
            if one.isdigit()
        ]
        self._at = np.array([at for at, _, _ in digits], np.intp)
        self._weights = np.zeros((len(digits), len(self._plain)))
        self._weights[np.arange(len(digits)), [column for _, column, _ in digits]] = [by for _, _, by in digits]
        self._divisors = np.array([10.0 ** _behind(like[start:stop]) for start, stop in self._plain])

    def _weight(self, number: str, at: int) -> float:
        power = sum(map(str.isdigit, number[at + 1 :]))
        return (-1.0 if number.startswith("-") else 1.0) * 10.0**power

    def bytes_of(self, place: slice) -> slice:
        """The same place in UTF-8."""
        if self._like.isascii():
            return place
        return slice(len(_encoded(self._like[: place.start])), len(_encoded(self._like[: place.stop])))

    def plain(self, matrix: Column) -> Floats:
        """The numbers of few digits, of each text in `matrix`, shape `(texts, length)`: a column for each."""
        characters = matrix[:, self._at].astype(np.float64)
        characters -= ord("0")
        return np.asarray(characters @ self._weights / self._divisors)

    def column(self, place: slice) -> int | None:
        """The column of a place in `plain`."""
        return self._plain.get((place.start, place.stop))


class Digits:
    """Texts of one layout in a buffer of UTF-8: their numbers, as `columns_of` gives them."""

    def __init__(self, raw: Bytes, starts: Ints, layout: Layout) -> None:
        """The texts begin at `starts`, shape `(texts,)`."""
        self._raw, self._starts, self._layout = raw, starts, layout

    @cached_property
    def _matrix(self) -> Column:
        shape = (len(self._raw) - self._layout.length + 1, self._layout.length)
        # What `as_strided` does, in a tenth of its time: each row begins one byte further.
        windows: Column = np.ndarray(shape, np.uint8, self._raw.data, 0, (1, 1))
        return windows[self._starts]

    @cached_property
    def _plain(self) -> Floats:
        return self._layout.plain(self._matrix)

    def numbers(self, place: slice) -> Floats:
        """What `float` gives for this place of each text, shape `(texts,)`."""
        column = self._layout.column(place)
        if column is not None:
            return self._plain[:, column]
        return np.array(list(map(float, _texts(self._matrix[:, self._layout.bytes_of(place)]))))

    def texts(self, place: slice) -> list[str]:
        """This place of each text."""
        parts = _texts(self._matrix[:, self._layout.bytes_of(place)])
        return [one.decode("utf-8", "surrogatepass") for one in parts]


def _texts(characters: Column) -> list[bytes]:
    """The rows of a matrix of bytes."""
    rows, length = characters.shape
    joined = characters.tobytes()
    return [joined[i : i + length] for i in range(0, rows * length, length)] if length else [b""] * rows


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _characters(texts: Sequence[str]) -> Column:
    """The texts as a matrix of code points, shape `(texts, length)`."""
    joined = "".join(texts)
    wide = not joined.isascii()
    codes = np.frombuffer(joined.encode("utf-32-le" if wide else "ascii", "surrogatepass"), "<u4" if wide else "u1")
    return codes.reshape(len(texts), -1)


def _decimals(characters: Column, like: str) -> Floats:
    """Numbers of one layout, from their characters, shape `(n, length)`."""
    at = [i for i, one in enumerate(like) if one.isdigit()]
    powers = 10.0 ** np.arange(len(at) - 1, -1, -1)
    whole: Floats = (characters[:, at].astype(np.float64) - ord("0")) @ powers
    sign = -1.0 if like.startswith("-") else 1.0
    return sign * (whole / 10.0 ** _behind(like))


def _behind(number: str) -> int:
    """Digits behind the point."""
    return len(number) - 1 - number.index(".") if "." in number else 0
