"""Rows of a delimited table to numeric columns, and columns to series."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

import numpy as np

from trainvitals.parsers.columns import NAN
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.feed import Follow, LineFeed, add_part
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.limits import MAX_EXAMPLES, MAX_LINE_BYTES, MAX_METRICS
from trainvitals.parsers.model import Bools, Floats, Ints, Parsed, Series, Source, Split, UnreadLine
from trainvitals.parsers.numbers import duration, number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.tables.rows import (
    EPOCH_NAMES,
    MISSING,
    STEP_NAMES,
    TIME_NAMES,
    UNNAMED,
    Block,
    Header,
    Rows,
    Trouble,
    find_header,
    first_of,
    plain,
)

_PLAIN_NUMBER = b"0123456789eE+-. "
_LOOKS_NUMERIC = pattern(r"[-+]?(?:[\d.,_' ]*\d[\d.,_' ]*(?:[eE][-+]?\d+)?%?|0[xX][0-9a-fA-F]+)")


@dataclass(slots=True)
class Cells:
    """The cells of one column that hold numbers: their rows and values, in parts; and the rows that hold other text."""

    parts: list[tuple[Ints, Floats]] = field(default_factory=list)
    text: list[int] = field(default_factory=list)
    almost: list[int] = field(default_factory=list)
    """Rows whose text looks like a number and is none by the grammar: `1_000`, `0,5`."""

    def add(self, rows: Ints, values: Floats) -> None:
        """Append numbers."""
        add_part(self.parts, (rows, values), _concatenated, lambda part: part[0].size)

    @property
    def count(self) -> int:
        """Numbers so far."""
        return sum(rows.size for rows, _ in self.parts)


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


class TableReader:
    """Takes a table in as many pieces as it comes in; the columns whose plain name is in `words` are kept as text."""

    def __init__(self, path: str, words: frozenset[str] = frozenset(), *, fast: bool = True) -> None:
        self._path, self._words, self._fast = path, words, fast
        self._before = b""
        """Everything until the line that names the columns has come."""
        self._header: Header | None = None
        self._trouble = Trouble()
        self._line = array("q")
        self._columns: dict[str, Cells] = {}
        self._texts: dict[str, dict[int, tuple[str, ...]]] = {}

    def take(self, data: bytes) -> None:
        """Read the lines that follow those taken before; only the last one of the file may have no end."""
        if self._header is None:
            data = self._before + data
            self._header = find_header(LogFile(self._path, data))
            if self._header is None:
                self._before = data
                return
            self._before, self._rows = b"", Rows(self._header, self._trouble)
            below = _below(data, self._header.line)
            self._take(data[:below])
            data = data[below:]
        rows = self._rows.take_clean(data) if self._fast and data and self._may_be_clean() else None
        if rows is None:
            self._take(data)
        else:
            self._take_clean(rows)

    def table(self) -> Table:
        """All that was taken.

        Raises:
            ReadError: no line that names columns.
        """
        if self._header is None:
            raise ReadError(self._path, "has no line that names its columns")
        line, trouble = np.array(self._line, np.int64), self._trouble
        if trouble.overlong:
            sentence = f"{trouble.overlong} lines over the limit of {MAX_LINE_BYTES} bytes were left out"
            trouble.problems.append(sentence)
        _count_text(self._columns, line, trouble)
        numbers = {name: _joined(cells) for name, cells in self._columns.items()}
        kept = {name: tuple(_spread(parts, len(line))) for name, parts in self._texts.items()}
        found = {name: column for name, column in numbers.items() if column[0].size}
        return Table(self._header, line, found, kept, self._source())

    def _may_be_clean(self) -> bool:
        names = self._rows.names
        return len(names) <= MAX_METRICS and self._words.isdisjoint(map(plain, names))

    def _take(self, data: bytes) -> None:
        for block in self._rows.take(data):
            for name, cells in zip(block.names, zip(*block.cells, strict=True), strict=bool(block.cells)):
                if plain(name) in self._words:
                    self._texts.setdefault(name, {})[len(self._line)] = cells
                elif name in self._columns or len(self._columns) < MAX_METRICS:
                    _add(self._columns.setdefault(name, Cells()), block, cells, len(self._line), self._trouble)
            _note_cap(block, self._columns, self._words, self._trouble)
            self._line.extend(block.lines)

    def _take_clean(self, rows: Floats) -> None:
        present, first = ~np.isnan(rows), len(self._line)
        for i, name in enumerate(self._rows.names):
            if name in self._columns or len(self._columns) < MAX_METRICS:
                at = np.flatnonzero(present[:, i])
                self._columns.setdefault(name, Cells()).add(at + first, rows[at, i])
        self._line.extend(range(self._trouble.lines - len(rows) + 1, self._trouble.lines + 1))

    def _source(self) -> Source:
        trouble = self._trouble
        shown = [line for line in trouble.unread[:MAX_EXAMPLES] if line in trouble.raw]
        return Source(
            self._path,
            "",
            lines=trouble.lines,
            unread_lines=len(trouble.unread),
            unread_examples=tuple(UnreadLine(line, trouble.raw[line].decode("utf-8", "replace")) for line in shown),
            problems=tuple(trouble.problems),
            truncated=trouble.torn,
        )


def _below(data: bytes, line: int) -> int:
    """Where the lines after one begin; 0 in a file that has no such line ends."""
    start = 0
    for _ in range(line):
        start = data.find(b"\n", start) + 1
        if not start:
            return 0
    return start


def read_table(log: LogFile, words: frozenset[str] = frozenset()) -> Table:
    """Read a delimited table; the columns whose plain name is in `words` are kept as text.

    Raises:
        ReadError: no line that names columns.
    """
    reader = TableReader(log.path, words)
    reader.take(log.data)
    return reader.table()


def follow(words: frozenset[str], finish: Callable[[Table], tuple[Parsed, ...]]) -> Follow:
    """How a table is read while it grows; `finish` is what its format makes of all rows."""

    def start(path: str) -> LineFeed[TableReader]:
        return LineFeed(TableReader(path, words), lambda reader: finish(reader.table()))

    return start


def _add(column: Cells, block: Block, cells: Sequence[str], offset: int, trouble: Trouble) -> None:
    rows, values, text, almost = parse_cells(cells)
    column.add(rows + offset, values)
    for found, more in ((column.text, text), (column.almost, almost)):
        for row in more[: max(0, MAX_EXAMPLES - len(found))]:
            trouble.quote(block.lines[row], block.raw[row])
        found += [row + offset for row in more]


def _joined(cells: Cells) -> tuple[Ints, Floats]:
    return _concatenated(cells.parts)


def _concatenated(parts: Sequence[tuple[Ints, Floats]]) -> tuple[Ints, Floats]:
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([values for _, values in parts])


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
        is_metric = cells.count > len(cells.text) or "loss" in name.lower()
        unread.update(line[cells.text if is_metric else cells.almost].tolist())
    trouble.unread = sorted(unread)


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
    for column in (values, step, epoch, time, at):
        column.setflags(write=False)
    return Series(name, split, name, values, step, epoch, time, at, np.zeros(len(rows), np.int64))


def read_plain(log: LogFile, times: tuple[str, ...] = TIME_NAMES) -> tuple[Parsed, ...]:
    """A table of one run: every numeric column is a metric but those that say when.

    Raises:
        ReadError: no line that names columns.
    """
    return _plain(read_table(log, frozenset(times)), times)


def follow_plain(times: tuple[str, ...] = TIME_NAMES) -> Follow:
    """How the table of `read_plain` is read while it grows."""
    return follow(frozenset(times), partial(_plain, times=times))


def _plain(table: Table, times: tuple[str, ...]) -> tuple[Parsed, ...]:
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
