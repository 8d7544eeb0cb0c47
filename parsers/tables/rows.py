"""Tables of delimited text: physical lines to rows of cells, one bad line costing only itself.

A quote that is never closed must not swallow the rest of a log, so a record never goes beyond its line, as no trainer
writes a number with a line break in it.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from trainvitals.parsers.columns import visible_name
from trainvitals.parsers.files import LogFile, is_text
from trainvitals.parsers.limits import MAX_EXAMPLES, MAX_LINE_BYTES
from trainvitals.parsers.model import Floats
from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.tables.clean import clean_rows

DELIMITERS = (",", ";", "\t")
BLOCK_ROWS = 8192
"""Rows that are turned into columns at once: enough to make the work columnar, little enough to keep memory small."""

MAX_EXAMPLE_BYTES = 400
LOOK_ROWS = 20
LOOK_COLUMNS = 1000
"""Rows by which a format is recognised."""

PREAMBLE_LINES = 100
"""Comments and blank lines that may stand before the header."""

STEP_NAMES = (
    "step",
    "global_step",
    "_step",
    "trainer/global_step",
    "train/global_step",
    "iteration",
    "iter",
    "steps",
    "iterations",
    "num_updates",
    "update",
    "batch",
    "time/total_timesteps",
    *("train_step", "train/step", "iter_num", "n_iter", "niter", "itr", "it", "updates"),
)
EPOCH_NAMES = ("epoch", "epochs", "_epoch", "current_epoch", "train/epoch", "trainer/epoch", "ep")
TIME_NAMES = (
    "_timestamp",
    "timestamp",
    "wall_time",
    "elapsed_time",
    "elapsed",
    "_runtime",
    "time/time_elapsed",
)
"""Names of the columns that say when, best first, in lower case with underscores."""

UNNAMED = frozenset({"<empty>", "unnamed:_0"})
"""Plain names of the column of row numbers that pandas writes before the others."""

MISSING = frozenset({"", "na", "n/a", "none", "null", "-", "--"})
"""Cells without a value, in lower case. `nan` is not among them: it is a value, and the one that matters."""

_SEPARATOR = pattern(r"sep=([,;\t])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Header:
    """Where a table begins: the 1-based line, the delimiter, and distinct names of the columns."""

    line: int
    delimiter: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows under one header: `cells[i]` has one text for each name; `raw[i]` stood on `lines[i]`."""

    names: tuple[str, ...]
    lines: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def add(self, line: int, raw: bytes, cells: list[str]) -> None:
        """Append a row."""
        self.lines.append(line)
        self.cells.append(cells)
        self.raw.append(raw)


@dataclass(slots=True)
class Trouble:
    """What went wrong so far.

    `lines` is the number of the last line, `unread` those of the lines not understood, of which the first ones stand in
    `raw`, `problems` are sentences for the reader; `overlong` lines were over the limit, `torn` is whether the last one
    has no end.
    """

    lines: int = 0
    unread: list[int] = field(default_factory=list)
    raw: dict[int, bytes] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    overlong: int = 0
    torn: bool = False

    def not_understood(self, line: int, raw: bytes) -> None:
        """Note a line that is no row."""
        self.unread.append(line)
        if len(self.unread) <= MAX_EXAMPLES:
            self.quote(line, raw)

    def quote(self, line: int, raw: bytes) -> None:
        """Keep a line that may have to be shown."""
        self.raw.setdefault(line, raw[:MAX_EXAMPLE_BYTES])


def plain(name: str) -> str:
    """A column name as the tuples above spell it: `Wall time` is `wall_time`."""
    return re.sub(r"[\s-]+", "_", name.strip().lower())


def first_of(wanted: tuple[str, ...], names: tuple[str, ...]) -> str | None:
    """The column whose plain name stands first in `wanted`."""
    by_plain = {plain(name): name for name in reversed(names)}
    return next((by_plain[w] for w in wanted if w in by_plain), None)


def split_cells(text: str, delimiter: str) -> list[str] | None:
    """The cells of one line; None where its quotes do not close or a quoted cell is over 131072 characters."""
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter, skipinitialspace=True, strict=True))
    except (csv.Error, StopIteration):
        return None


