"""The engine of all JSON-lines formats: lines in, columnar series out, every bad line costs only itself.

Lines like earlier ones are read at once (`known`), stretches of others by a decoder for all keys seen so far
(`blocks`), and what that refuses one by one, by the standard library, which alone accepts `NaN` and `Infinity`. All
ways give the same series.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np

from trainvitals.parsers.columns import Columns
from trainvitals.parsers.feed import Follow, LineFeed
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.json_lines import columns as json_columns
from trainvitals.parsers.json_lines import row as json_row
from trainvitals.parsers.json_lines.blocks import Block, BlockDecoder
from trainvitals.parsers.json_lines.columns import Rows
from trainvitals.parsers.json_lines.cuts import block_end, line_ends, literal_lines
from trainvitals.parsers.json_lines.known import FEW, KnownLines
from trainvitals.parsers.json_lines.row import STEP_KEYS
from trainvitals.parsers.limits import MAX_EXAMPLES, MAX_LINE_BYTES, SNIFF_BYTES
from trainvitals.parsers.model import ConfigValue, Ints, Parsed, Source, UnreadLine

ONE_BY_ONE = 16
"""Lines of a refused stretch that are read singly; longer stretches are halved."""

PADDING = b" \t\r\0"
"""What may stand around an object: NUL bytes are left by file systems after a crash."""

SHORT = 6
"""So few lines are read singly in less time than at once."""

FIRST_BYTES = 1 << 14
"""Size of the first block, so that few lines are read before the layouts in it are known; the next ones are larger."""

LARGEST_BLOCK = 1 << 21
"""Size of the blocks of a long log: larger ones leave the processor's cache, smaller ones cost more calls a line."""

MAX_QUOTED = 200
SNIFFED_ROWS = 20


def read(file: LogFile, name: str, steps: tuple[str, ...] = STEP_KEYS, *, fast: bool = True) -> Parsed:
    """Read a file of JSON lines as format `name`.

    Args:
        file: the log; lines that do not start with `{` are passed over as text.
        name: the format, as it stands in the `Source`.
        steps: keys that count optimizer steps, best first.
        fast: whether to try whole blocks first; the result is the same.
    """
    reader = RowReader(file.path, name, steps, fast=fast)
    reader.take(file.data)
    return reader.parsed()


def follow(name: str, steps: tuple[str, ...] = STEP_KEYS, finish: Callable[[Parsed], Parsed] | None = None) -> Follow:
    """How files of format `name` are read while they grow; `finish` is what the format does with all rows."""

    def start(path: str) -> LineFeed[RowReader]:
        return LineFeed(RowReader(path, name, steps), lambda reader: (_finished(reader.parsed(), finish),))

    return start


def _finished(parsed: Parsed, finish: Callable[[Parsed], Parsed] | None) -> Parsed:
    return finish(parsed) if finish else parsed


@lru_cache(maxsize=4)
def _objects(head: bytes) -> tuple[dict[str, Any], ...]:
    found: list[dict[str, Any]] = []
    lines = head.split(b"\n")
    texts = [line for line in lines if line.strip(PADDING)]
    for line in texts[:SNIFFED_ROWS]:
        found += decode_objects(line)[0] if line.lstrip(PADDING)[:1] == b"{" else []
    return tuple(found) if 2 * len(found) >= min(len(texts), SNIFFED_ROWS) else ()


def sample_rows(file: LogFile) -> tuple[dict[str, Any], ...]:
    """The first objects of a file, for a sniff; none if most of its first lines hold no object."""
    end = file.data.find(b"\n", 0, MAX_LINE_BYTES)
    return _objects(file.data[: max(end, SNIFF_BYTES)])


def decode_objects(line: bytes) -> tuple[list[dict[str, Any]], int, bool]:
    """(objects, how many of them repeat a key, whether they are all of the line) of a line that starts with `{`."""
    repeated = 0

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        fields = dict(pairs)
        repeated += len(fields) < len(pairs)
        return fields

    decoder = json.JSONDecoder(object_pairs_hook=build, parse_int=_integer)
    text, at, found = line.strip(PADDING).decode("utf-8", "replace"), 0, []
    try:
        while text[at : at + 1] == "{":
            fields, at = decoder.raw_decode(text, at)
            found.append(fields)
            at += len(text) - at - len(text[at:].lstrip())
    except (ValueError, RecursionError):
        return found, repeated, False
    return found, repeated, at == len(text)


