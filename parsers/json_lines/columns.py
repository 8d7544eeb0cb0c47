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
from trainvitals.parsers.json_lines.row import NAN
from trainvitals.parsers.model import Bools, Floats, Ints, Split
from trainvitals.parsers.numbers import duration
from trainvitals.parsers.patterns import pattern

_UNIT_LETTERS = ("d", "h", "m", "s")
_FRACTIONS = pattern(r"(?:\d+/\d+\n)*\d+/\d+", re.ASCII)

Text: TypeAlias = str | None


@dataclass(frozen=True, slots=True)
class Rows:
    """Row-level columns, all of shape `(n,)` and NaN where unknown, and for each metric (indices of rows, values)."""

    lines: Ints
    step: Floats
    epoch: Floats
    time: Floats
    split: Split
    values: dict[str, tuple[Ints, Floats]]


def interpret(block: Block, first_line: int, steps: tuple[str, ...]) -> tuple[list[Rows], tuple[int, float] | None]:
    """The rows of a block by split, and (line, number of steps planned) of the last row that says it."""
    lines = np.arange(first_line, first_line + block.size)
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


def _columns(block: Block, keys: Iterable[str]) -> Iterator[Floats | list[Text]]:
    for key in keys:
        if key in block.numbers:
            yield block.numbers[key]
        elif key in block.texts:
            yield block.texts[key]


def _first_known(block: Block, keys: tuple[str, ...], convert: Callable[[Floats | list[Text]], Floats]) -> Floats:
    """For each row the number under the first of these keys that has one."""
    found = np.full(block.size, NAN)
    for column in _columns(block, keys):
        found = _fill(found, convert(column))
    return found


def _fill(column: Floats, other: Floats) -> Floats:
    return np.where(np.isnan(column), other, column)


def _counters(column: Floats | list[Text]) -> tuple[Floats, Floats]:
    """`json_row.counter` of a column: values and plans."""
    if not isinstance(column, list):
        return column, np.full(len(column), NAN)
    pairs = _fractions(column)
    if pairs is None:
        pairs = np.array(list(map(json_row.counter, column))).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _fractions(column: list[Text]) -> Floats | None:
    """Both numbers of `"120/3000"` for a whole column, shape `(n, 2)`; None if not every cell is such a text."""
    if None in column:
        return None
    joined = "\n".join(column)  # type: ignore[arg-type]
    if joined.count("\n") != len(column) - 1 or not _FRACTIONS.fullmatch(joined):
        return None
    return np.array(list(map(float, joined.replace("/", "\n").split("\n")))).reshape(-1, 2)


def _seconds(column: Floats | list[Text]) -> Floats:
    return np.array(list(map(_text_seconds, column))) if isinstance(column, list) else json_row.moments(column)


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
