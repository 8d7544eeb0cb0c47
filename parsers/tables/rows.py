"""Tables of delimited text: physical lines to rows of cells, one bad line costing only itself.

A quote that is never closed must not swallow the rest of a log, so a record never goes beyond its line, as no trainer
writes a number with a line break in it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from trainvitals.parsers.columns import visible_name
from trainvitals.parsers.files import LogFile, is_text
from trainvitals.parsers.limits import MAX_LINE_BYTES
from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern

DELIMITERS = (",", ";", "\t")
BLOCK_ROWS = 8192
"""Rows that are turned into columns at once: enough to make the work columnar, little enough to keep memory small."""

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
)
EPOCH_NAMES = ("epoch", "epochs", "_epoch", "current_epoch", "train/epoch", "trainer/epoch")
TIME_NAMES = ("_timestamp", "timestamp", "wall_time", "elapsed_time", "elapsed", "_runtime")
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
    """Consecutive rows under one header: `cells[i]` has one text for each name and stood on `lines[i]`."""

    names: tuple[str, ...]
    lines: list[int]
    cells: list[list[str]]


@dataclass(slots=True)
class Trouble:
    """What went wrong so far: numbers of the lines not understood, sentences for the reader, a torn last line."""

    lines: int = 0
    unread: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    torn: bool = False


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
    for line, raw in islice(physical_lines(log), PREAMBLE_LINES):
        text = raw.decode("utf-8", "replace")
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


def blocks(log: LogFile, header: Header, trouble: Trouble) -> Iterator[Block]:
    """All rows below a header, in blocks. A second line of names begins a new block under those names."""
    names = header.names
    lines: list[int] = []
    cells: list[list[str]] = []
    for line, row in _rows(log, header, trouble):
        if len(row) == len(names) + 1 and not row[-1].strip():
            row.pop()  # some writers end every row with a delimiter
        new_names = distinct(row) if _names_again(row, names) else names
        if new_names is not names or len(lines) == BLOCK_ROWS:
            yield Block(names, lines, cells)
            lines, cells = [], []
        if new_names is not names:
            names = new_names
        elif len(row) != len(names):
            trouble.unread.append(line)
        else:
            lines.append(line)
            cells.append(row)
    if log.ends_in_line:
        _settle_last(log, lines, cells, trouble)
    yield Block(names, lines, cells)


def _rows(log: LogFile, header: Header, trouble: Trouble) -> Iterator[tuple[int, list[str]]]:
    for line, raw in physical_lines(log):
        trouble.lines = line
        if line <= header.line or raw.startswith(b"#"):
            continue
        text = raw.decode("utf-8", "replace")
        if not text.strip() and header.delimiter not in text:
            continue
        row = split_cells(text, header.delimiter)
        if row is None:
            trouble.unread.append(line)
        else:
            yield line, row
    overlong = _overlong(log)
    trouble.unread += overlong
    if overlong:
        trouble.problems.append(f"{len(overlong)} lines over the limit of {MAX_LINE_BYTES} bytes were left out")


def physical_lines(log: LogFile) -> Iterator[tuple[int, bytes]]:
    """Numbered lines, also of a file whose line ends are bare carriage returns."""
    if b"\n" not in log.data and b"\r" in log.data:
        log = LogFile(log.path, log.data.replace(b"\r", b"\n"))
    return log.lines()


def _overlong(log: LogFile) -> list[int]:
    if len(log.data) <= MAX_LINE_BYTES:
        return []
    ends = np.flatnonzero(np.frombuffer(log.data, np.uint8) == ord("\n"))
    sizes = np.diff(ends, prepend=-1, append=len(log.data)) - 1
    return [int(i) + 1 for i in np.flatnonzero(sizes > MAX_LINE_BYTES)]


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


def _settle_last(log: LogFile, lines: list[int], cells: list[list[str]], trouble: Trouble) -> None:
    """A last line without an end may be half written: `0.1` of `0.125` would be a wrong number, not a missing one."""
    if trouble.unread and trouble.unread[-1] == trouble.lines:
        trouble.unread.pop()
        trouble.torn = True
    elif lines and lines[-1] == trouble.lines and not log.data.endswith(b'"') and _is_cut([r[-1] for r in cells[-21:]]):
        cells[-1][-1] = ""
        trouble.torn = True
        trouble.problems.append(f"line {lines[-1]} ends within a number, which was left out")


def _is_cut(column: list[str]) -> bool:
    """Whether the last cell is shorter than all before it, where these are as long as a program prints numbers."""
    *before, last = (len(cell.strip()) for cell in column)
    before = [size for size in before if size]
    return len(before) >= 3 and min(before) >= 6 and 0 < last < min(before)


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
    first = islice((row for _, row in _rows(log, header, Trouble())), LOOK_ROWS)
    names = header.names[:LOOK_COLUMNS]
    rows = tuple(tuple(row[: len(names)]) for row in first if len(row) >= len(header.names))
    seen = Look(tuple(map(plain, names)), names, rows)
    return seen if _is_training(seen) else None


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