def _integer(digits: str) -> float:
    # Python refuses to convert thousands of digits; a double holds no more than 19 of them anyway.
    return int(digits) if len(digits) < 20 else float(digits)


class RowReader:
    """One pass over one file, in as many pieces as it comes in."""

    def __init__(self, path: str, name: str, steps: tuple[str, ...] = STEP_KEYS, *, fast: bool = True) -> None:
        self.path, self.name, self.steps, self.fast = path, name, steps, fast
        self.columns, self.known, self.decoder = Columns(), KnownLines(), BlockDecoder()
        self._size = FIRST_BYTES
        self.lines = 0
        """Lines taken so far."""
        self.torn = 0
        """The number of a last line that has no end; 0 where there is none."""
        self.config: dict[str, ConfigValue] = {}
        self.summary: dict[str, ConfigValue] = {}
        self.examples: list[UnreadLine] = []
        self.unread, self.truncated = 0, False
        self.literals = False
        """Whether a line with a non-finite literal has been seen."""
        self.long: list[int] = []
        self.repeating: list[int] = []

    def take(self, data: bytes) -> None:
        """Read the lines that follow those taken before; only the last one of the file may have no end."""
        before = self.lines
        self.lines += line_ends(data)
        if data and not data.endswith(b"\n"):
            self.lines = self.torn = self.lines + 1
        for first, chunk in self._blocks(data):
            if chunk is None:
                self.long.append(before + first)
            else:
                self._chunk(before + first, chunk)

    def _blocks(self, data: bytes) -> Iterator[tuple[int, bytes | None]]:
        """(number of the first line, lines without the last line end), and (number, None) for a line over the limit."""
        start, number, size = 0, 1, len(data) - data.endswith(b"\n")
        while start < size:
            end = block_end(data, start, size, self._size)
            self._size = min(self._size * 4, LARGEST_BLOCK)
            if end < 0:
                end = data.find(b"\n", start, size)
                yield number, None
                start, number = (size if end < 0 else end) + 1, number + 1
            else:
                chunk = data[start:end]
                yield number, chunk
                start, number = end + 1, number + line_ends(chunk) + 1

    def parsed(self) -> Parsed:
        """All that was taken."""
        series = self.columns.series()
        source = Source(
            self.path,
            self.name,
            lines=self.lines,
            points=sum(map(len, series)),
            unread_lines=self.unread,
            unread_examples=tuple(self.examples),
            problems=tuple(self._problems()),
            truncated=self.truncated,
        )
        return Parsed(source, series, self.config, self.summary)

    def _problems(self) -> Iterator[str]:
        if self.long:
            yield f"lines of more than {MAX_LINE_BYTES} bytes, dropped: {len(self.long)} (first: line {self.long[0]})"
        if self.repeating:
            yield (
                "lines in which a key stands twice, of which the last value was taken: "
                f"{len(self.repeating)} (first: line {self.repeating[0]})"
            )
        if self.columns.dropped_metrics:
            yield f"values under more metric names than the limit allows, dropped: {self.columns.dropped_metrics}"

    def _chunk(self, first: int, chunk: bytes) -> None:
        """Read a block: the lines that are like earlier ones at once, and the stretches between them with care."""
        if self.fast and not self.known.count:
            # A few lines show what the others look like.
            few = chunk.split(b"\n", FEW)
            for number, line in enumerate(few[:FEW], first):
                self._line(number, line)
            if len(few) <= FEW:
                return
            first, chunk = first + FEW, few[FEW]
        known = self.known.decode(chunk) if self.fast else None
        if known is None:
            self._unknown(first, chunk)
            return
        found = self._found(first + known.rows, known.block)
        at = first
        for index, start, stop in known.others:
            self._add(found, at, first + index)
            self._unknown(first + index, chunk[start:stop])
            at = first + index
        self._add(found, at, None)

    def _unknown(self, first: int, chunk: bytes) -> None:
        """Read a block: at once, or lines with a non-finite literal singly and the stretches between them at once."""
        # Looking for literals costs a tenth of decoding. Before the first one it is the decoder that notices them.
        if chunk.count(b"\n") < ONE_BY_ONE:
            self._in_parts(first, chunk)
            return
        if not self.literals and self._at_once(first, chunk):
            return
        starts = literal_lines(chunk)
        if not starts and not self.literals:
            self._in_parts(first, chunk)
            return
        self.literals = True
        at, number = 0, first
        for start in starts:
            if start > at:
                self._stretch(number, chunk[at : start - 1])
                number += chunk.count(b"\n", at, start)
            end = chunk.find(b"\n", start)
            end = len(chunk) if end < 0 else end
            self._line(number, chunk[start:end])
            at, number = end + 1, number + 1
        if at < len(chunk):
            self._stretch(number, chunk[at:])

    def _stretch(self, first: int, chunk: bytes) -> None:
        """Read lines at once if the decoder accepts them; else halve them, down to a few that are read singly."""
        if chunk.count(b"\n") < SHORT or not self._at_once(first, chunk):
            self._in_parts(first, chunk)

    def _at_once(self, first: int, chunk: bytes) -> bool:
        block = self.decoder.decode(chunk) if self.fast else None
        if block:
            self._block(first, block)
        return block is not None

    def _in_parts(self, first: int, chunk: bytes) -> None:
        lines = chunk.split(b"\n")
        if len(lines) <= ONE_BY_ONE or not self.fast:
            for number, line in enumerate(lines, first):
                self._line(number, line)
        else:
            half = len(lines) // 2
            self._stretch(first, b"\n".join(lines[:half]))
            self._stretch(first + half, b"\n".join(lines[half:]))

    def _line(self, number: int, line: bytes) -> None:
        text = line.strip(PADDING)
        if text[:1] != b"{":
            text = text.rpartition(b"\r")[2].strip(PADDING)  # a progress bar may stand before the object
        if text[:1] != b"{":
            return
        objects, repeated, clean = decode_objects(text)
        plain = clean and len(objects) == 1 and not repeated
        for fields in objects:
            self._row(number, fields, text if plain else b"")
        if repeated:
            self.repeating.append(number)
        if not clean:
            self._not_read(number, text)

    def _not_read(self, number: int, text: bytes) -> None:
        if number == self.torn:
            self.truncated = True
            return
        self.unread += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(UnreadLine(number, text[:MAX_QUOTED].decode("utf-8", "replace")))

    def _row(self, number: int, fields: dict[str, Any], line: bytes) -> None:
        if json_row.is_summary(fields, self.steps):
            found = json_row.summarise(fields)
            self.summary.update({key: ConfigValue(value, self.path, number) for key, value in found.items()})
            return
        self.decoder.learn(fields)
        if line:
            self.known.learn(line, fields)
        row = json_row.interpret(fields, self.steps)
        self._plan(row.plan, number)
        if row.values:
            self.columns.add(number, row.values, step=row.step, epoch=row.epoch, time=row.time, split=row.split)

    def _plan(self, plan: float, number: int) -> None:
        told = self.config.get("max_steps")
        if plan == plan and abs(plan) != float("inf") and not (told and told.line > number):
            self.config["max_steps"] = ConfigValue(int(plan) if plan.is_integer() else plan, self.path, number)

    def _block(self, first: int, block: Block) -> None:
        self._add(self._found(np.arange(first, first + block.size), block), first, None)

    def _found(self, lines: Ints, block: Block) -> list[Rows]:
        found, plan = json_columns.interpret(block, lines, self.steps)
        if plan:
            self._plan(plan[1], plan[0])
        return found

    def _add(self, found: list[Rows], first: int, stop: int | None) -> None:
        """Take the rows of these lines; `stop` is None for all to the end."""
        for rows in found:
            rows = rows.between(first, stop)
            self.columns.add_rows(
                rows.lines, rows.values, step=rows.step, epoch=rows.epoch, time=rows.time, split=rows.split
            )
