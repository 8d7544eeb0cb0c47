"""Collects rows of a log into columnar `Series`."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np

from trainvitals.parsers.limits import MAX_METRICS, MAX_NAME_LENGTH
from trainvitals.parsers.model import Column, Floats, Ints, Series, Split

NAN = float("nan")

Cell = tuple["array[int]", "array[float]"]
"""Of one metric: the rows that have it, and its numbers there."""


RowColumns = tuple[Floats, Floats, Floats, Ints]
"""Step, epoch, time and line of some rows."""


class Columns:
    """Rows in, series out. Row-level columns (step, epoch, time, line) are shared by all metrics of the same rows."""

    def __init__(self) -> None:
        self._step, self._epoch, self._time, self._line = array("d"), array("d"), array("d"), array("q")
        self._cells: dict[tuple[str, Split], Cell] = {}
        self.dropped_metrics = 0
        """Values whose metric name came after the first `MAX_METRICS` names."""

    def __len__(self) -> int:
        return len(self._line)

    def add(
        self,
        line: int,
        values: Mapping[str, float],
        *,
        step: float = NAN,
        epoch: float = NAN,
        time: float = NAN,
        split: Split = "",
    ) -> None:
        """Append one row; `values` maps names as logged to numbers."""
        row = len(self._line)
        self._line.append(line)
        self._step.append(step)
        self._epoch.append(epoch)
        self._time.append(time)
        for name, value in values.items():
            cell = self._cells.get((name, split)) or self._open(name, split)
            if cell is not None:
                cell[0].append(row)
                cell[1].append(value)

    def add_rows(
        self,
        lines: Ints,
        values: Mapping[str, tuple[Ints, Floats]],
        *,
        step: Floats,
        epoch: Floats,
        time: Floats,
        split: Split = "",
    ) -> None:
        """Append many rows of one split at once.

        `lines`, `step`, `epoch` and `time` have shape `(n,)`; `values` maps names as logged to (ascending indices of
        the rows that have the metric, its values there), both of shape `(k,)` with `k <= n`.
        """
        first = len(self._line)
        for column, more in ((self._step, step), (self._epoch, epoch), (self._time, time)):
            column.frombytes(_bytes(more, np.float64))
        self._line.frombytes(_bytes(lines, np.int64))
        for name, (rows, numbers) in values.items():
            cell = self._cells.get((name, split)) or self._open(name, split)
            if cell is not None:
                cell[0].frombytes(_bytes(np.add(rows, first, dtype=np.int32, casting="unsafe"), np.int32))
                cell[1].frombytes(_bytes(numbers, np.float64))

    def cells(self, names: Iterable[str], split: Split) -> list[Cell] | None:
        """The cells of these metrics, for `fill`; None where there are too many metrics for one of them."""
        found = [self._cells.get((name, split)) for name in names]
        if None in found and len(self._cells) + found.count(None) > MAX_METRICS:
            return None
        return [cell or self._cells.setdefault((name, split), _cell()) for cell, name in zip(found, names, strict=True)]

    def add_row(self, line: int, step: float, epoch: float, time: float) -> int:
        """Append a row whose numbers follow, by `fill`; its number."""
        row = len(self._line)
        self._line.append(line)
        self._step.append(step)
        self._epoch.append(epoch)
        self._time.append(time)
        return row

    def _open(self, name: str, split: Split) -> Cell | None:
        if len(self._cells) >= MAX_METRICS:
            self.dropped_metrics += 1
            return None
        return self._cells.setdefault((name, split), _cell())

    def set_step(self, row: int, step: float) -> None:
        """Give a row its step later, when more of the file has been seen."""
        self._step[row] = step

    def set_steps(self, rows: Ints, steps: Floats) -> None:
        """The same for many rows, shape `(rows,)` each."""
        np.frombuffer(self._step)[rows] = steps

    def series(self) -> tuple[Series, ...]:
        """All series, in the order in which their names first appeared. Nothing may be added then: they are views."""
        step, epoch, time = (_view(column) for column in (self._step, self._epoch, self._time))
        line = _view(self._line)
        # One number for all rows: a view without memory of its own.
        source = np.broadcast_to(np.int64(0), (len(line),))
        every = step, epoch, time, line
        shared: dict[tuple[int, int], list[tuple[Ints, RowColumns]]] = {}
        found = []
        repeats: Counter[tuple[str, Split]] = Counter()
        for (name, split), (rows, values) in self._cells.items():
            index, value = _in_order(_view(rows), _view(values))
            at = every if len(index) == len(line) else _shared_columns(index, every, shared)
            at_step, at_epoch, at_time, at_line = at
            label = distinct_name(visible_name(name), split, repeats)
            found.append(Series(label, split, label, value, at_step, at_epoch, at_time, at_line, source[: len(index)]))
        return tuple(found)


def _shared_columns(
    index: Ints, every: RowColumns, shared: dict[tuple[int, int], list[tuple[Ints, RowColumns]]]
) -> RowColumns:
    """The columns at these rows, made once for all metrics that have them."""
    candidates = shared.setdefault((len(index), crc32(index.data)), [])
    for other, columns in candidates:
        if np.array_equal(other, index):
            return columns
    step, epoch, time, line = (_frozen(column[index]) for column in every)
    candidates.append((index, (step, epoch, time, line)))
    return candidates[-1][1]


def fill(cells: Iterable[Cell], rows: Sequence[int] | Ints, numbers: Iterable[Floats]) -> None:
    """Give rows that were added before their numbers, one array per cell, each of the length of `rows`."""
    added = np.asarray(rows, np.int32).tobytes()
    for (its_rows, values), column in zip(cells, numbers, strict=True):
        its_rows.frombytes(added)
        values.frombytes(column.tobytes())


def _bytes(column: Column, kind: type) -> memoryview:
    """The memory of a column as this type, without a copy where it is of it already."""
    return np.ascontiguousarray(column, kind).view(np.uint8).data


def _cell() -> Cell:
    return array("i"), array("d")


def visible_name(name: str) -> str:
    """A metric name that can be shown: cut to the limit, control characters escaped, never empty."""
    name = name[:MAX_NAME_LENGTH].strip()
    if name.isprintable():
        return name or "<empty>"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def distinct_name(label: str, split: Split, repeats: Counter[tuple[str, Split]]) -> str:
    """The label, numbered where an earlier name of this split is shown as the same: `"loss"` and `"loss "`."""
    free = label
    while repeats[free, split]:
        free = f"{label}.{repeats[label, split]}"
        repeats[label, split] += 1
    repeats[free, split] = 1
    return free


def _in_order(rows: Ints, values: Floats) -> tuple[Ints, Floats]:
    """Both by ascending row: numbers may have been given to their rows later."""
    if (rows[1:] > rows[:-1]).all():
        return rows, values
    order = rows.argsort(kind="stable")
    return rows[order], _frozen(values[order])


def _view(column: array[Any]) -> Any:
    """An array of the same memory."""
    return _frozen(np.frombuffer(column, np.dtype(column.typecode)) if column else np.empty(0, column.typecode))


def _frozen(column: Any) -> Any:
    column.setflags(write=False)
    return column