def find_header(log: LogFile) -> Header | None:
    """The first line that names columns, after blank lines, `sep=;` and comments; None where data comes first."""
    forced = ""
    for line, raw in islice(physical_lines(log.data), PREAMBLE_LINES):
        text = (raw or b"").decode("utf-8", "replace")
        separator = _SEPARATOR.fullmatch(text.strip(" "))
        if separator:
            forced = separator[1]
        elif text.strip():
            comment = text.startswith("#")
            delimiter, cells = _best_split(text.lstrip("# ") if comment else text, forced)
            names = distinct(cells)
            if not comment or first_of(STEP_NAMES + EPOCH_NAMES, names):
                return Header(line, delimiter, names) if _are_names(cells) else None
    return None


def distinct(cells: list[str]) -> tuple[str, ...]:
    """Names that can be shown; a repeated one gets a number: `loss`, `loss.1`."""
    while len(cells) > 1 and not cells[-1].strip():
        cells = cells[:-1]
    taken: dict[str, int] = {}
    for cell in cells:
        name = base = visible_name(cell)
        repeats = taken.get(base, 0)
        while name in taken:
            repeats += 1
            name = f"{base}.{repeats}"
        taken[base] = repeats
        taken.setdefault(name, 0)
    return tuple(taken)


class Rows:
    """Takes the lines below a header, in as many pieces as they come in, and gives their cells."""

    def __init__(self, header: Header, trouble: Trouble) -> None:
        self._header, self._trouble = header, trouble
        self._names = header.names
        self._sizes: deque[int] = deque(maxlen=LOOK_ROWS)
        """How long the last cells of the rows before are, by which a number that is cut off shows."""

    def take(self, data: bytes) -> Iterator[Block]:
        """The rows in blocks; a second line of names begins a new block. Only the last piece may end without an end."""
        found = Block(self._names)
        torn = bool(data) and not data.endswith(b"\n")
        for line, raw in physical_lines(data, self._trouble.lines):
            self._trouble.lines = line
            row = self._cells(line, raw)
            if raw is None or row is None:
                continue
            names = self._named(row)
            if names or len(found.lines) == BLOCK_ROWS:
                yield self._given(found)
                self._names = names or self._names
                found = Block(self._names)
                if names:
                    self._sizes.clear()
                    continue
            if len(row) == len(self._names):
                found.add(line, raw, row)
            else:
                self._trouble.not_understood(line, raw)
        if torn:
            self._settle_last(found, ends_in_quote=data.endswith(b'"'))
        yield self._given(found)

    def take_clean(self, data: bytes) -> Floats | None:
        """Whole lines as numbers, with shape `(rows, columns)`, if they hold nothing else; else nothing is taken."""
        delimiter = self._header.delimiter.encode()
        rows = clean_rows(data, len(self._names), delimiter)
        if rows is not None:
            self._trouble.lines += len(rows)
            last = data.removesuffix(b"\n").rsplit(b"\n", LOOK_ROWS)[-LOOK_ROWS:]
            self._sizes.extend(len(line.rpartition(delimiter)[2].strip(b'\r"')) for line in last)
        return rows

    @property
    def names(self) -> tuple[str, ...]:
        """The names over the rows that come next."""
        return self._names

    def _cells(self, line: int, raw: bytes | None) -> list[str] | None:
        """The cells of a line; None for lines that are no row."""
        if raw is None:
            self._trouble.overlong += 1
            self._trouble.not_understood(line, b"")
            return None
        if line <= self._header.line or raw.startswith(b"#"):
            return None
        text = raw.decode("utf-8", "replace")
        if not text.strip() and self._header.delimiter not in text:
            return None
        row = split_cells(text, self._header.delimiter)
        if row is None:
            self._trouble.not_understood(line, raw)
        elif len(row) == len(self._names) + 1 and not row[-1].strip():
            row.pop()  # some writers end every row with a delimiter
        return row

    def _named(self, row: list[str]) -> tuple[str, ...]:
        return distinct(row) if _names_again(row, self._names) else ()

    def _given(self, block: Block) -> Block:
        self._sizes.extend(len(row[-1].strip()) for row in block.cells[-LOOK_ROWS:])
        return block

    def _settle_last(self, block: Block, *, ends_in_quote: bool) -> None:
        """A last line without an end may be half written: `0.1` of `0.125` would be a wrong number, not a missing one.

        It is cut if its last cell is shorter than all before it, where these are as long as a program prints numbers.
        """
        trouble = self._trouble
        if trouble.unread and trouble.unread[-1] == trouble.lines:
            trouble.unread.pop()
            trouble.raw.pop(trouble.lines, None)
            trouble.torn = True
            return
        if not block.lines or block.lines[-1] != trouble.lines or ends_in_quote:
            return
        sizes = [*self._sizes, *(len(row[-1].strip()) for row in block.cells[-LOOK_ROWS - 1 : -1])][-LOOK_ROWS:]
        before = [size for size in sizes if size]
        if len(before) >= 3 and min(before) >= 6 and 0 < len(block.cells[-1][-1].strip()) < min(before):
            block.cells[-1][-1] = ""
            trouble.torn = True
            trouble.problems.append(f"line {trouble.lines} ends within a number, which was left out")


