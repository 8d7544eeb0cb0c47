"""Rows of a delimited table to numeric columns, and columns to series."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from trainvitals.parsers.columns import NAN
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.limits import MAX_EXAMPLES, MAX_METRICS
from trainvitals.parsers.model import Bools, Floats, Ints, Parsed, Series, Source, Split, UnreadLine
from trainvitals.parsers.numbers import duration, number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.tables.clean import clean_rows
from trainvitals.parsers.tables.rows import (
    EPOCH_NAMES,
    MISSING,
    STEP_NAMES,
    TIME_NAMES,
    UNNAMED,
    Block,
    Header,
    Trouble,
    blocks,
    find_header,
    first_of,
    physical_lines,
    plain,
)

MAX_EXAMPLE_BYTES = 400
_PLAIN_NUMBER = b"0123456789eE+-. "
_LOOKS_NUMERIC = pattern(r"[-+]?(?:[\d.,_' ]*\d[\d.,_' ]*(?:[eE][-+]?\d+)?%?|0[xX][0-9a-fA-F]+)")


@dataclass(slots=True)
class Cells:
    """The cells of one column that hold numbers: their rows and values, in parts; and the rows that hold other text."""

    rows: list[Ints] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)
    text: list[int] = field(default_factory=list)
    almost: list[int] = field(default_factory=list)
    """Rows whose text looks like a number and is none by the grammar: `1_000`, `0,5`."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table read to its end.

    `line` has shape `(n,)`, the line of each row. `numbers` maps a column to (rows, values), both `(k,)`, for the cells
    that hold a number; `words` holds all n cells of the columns that were asked for as text.
    """

    header: Header
    line: Ints
    numbers: Mapping[str, tuple[Ints, Floats]]
    words: Mapping[str, tuple[str, ...]]
    source: Source

    def dense(self, name: str | None) -> Floats:
        """A column as `(n,)`, NaN where a row has no number."""
        column = np.full(len(self.line), NAN)
        if name is not None and name in self.numbers:
            rows, values = self.numbers[name]
            column[rows] = values
        return column


def parse_cells(cells: Sequence[str]) -> tuple[Ints, Floats, list[int], list[int]]:
    """(rows, values, rows with text, rows with what only looks like a number) of one column."""
    return _plain_cells(cells) or _any_cells(cells)


def _plain_cells(cells: Sequence[str]) -> tuple[Ints, Floats, list[int], list[int]] | None:
    """The fast way, for columns of nothing but decimal numbers and gaps: there `float` and the strict grammar agree."""
    if "".join(cells).encode().translate(None, _PLAIN_NUMBER):
        return None
    present = cells if "" not in cells else [cell for cell in cells if cell]
    try:
        values = np.fromiter(map(float, present), np.float64, len(present))
    except ValueError:
        return None
    rows = np.arange(len(cells)) if present is cells else np.flatnonzero(np.array([bool(cell) for cell in cells]))
    return rows, values, [], []


def _any_cells(cells: Sequence[str]) -> tuple[Ints, Floats, list[int], list[int]]:
    values = [number(cell) for cell in cells]
    rows = np.array([row for row, value in enumerate(values) if value is not None], np.int64)
    found = np.array([value for value in values if value is not None], np.float64)
    other = [r for r, value in enumerate(values) if value is None and cells[r].strip().lower() not in MISSING]
    return rows, found, other, [r for r in other if _LOOKS_NUMERIC.fullmatch(cells[r].strip())]


def read_table(log: LogFile, words: frozenset[str] = frozenset()) -> Table:
    """Read a delimited table; the columns whose plain name is in `words` are kept as text.

    Raises:
        ReadError: no line that names columns.
    """
    header = find_header(log)
    if header is None:
        raise ReadError(log.path, "has no line that names its columns")
    may_be_clean = len(header.names) <= MAX_METRICS and words.isdisjoint(map(plain, header.names))
    rows = clean_rows(log, header) if may_be_clean else None
    return _read_rows(log, header, words) if rows is None else _from_clean(log, header, rows)


def _from_clean(log: LogFile, header: Header, rows: Floats) -> Table:
    present = ~np.isnan(rows)
    columns = {n: (np.flatnonzero(present[:, i]), rows[present[:, i], i]) for i, n in enumerate(header.names)}
    line = np.arange(header.line + 1, header.line + 1 + len(rows))
    numbers = {name: column for name, column in columns.items() if column[0].size}
    return Table(header, line, numbers, {}, _source(log, Trouble(lines=header.line + len(rows))))


def _read_rows(log: LogFile, header: Header, words: frozenset[str]) -> Table:
    trouble, lines = Trouble(), list[int]()
    columns: dict[str, Cells] = {}
    texts: dict[str, dict[int, tuple[str, ...]]] = {}
    for block in blocks(log, header, trouble):
        for name, cells in zip(block.names, zip(*block.cells, strict=True), strict=bool(block.cells)):
            if plain(name) in words:
                texts.setdefault(name, {})[len(lines)] = cells
            elif name in columns or len(columns) < MAX_METRICS:
                _add(columns.setdefault(name, Cells()), cells, len(lines))
        _note_cap(block, columns, words, trouble)
        lines += block.lines
    line = np.array(lines, np.int64)
    _count_text(columns, line, trouble)
    numbers = {name: _joined(cells) for name, cells in columns.items()}
    kept = {name: tuple(_spread(parts, len(line))) for name, parts in texts.items()}
    return Table(header, line, {n: c for n, c in numbers.items() if c[0].size}, kept, _source(log, trouble))


def _add(column: Cells, cells: Sequence[str], offset: int) -> None:
    rows, values, text, almost = parse_cells(cells)
    column.rows.append(rows + offset)
    column.values.append(values)
    column.text += [row + offset for row in text]
    column.almost += [row + offset for row in almost]


def _joined(cells: Cells) -> tuple[Ints, Floats]:
    return np.concatenate(cells.rows), np.concatenate(cells.values)


def _spread(parts: Mapping[int, tuple[str, ...]], size: int) -> Iterator[str]:
    """The cells of a text column for all rows; empty under headers that lack it."""
    at = 0
    for offset, cells in parts.items():
        yield from ("",) * (offset - at)
        yield from cells
        at = offset + len(cells)
    yield from ("",) * (size - at)


def _note_cap(block: Block, columns: Mapping[str, Cells], words: frozenset[str], trouble: Trouble) -> None:
    beyond = sum(name not in columns and plain(name) not in words for name in block.names) if block.cells else 0
    sentence = f"{beyond} columns after the first {MAX_METRICS} were left out"
    if beyond and sentence not in trouble.problems:
        trouble.problems.append(sentence)


def _count_text(columns: Mapping[str, Cells], line: Ints, trouble: Trouble) -> None:
    """Text in a column of numbers is an unread line; a column of nothing but text is no metric, unless it is a loss."""
    unread = set(trouble.unread)
    for name, cells in columns.items():
        is_metric = sum(part.size for part in cells.values) > len(cells.text) or "loss" in name.lower()
        unread.update(line[cells.text if is_metric else cells.almost].tolist())
    trouble.unread = sorted(unread)


def _source(log: LogFile, trouble: Trouble) -> Source:
    wanted = set(trouble.unread[:MAX_EXAMPLES])
    numbered = physical_lines(log) if wanted else iter(())
    examples = tuple(
        UnreadLine(line, raw[:MAX_EXAMPLE_BYTES].decode("utf-8", "replace")) for line, raw in numbered if line in wanted
    )
    return Source(
        log.path,
        "",
        lines=trouble.lines,
        unread_lines=len(trouble.unread),
        unread_examples=examples,
        problems=tuple(trouble.problems),
        truncated=trouble.torn,
    )


@dataclass(frozen=True, slots=True, eq=False)
class When:
    """Step, epoch and time of every row, each `(n,)`, NaN where unknown."""

    step: Floats
    epoch: Floats
    time: Floats


def series(
    table: Table, metrics: Mapping[str, str], when: When, where: Bools | None = None, split: Split = ""
) -> tuple[Series, ...]:
    """A series for each column in `metrics` (column -> name as logged), of all rows or of those in the mask `where`."""
    found = []
    for column, name in metrics.items():
        rows, values = table.numbers[column]
        if where is not None:
            rows, values = rows[where[rows]], values[where[rows]]
        if rows.size:
            found.append(_one(name, split, table.line, when, rows, values))
    return tuple(found)


def _one(name: str, split: Split, line: Ints, when: When, rows: Ints, values: Floats) -> Series:
    every = rows.size == line.size
    step, epoch, time = (c if every else c[rows] for c in (when.step, when.epoch, when.time))
    at = line if every else line[rows]
    for array in (values, step, epoch, time, at):
        array.setflags(write=False)
    return Series(name, split, name, values, step, epoch, time, at, np.zeros(len(rows), np.int64))


def read_plain(log: LogFile, times: tuple[str, ...] = TIME_NAMES) -> tuple[Parsed, ...]:
    """A table of one run: every numeric column is a metric but those that say when.

    Raises:
        ReadError: no line that names columns.
    """
    table = read_table(log, frozenset(times))
    when, used = when_of(table, times)
    return (Parsed(table.source, series(table, metrics_of(table, used), when)),)


def when_of(table: Table, times: tuple[str, ...] = TIME_NAMES) -> tuple[When, frozenset[str]]:
    """Step, epoch and time of the rows, and the columns that they were taken from."""
    names = (*table.numbers, *table.words)
    step, epoch, time = (first_of(wanted, names) for wanted in (STEP_NAMES, EPOCH_NAMES, times))
    clock = seconds(table.words[time]) if time and time in table.words else index_column(table, time)
    when = When(index_column(table, step), index_column(table, epoch), clock)
    return when, frozenset(name for name in (step, epoch, time) if name)


def metrics_of(table: Table, used: Collection[str]) -> dict[str, str]:
    """The columns that hold metrics, under their own names: not the index, nor the row numbers that pandas writes."""
    return {name: name for name in table.numbers if name not in used and plain(name) not in UNNAMED}


def index_column(table: Table, name: str | None) -> Floats:
    """A step or epoch column: a number that is not finite says nothing about when."""
    column = table.dense(name)
    column[~np.isfinite(column)] = NAN
    return column


def seconds(cells: Sequence[str]) -> Floats:
    """Seconds of a time column: numbers (their size tells milli-, micro- and nanoseconds), clocks and dates."""
    return np.array([_seconds(cell) for cell in cells], np.float64)


def _seconds(cell: str) -> float:
    value = number(cell)
    if value is None:
        value = duration(cell)
    if value is not None:
        # 1e11 s is the year 5138, 1e11 ms is 1973: a size names its unit.
        return next((value / unit for bound, unit in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)) if value > bound), value)
    try:
        date = datetime.fromisoformat(cell.strip())
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return NAN
