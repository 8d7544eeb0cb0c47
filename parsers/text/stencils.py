"""Reads further lines of a shape by position: what a line format made of one serves all that differ by digits only.

The shape of a line is the line with each digit as a zero, so that all lines of a shape have their numbers at the same
places. Once a shape has been seen often enough, its line formats are asked about one line of it with many other digits
in place of its own. Where they never look at what earlier lines said, and always answer with the numbers at the same
places, that is the stencil of the shape. All other lines are read one by one, as are those of too few a kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from typing import Literal

import numpy as np

from trainvitals.parsers.columns import Cell, Columns, fill
from trainvitals.parsers.model import Bytes, Ints, Split
from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.bar_steps import is_evaluation
from trainvitals.parsers.text.bars import MARK, Bar, Role, pieces
from trainvitals.parsers.text.digits import Digits, Layout, columns_of
from trainvitals.parsers.text.laps import count_on
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row
from trainvitals.parsers.text.shapes import has_number

ENOUGH = 12
"""Lines of a shape after which a stencil is tried; to try one costs as much as reading some dozens of lines."""
MAX_SHAPES = 20_000
MAX_LENGTH = 600
_MAX_RUNS = 40
# Of pi.
_IRREGULAR = "31415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679"
_STARTS = (0, 23, 47, 71)

_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_RUN = pattern(r"0+")
_SIGNED = pattern(NUMBER, re.ASCII | re.IGNORECASE)
_UNSIGNED = pattern(r"\d+(?:\.\d*)?(?:[eE][-+]?\d+)?", re.ASCII)
_DIGITS = pattern(r"\d+", re.ASCII)

Place = slice
Meaning = Literal["nothing", "configuration", "more"]
"""Of a line that no line format takes."""


def shapes_of(raw: bytes) -> bytes:
    """UTF-8 with each ASCII digit as a zero; every other character stays where it is."""
    return raw.translate(_ZEROS)


@dataclass(frozen=True, slots=True)
class BarPlaces:
    """Where the parts of a `Bar` stand in its text."""

    n: Place
    total: Place
    description: Place
    inside: Place
    postfix_at: int
    role: Role
    nested: bool

    @property
    def trains(self) -> bool:
        """As that of the bars."""
        return self.role == "train" and not self.nested

    def of(self, text: str) -> Bar:
        """The bar in a text of this shape."""
        return Bar(
            int(text[self.n]),
            int(text[self.total]),
            text[self.description],
            text[self.inside],
            self.postfix_at,
            self.role,
            self.nested,
        )


@dataclass
class Stencil:
    """Where the numbers of a shape stand. Without a `format` there are none to take.

    The row of a bar has the step that `count_on` gives, and the epoch of the context.
    """

    format: LineFormat | None = None
    names: tuple[str, ...] = ()
    numbers: tuple[Place, ...] = ()
    step: Place | None = None
    epoch: Place | None = None
    time: Place | None = None
    split: Split = ""
    from_bar: bool = False
    refresh: bool = False
    evaluation: bool = False
    bar: BarPlaces | None = None
    cells: list[Cell] = field(default_factory=list)
    """The columns of the names, in `columns`."""
    columns: Columns | None = None
    rows: list[int] = field(default_factory=list)
    """Rows of `columns` that wait for their numbers."""
    texts: list[str] = field(default_factory=list)
    """The text of each of them."""
    places: list[tuple[Ints, Ints]] = field(default_factory=list)
    """Further rows that wait, with where their texts begin in the block: (starts, rows), shape `(rows,)` each."""
    near: int = 0
    """As that of the line format, for plain text."""
    name: str = ""
    trains: bool = False
    """Whether the bar can be that of the training loop."""
    numbered: bool = False
    """Whether anything in the line may be a number."""
    configures: bool = False
    """Whether the line is part of a configuration; it has to be read for that."""
    text: str = ""
    """One text of the shape."""

    @cached_property
    def layout(self) -> Layout:
        """Where the numbers stand in the bytes of a text."""
        points = (self.step, self.epoch, self.time, *((self.bar.n, self.bar.total) if self.bar else ()))
        return Layout(self.text, (*(one for one in points if one), *self.numbers))

    @property
    def reads_stretches(self) -> bool:
        """Whether `bulk` knows such rows; it does not know refreshes outside of bars."""
        return not (self.refresh and self.bar is None) and not (self.from_bar and (self.bar or self.near))

    def opens(self, columns: Columns) -> bool:
        """Whether the names have cells in these columns, which are kept."""
        cells = columns.cells(self.names, self.split)
        self.cells, self.columns = (cells, columns) if cells is not None else ([], None)
        return cells is not None

    def settle(self, raw: Bytes) -> int:
        """Give the rows that wait their numbers; `raw` is the block as UTF-8. Returns how many numbers those were."""
        count = len(self.rows)
        if self.rows:
            fill(self.cells, self.rows, columns_of(self.texts, self.numbers))
            self.rows, self.texts = [], []
        if self.places:
            starts, rows = (np.concatenate(parts) for parts in zip(*self.places, strict=True))
            fill(self.cells, rows, map(Digits(raw, starts, self.layout).numbers, self.numbers))
            count += len(rows)
            self.places = []
        return count * len(self.names)


class Stencils:
    """The stencils of one file, by shape."""

    def __init__(self) -> None:
        self.known: dict[bytes, Stencil | int] = {}
        """A number is how often a shape has been seen; -1 says that it has no stencil."""
        self.made: list[Stencil] = [Stencil()]
        """The first is that of blank text."""
        self.numbers: dict[bytes, int] = {b"": 0}
        """Where in `made` those stand that serve for whole stretches of text, by shape."""

    def settle(self, raw: Bytes) -> Iterator[tuple[str, int]]:
        """Give all rows of a block their numbers; how many of which line format those were."""
        for one in self.made:
            if one.rows or one.places:
                yield one.name, one.settle(raw)

    def pass_over(self, shape: bytes) -> None:
        """Take a shape for blank text."""
        if len(self.numbers) < MAX_SHAPES:
            self.numbers[shape] = 0

    def see(self, shape: bytes, text: str, formats: Sequence[LineFormat], meaning: Callable[[str], Meaning]) -> None:
        """Count a line that was read without a stencil, and make one of it when it is time.

        `meaning` tells what a line is that no format takes, if lines of its shape always will be.
        """
        seen = self.known.get(shape, 0)
        if isinstance(seen, Stencil) or seen < 0 or (not seen and len(self.known) >= MAX_SHAPES):
            return
        self.known[shape] = seen + 1
        if seen + 1 >= ENOUGH:
            usable = len(text) <= MAX_LENGTH and bool(text)
            made = _stencil(text, shape.decode("utf-8", "surrogatepass"), formats, meaning) if usable else None
            self.known[shape] = made or -1
            if made:
                made.text = text
                if made.reads_stretches:
                    self.numbers[shape] = len(self.made)
                self.made.append(made)


class _Watched(Context):
    """A context that tells whether anything was asked of it but the bar, and the block that no stencil is used in."""

    asked = False

    def __getattribute__(self, name: str) -> object:
        if name not in {"bar", "indented_block", "asked"}:
            object.__setattr__(self, "asked", True)
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: object) -> None:
        object.__setattr__(self, "asked", True)
        object.__setattr__(self, name, value)


def _watched(bar: Bar | None) -> _Watched:
    context = _Watched(bar=bar)
    object.__setattr__(context, "asked", False)
    return context


def _stencil(text: str, shape: str, formats: Sequence[LineFormat], meaning: Callable[[str], Meaning]) -> Stencil | None:
    probes = [text, *_probes(text, shape)]
    if MARK not in text:
        stencil = _of_texts(probes, formats, [None] * len(probes))
        return _without_format(stencil, set(map(meaning, probes))) if stencil and stencil.format is None else stencil
    bars = [_only_bar(probe) for probe in probes]
    places = _bar_places(probes, [bar for bar in bars if bar])
    if places is None or None in bars:
        return None
    if places.postfix_at + 2 > len(text[places.inside]):
        return Stencil(bar=places, trains=places.trains)
    stencil = _of_texts(probes, formats, bars)
    if stencil is None or stencil.format is None:
        return None
    stencil.bar, stencil.trains = places, places.trains
    return stencil


def _without_format(stencil: Stencil, meanings: set[Meaning]) -> Stencil | None:
    stencil.configures = meanings == {"configuration"}
    return stencil if stencil.configures or meanings == {"nothing"} else None


def _probes(text: str, shape: str) -> Iterator[str]:
    """The text with other digits: the same everywhere, any, and nothing but zeros or nines in one number."""
    for digit in "0123456789":
        yield shape.replace("0", digit)
    for start in _STARTS:
        digits = islice(cycle(_IRREGULAR), start, None)
        yield _RUN.sub(lambda run: "".join(islice(digits, run.end() - run.start())), shape)  # noqa: B023 - used at once
    for run in list(_RUN.finditer(shape))[:_MAX_RUNS]:
        for digit in "09":
            yield text[: run.start()] + digit * (run.end() - run.start()) + text[run.end() :]


def _only_bar(text: str) -> Bar | None:
    found = list(pieces(text))
    return found[0] if len(found) == 1 and isinstance(found[0], Bar) else None


def _bar_places(texts: Sequence[str], bars: Sequence[Bar]) -> BarPlaces | None:
    """Where all texts have the parts of their bars; None where they differ by more than digits."""
    if len(texts) != len(bars) or len({(bar.postfix_at, bar.role, bar.nested) for bar in bars}) > 1:
        return None
    spans = [_span(match) for match in _DIGITS.finditer(texts[0])]
    n, total = (_same(texts, [float(getattr(bar, name)) for bar in bars], spans) for name in ("n", "total"))
    described = texts[0].find(bars[0].description)
    begun = texts[0].find(bars[0].inside)
    description = slice(described, described + len(bars[0].description))
    inside = slice(begun, begun + len(bars[0].inside))
    if n is None or total is None:
        return None
    places = BarPlaces(n, total, description, inside, bars[0].postfix_at, bars[0].role, bars[0].nested)
    return places if all(places.of(text) == bar for text, bar in zip(texts, bars, strict=True)) else None


def _of_texts(texts: Sequence[str], formats: Sequence[LineFormat], bars: Sequence[Bar | None]) -> Stencil | None:
    """The stencil of texts of one shape; None where they are not read alike, or not for their own sake."""
    pieces = [bar.inside if bar else text for text, bar in zip(texts, bars, strict=True)]
    rows: list[Row] = []
    takers = set()
    for piece, bar in zip(pieces, bars, strict=True):
        found = _read(piece, formats, bar)
        if found is None:
            return None
        taker, row = found
        takers.add(taker.name if taker else "")
        if taker and row:
            rows.append(row)
    if len(takers) > 1:
        return None
    return (
        _of_rows(texts, rows, taker, counted=bars[0] is not None) if taker else Stencil(numbered=has_number(texts[0]))
    )


def _read(piece: str, formats: Sequence[LineFormat], bar: Bar | None) -> tuple[LineFormat | None, Row | None] | None:
    """Who takes a piece, and as what; None where that depends on earlier lines."""
    for one in formats:
        if any(needle in piece for needle in one.needles):
            context = _watched(bar)
            row = one.parse(piece, context)
            counted = row is not None and bar is not None and row is not SKIP
            if counted and not (one.counts_bars and row and bar and _is_counted(row, bar)):
                return None
            if context.asked and not counted:
                return None
            if row is not None:
                return one, row
    return None, None


def _is_counted(row: Row, bar: Bar) -> bool:
    context = Context(bar=bar)
    step = count_on(bar, context)
    return (row.step, row.refresh) == (step, True) and _equal(row.epoch, context.epoch)


def _of_rows(texts: Sequence[str], rows: Sequence[Row], taker: LineFormat, *, counted: bool) -> Stencil | None:
    first = rows[0]
    if all(row is SKIP for row in rows):
        return Stencil(taker, name=taker.name)
    kinds = {(tuple(row.values), row.split, row.from_bar, row.refresh) for row in rows}
    if len(kinds) > 1 or any(row.summary or row.starts_run or row is SKIP for row in rows) or not first.values:
        return None
    spans = _spans(texts[0])
    numbers = [_same(texts, [row.values[name] for row in rows], spans) for name in first.values]
    own = ("time",) if counted else ("step", "epoch", "time")
    points = {name: [getattr(row, name) for row in rows] for name in own}
    said = {name: values for name, values in points.items() if not all(map(math.isnan, values))}
    places = {name: _same(texts, values, spans) for name, values in said.items()}
    if None in numbers or None in places.values():
        return None
    return Stencil(
        taker,
        tuple(first.values),
        tuple(place for place in numbers if place),
        near=0 if counted else taker.near,
        split=first.split,
        from_bar=first.from_bar,
        refresh=first.refresh,
        evaluation=is_evaluation(first),
        name=taker.name,
        step=places.get("step"),
        epoch=places.get("epoch"),
        time=places.get("time"),
    )


def _spans(text: str) -> list[Place]:
    """All places of a text that may be a number, each with its sign first."""
    return [_span(match) for one in (_SIGNED, _UNSIGNED, _DIGITS) for match in one.finditer(text)]


def _span(match: re.Match[str]) -> Place:
    return slice(match.start(), match.end())


def _same(texts: Sequence[str], values: Sequence[float], spans: Sequence[Place]) -> Place | None:
    """The place at which each text has its value."""
    for place in spans:
        if all(_equal(float(text[place]), value) for text, value in zip(texts, values, strict=True)):
            return place
    return None


def _equal(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))