def physical_lines(data: bytes, before: int = 0) -> Iterator[tuple[int, bytes | None]]:
    """Numbered lines, those over the limit as None; also of a file whose line ends are bare carriage returns.

    `before` is how many lines stood before these.
    """
    end = b"\n" if before or b"\n" in data or b"\r" not in data else b"\r"
    start, size = 0, len(data)
    while start < size:
        stop = data.find(end, start)
        stop = size if stop < 0 else stop
        before += 1
        yield before, (data[start:stop].removesuffix(b"\r") if stop - start <= MAX_LINE_BYTES else None)
        start = stop + 1


def _best_split(text: str, forced: str) -> tuple[str, list[str]]:
    """The delimiter that cuts a header into the most cells; the earlier one in `DELIMITERS` of two equals."""
    splits = {d: split_cells(text, d) or [] for d in ([forced] if forced else DELIMITERS)}
    best = max(splits, key=lambda d: len(splits[d]))
    return best, splits[best]


def _are_names(cells: list[str]) -> bool:
    return bool(cells) and all(number(cell) is None for cell in cells)


def _names_again(row: list[str], names: tuple[str, ...]) -> bool:
    """Whether a row is another header: only names, and one of them an index or a name from before."""
    first = row[0].lstrip()[:1]
    if not (first.isalpha() or first == "_") or len(row) < 2 or not _are_names(row):
        return False
    found = distinct(row)
    known = set(names).intersection(found) or first_of(STEP_NAMES + EPOCH_NAMES, found)
    return bool(known) and all(cell.strip().lower() not in MISSING for cell in row)


@dataclass(frozen=True, slots=True)
class Look:
    """The beginning of a table, by which its format is recognised: plain names, and the first whole rows."""

    names: tuple[str, ...]
    raw_names: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def numeric(self) -> frozenset[str]:
        """Plain names of the columns whose cells, where present, are mostly numbers."""
        return frozenset(name for i, name in enumerate(self.names) if _mostly_numbers([row[i] for row in self.rows]))

    @property
    def index(self) -> str | None:
        """The plain name of the step or epoch column."""
        return first_of(STEP_NAMES + EPOCH_NAMES, self.names)


def look(log: LogFile) -> Look | None:
    """The beginning of a table that can be a training log, None for any other file.

    It can be one if it has a step or epoch column and a metric beside it, or a loss and nothing but numbers.
    """
    if log.data[:1] in (b"{", b"[") or not is_text(log.data):
        return None
    header = find_header(log)
    if header is None or len(header.names) < 2:
        return None
    first = islice(_any_rows(log, header), LOOK_ROWS)
    names = header.names[:LOOK_COLUMNS]
    rows = tuple(tuple(row[: len(names)]) for row in first if len(row) >= len(header.names))
    seen = Look(tuple(map(plain, names)), names, rows)
    return seen if _is_training(seen) else None


def _any_rows(log: LogFile, header: Header) -> Iterator[list[str]]:
    """The lines below a header cut into cells, of whatever number."""
    rows = Rows(header, Trouble())
    cut = (rows._cells(line, raw) for line, raw in physical_lines(log.data) if raw is not None)
    return (row for row in cut if row is not None)


def _is_training(seen: Look) -> bool:
    named = set(seen.names) - UNNAMED
    if not seen.rows:
        return seen.index is not None or bool(named & {"loss", "train_loss", "val_loss"})
    numbers = seen.numeric
    if seen.index in numbers:
        return len(numbers - UNNAMED) > 1
    return seen.index is None and numbers >= named and any("loss" in name for name in named)


def _mostly_numbers(cells: list[str]) -> bool:
    present = [cell for cell in cells if cell.strip().lower() not in MISSING]
    return sum(number(cell) is not None for cell in present) * 2 > len(present)
