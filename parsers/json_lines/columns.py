"""What `json_row` says about one object, for a whole block of objects at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from trainvitals.parsers.json_lines import row as json_row
from trainvitals.parsers.json_lines.blocks import Block
from trainvitals.parsers.json_lines.numerals import whole_numbers
from trainvitals.parsers.json_lines.row import NAN
from trainvitals.parsers.json_lines.texts import Texts
from trainvitals.parsers.model import Bools, Bytes, Floats, Ints, Split
from trainvitals.parsers.numbers import duration, fraction
from trainvitals.parsers.patterns import pattern

_UNIT_LETTERS = ("d", "h", "m", "s")
_DIGITS = pattern(r"\d+", re.ASCII)

LONGEST = 40
"""Characters of a text that says a time; longer ones are none."""

Text: TypeAlias = str | None
TextColumn: TypeAlias = list[Text] | Texts


@dataclass(frozen=True, slots=True)
class Rows:
    """Row-level columns, all of shape `(n,)` and NaN where unknown, and for each metric (indices of rows, values)."""

    lines: Ints
    step: Floats
    epoch: Floats
    time: Floats
    split: Split
    values: dict[str, tuple[Ints, Floats]]

    def between(self, first: int, stop: int | None) -> Rows:
        """The rows of these lines, without the line `stop`; None is the end."""
        low = int(np.searchsorted(self.lines, first))
        high = self.lines.size if stop is None else int(np.searchsorted(self.lines, stop))
        if high - low == self.lines.size:
            return self
        part, cells = slice(low, high), {}
        for name, (rows, numbers) in self.values.items():
            at, end = np.searchsorted(rows, (low, high)).tolist()
            if end > at:
                cells[name] = rows[at:end] - low, numbers[at:end]
        return Rows(self.lines[part], self.step[part], self.epoch[part], self.time[part], self.split, cells)


def interpret(block: Block, lines: Ints, steps: tuple[str, ...]) -> tuple[list[Rows], tuple[int, float] | None]:
    """The rows of a block by split, and (line, number of steps planned) of the last row that says it.

    `lines` are the numbers of its lines, ascending, of shape `(n,)`.
    """
    step, plan = _steps(block, steps)
    epoch = _first_known(block, json_row.EPOCH_KEYS, lambda column: _counters(column)[0])
    time = _fill(_first_known(block, (*json_row.CLOCK_KEYS, *json_row.ELAPSED_KEYS), _seconds), _moments(block))
    values = dict(_values(block, steps))
    found = []
    for split, index in _splits(block):
        chosen = {name: np.flatnonzero(present[index]) for name, (present, _) in values.items()}
        cells = {name: (rows, values[name][1][index][rows]) for name, rows in chosen.items() if rows.size}
        found.append(Rows(lines[index], step[index], epoch[index], time[index], split, cells))
    planned = np.flatnonzero(np.isfinite(plan))
    return found, (int(lines[planned[-1]]), float(plan[planned[-1]])) if planned.size else None


def _steps(block: Block, steps: tuple[str, ...]) -> tuple[Floats, Floats]:
    """Step and number of planned steps of each row."""
    step, plan = np.full(block.size, NAN), np.full(block.size, NAN)
    for column in _columns(block, steps):
        at, of = _counters(column)
        step, plan = _fill(step, at), _fill(plan, of)
    for column in _columns(block, json_row.PLAN_KEYS):
        plan = _fill(plan, _counters(column)[0])
    return step, plan


def _columns(block: Block, keys: Iterable[str]) -> Iterator[Floats | TextColumn]:
    for key in keys:
        if key in block.numbers:
            yield block.numbers[key]
        elif key in block.texts:
            yield block.texts[key]


def _first_known(block: Block, keys: tuple[str, ...], convert: Callable[[Floats | TextColumn], Floats]) -> Floats:
    """For each row the number under the first of these keys that has one."""
    found = np.full(block.size, NAN)
    for column in _columns(block, keys):
        found = _fill(found, convert(column))
    return found


def _fill(column: Floats, other: Floats) -> Floats:
    return np.where(np.isnan(column), other, column)


def _counters(column: Floats | TextColumn) -> tuple[Floats, Floats]:
    """`json_row.counter` of a column: values and plans."""
    if isinstance(column, np.ndarray):
        return column, np.full(len(column), NAN)
    pairs = _fractions(column)
    if pairs is None:
        pairs = np.array(list(map(json_row.counter, column))).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _fractions(column: TextColumn) -> Floats | None:
    """Both numbers of `"120/3000"` for a whole column, shape `(n, 2)`; None if not every cell is such a text."""
    first = column[0] if len(column) else None
    if first is None or fraction(first) is None:
        return None
    same_plan = _of_one_plan(column, first) if isinstance(column, Texts) else None
    return _whole_numbers(column, 15) if same_plan is None else same_plan


def _of_one_plan(column: Texts, first: str) -> Floats | None:
    """The same where all cells have the second number of the first one."""
    plan = first[first.index("/") :]
    places = column.before(plan.encode())
    step, known = whole_numbers(column.data, *places) if places else (None, None)
    if step is None or known is None or not known.all():
        return None
    return np.stack([step, np.full(len(column), float(plan[1:]))], axis=1)


def _whole_numbers(column: TextColumn, digits: int) -> Floats | None:
    """The whole numbers in texts that differ in nothing else, shape `(n, numbers in each)`; None for other texts.

    `digits` is the most that any of them may have.
    """
    first = column[0]
    if first is None or not first.isascii() or len(first) > LONGEST:
        return None
    joined = column.lines(LONGEST) if isinstance(column, Texts) else _lines(column)
    if joined is None or not _alike(_DIGITS.sub("0", first), digits).fullmatch(joined):
        return None
    return _numbers_in(np.frombuffer(joined, np.uint8)).reshape(len(column), -1)


def _lines(column: list[Text]) -> bytes | None:
    """All texts, each with a line end behind it; None if one is absent or holds one."""
    if None in column:
        return None
    joined = "\n".join([*column, ""]).encode("utf-8", "replace")  # type: ignore[list-item]
    return joined if joined.count(b"\n") == len(column) else None


def _numbers_in(text: Bytes) -> Floats:
    """The whole numbers in ASCII text that ends in no digit, in order."""
    # Digits wrap around to 0..9, everything else to more.
    digits = text - np.uint8(ord("0"))
    inside = digits < 10
    at = np.flatnonzero(inside[:-1] & ~inside[1:])
    value, unit, more = digits[at].astype(np.float64), 1.0, np.ones(at.size, np.bool_)
    while True:
        at, unit = at - 1, unit * 10.0
        more &= inside[at] & (at >= 0)
        if not more.any():
            return value
        value += np.where(more, digits[at], 0) * unit


@lru_cache(maxsize=64)
def _alike(text: str, digits: int) -> re.Pattern[bytes]:
    """Any number of lines that differ from this text, in which every number is 0, in nothing but the numbers."""
    line = re.escape(text.encode()).replace(b"0", b"[0-9]{1,%d}+" % digits)
    return re.compile(b"(?:%s\n++)*+" % line)


def _seconds(column: Floats | TextColumn) -> Floats:
    if isinstance(column, np.ndarray):
        return json_row.moments(column)
    elapsed = _durations(column)
    return np.array(list(map(_text_seconds, column))) if elapsed is None else elapsed


def _durations(column: TextColumn) -> Floats | None:
    """The seconds of a column of durations that are all written in one way; None for other texts."""
    first = column[0] if len(column) else None
    weights = _weights(_DIGITS.sub("0", first)) if first and len(first) <= LONGEST else None
    numbers = None if weights is None else _whole_numbers(column, 6)
    return None if numbers is None or weights is None else numbers @ np.array(weights)


@lru_cache(maxsize=64)
def _weights(text: str) -> tuple[float, ...] | None:
    """How many seconds each number of a duration, in which all are 0, counts for; None for texts of another kind."""
    zeros = [match.start() for match in _DIGITS.finditer(text)]
    if "." in text or len(text) + 5 * len(zeros) > LONGEST:
        return None
    parts = [duration(f"{text[:at]}1{text[at + 1 :]}") for at in zeros]
    return None if not parts or None in parts else tuple(part for part in parts if part is not None)


def _text_seconds(text: Text) -> float:
    """`json_row.seconds`, from two parts of a text such as `"3h 12m 41s"`, which repeat where the whole does not."""
    head, space, tail = (text or "").rpartition(" ")
    first, last = _units(head), _units(tail)
    return first + last if space and first is not None and last is not None else _any_seconds(text)


@lru_cache(maxsize=4096)
def _units(text: str) -> float | None:
    return duration(text) if text[-1:] in _UNIT_LETTERS and ":" not in text else None


@lru_cache(maxsize=4096)
def _any_seconds(text: Text) -> float:
    return json_row.seconds(text)


def _moments(block: Block) -> Floats:
    """The column `time` where it holds Unix times."""
    if "time" in block.texts:
        return np.array([json_row.seconds(t) if json_row.is_moment(t) else NAN for t in block.texts["time"]])
    column = block.numbers.get("time", np.full(block.size, NAN))
    return np.where(json_row.are_moments(column), json_row.moments(column), NAN)


def _values(block: Block, steps: tuple[str, ...]) -> Iterator[tuple[str, tuple[Bools, Floats]]]:
    """(name, (present, values)) of every metric column."""
    reserved = json_row.reserved(steps)
    for name, column in block.numbers.items():
        if name not in reserved:
            absent = np.isnan(column)
            yield name, (~(absent | json_row.are_moments(column)) if name == "time" else ~absent, column)
    for name, texts in block.texts.items():
        if name not in reserved:
            found = [None if name == "time" and json_row.is_moment(t) else json_row.scalar(t) for t in texts]
            yield name, (np.array([v is not None for v in found]), np.array(found, np.float64))


def _splits(block: Block) -> Iterator[tuple[Split, Ints | slice]]:
    """(split, its rows) for every split that the rows name."""
    keys = [key for key in json_row.SPLIT_KEYS if key in block.texts]
    if not keys:
        yield "", slice(None)
        return
    cells = zip(*(block.texts[key] for key in keys), strict=True)
    named = np.array([json_row.split_of(dict(zip(keys, row, strict=True))) for row in cells])
    for split in dict.fromkeys(named.tolist()):
        yield split, np.flatnonzero(named == split)
