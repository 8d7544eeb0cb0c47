"""All scalars of an event file as columns, record after record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from trainvitals.parsers.events import bodies as event_bodies
from trainvitals.parsers.events import kinds
from trainvitals.parsers.events.bodies import FEW, LONGEST, SHORTEST, Bodies, Layout
from trainvitals.parsers.events.config import Text, is_config
from trainvitals.parsers.events.crc32c import masked_checksum
from trainvitals.parsers.events.heads import Heads, heads
from trainvitals.parsers.events.records import BLOCK, HEADER, Block, Losses
from trainvitals.parsers.events.scalars import Value, parse_event
from trainvitals.parsers.events.wire import WireError
from trainvitals.parsers.limits import MAX_METRICS, MAX_NAME_LENGTH, MAX_SIDECAR_BYTES
from trainvitals.parsers.model import Floats, Ints, Words

TOGETHER = 1 << 13
"""Events read together: with their bodies they stay in the processor's cache."""

MAX_LAYOUTS = 40
"""Layouts looked for among events of one length before the rest is read one by one."""

MAX_ALONE = 5_000_000
"""Records read one by one, about a minute of work; a file of more of them is noise, or holds hardly any scalars."""

MAX_TEXTS = 64
"""Texts with hyperparameters kept per file; trainers write one or two."""

BAD_CHECKSUM = "the checksum of its data is wrong"

_DROPPED = -2


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Scalars in the order of their records: parallel arrays (n,). `tag` numbers the tags in `Scalars.tags`."""

    tag: Ints
    record: Ints
    step: Floats
    time: Floats
    value: Floats

    def take(self, index: Ints) -> Points:
        """The points chosen by an index array."""
        return Points(self.tag[index], self.record[index], self.step[index], self.time[index], self.value[index])


@dataclass(slots=True, eq=False)
class _Open:
    """The columns of one block while it is read; `tag` is -1 where a record holds no scalar."""

    tag: Ints
    step: Floats
    time: Floats
    value: Floats
    crc: Words
    """Checksums of the heads of events that are read tag by tag."""
    further: list[tuple[int, int, float, float, float]] = field(default_factory=list)
    """(row, tag, step, time, value) of the second and later scalars of a record."""


class Scalars:
    """Reads blocks of records; remembers the tags, the texts and what was lost."""

    def __init__(self, losses: Losses) -> None:
        self.losses = losses
        self.data, self.base = b"", 0
        """The piece of the file that the blocks are of, and the byte at which it begins."""
        self.tags: dict[bytes, int] = {}
        self.texts: list[Text] = []
        self.left_out = 0
        """Values whose tag came after the first `MAX_METRICS`."""
        self.alone = 0
        """Records read one by one."""

    def read(self, block: Block) -> Points:
        """The scalars of a block; damaged records are dropped and counted."""
        front = heads(self.data, block.start, block.length)
        size = block.start.size
        columns = _Open(np.full(size, -1), front.step, front.time, np.zeros(size), np.zeros(size, np.uint32))
        known = len(self.tags)
        alone = _listed(np.flatnonzero(~front.regular))
        rest = self._read_kinds(block, front, columns)
        columns.crc[rest] = front.checksums(rest)
        for rows in _equal(block.length - front.length, rest):
            alone += self._read_alike(block, front, rows, columns)
        self.alone += len(alone)
        if self.alone <= MAX_ALONE:
            for row in sorted(alone):
                self._read_one(block, row, columns)
        return self._within_limit(_closed(block, columns), known)

    def _read_kinds(self, block: Block, front: Heads, columns: _Open) -> Ints:
        """Read the events of the kinds that are many; returns the regular rows left to be read otherwise."""
        left = front.regular.copy()
        for first in range(0, block.start.size, TOGETHER):
            part = slice(first, first + TOGETHER)
            found = kinds.read(self.data, block.start[part], block.length[part], front.part(part))
            row = found.row + first
            counts = np.bincount(found.kind[found.good], minlength=len(found.tags)).tolist()
            tags = [self._tag(tag) if count else _DROPPED for tag, count in zip(found.tags, counts, strict=True)]
            columns.tag[row] = np.where(found.good, np.array(tags, np.int64)[found.kind], _DROPPED)
            columns.value[row] = found.value
            left[row] = False
            for bad in row[~found.good].tolist():
                self._drop(block, bad, BAD_CHECKSUM)
            if row.size < kinds.MANY * min(TOGETHER, block.start.size - first):
                break
        return np.flatnonzero(left)

    def _read_alike(self, block: Block, front: Heads, row: Ints, columns: _Open) -> list[int]:
        """Read events with bodies of one length, kind by kind; returns the rows left to be read one by one."""
        start = block.start[row] + front.length[row]
        length = int(block.length[row[0]] - front.length[row[0]])
        if not SHORTEST <= length <= LONGEST or row.size < FEW:
            return _listed(row)
        # Whole words are gathered: the last record of a file may lack the bytes behind it.
        inside = start + event_bodies.row_width(length) <= len(self.data)
        alone = _listed(row[~inside])
        bodies = event_bodies.gather(self.data, row[inside], start[inside], length)
        for _ in range(MAX_LAYOUTS):
            if len(bodies) < FEW:
                break
            layout = event_bodies.layout_of(bodies.items[0].tobytes()[:length])
            if layout is None:
                alone.append(int(bodies.row[0]))
                bodies = bodies.take(np.arange(1, len(bodies)))
                continue
            same = event_bodies.alike(bodies, layout)
            if same.all():
                return alone + self._take(block, bodies, layout, columns)
            alone += self._take(block, bodies.take(same), layout, columns)
            bodies = bodies.take(~same)
        return alone + _listed(bodies.row)

    def _take(self, block: Block, bodies: Bodies, layout: Layout, columns: _Open) -> list[int]:
        """Put events of one layout into the columns; returns the rows left to be read one by one."""
        runs = event_bodies.by_tag(bodies, layout)
        left = np.setdiff1d(bodies.row, runs.bodies.row) if len(runs.bodies) < len(bodies) else bodies.row[:0]
        bodies = runs.bodies
        good = event_bodies.intact(runs, layout, columns.crc[bodies.row])
        tag_of_run = [
            self._tag(bodies.items[at].tobytes()[layout.tag_at : layout.tag_stop]) if any_good else _DROPPED
            for at, any_good in zip(runs.first.tolist(), np.logical_or.reduceat(good, runs.first).tolist(), strict=True)
        ]
        columns.tag[bodies.row] = np.where(good, runs.spread(np.array(tag_of_run)), _DROPPED)
        columns.value[bodies.row] = event_bodies.values(bodies, layout)
        for row in bodies.row[~good].tolist():
            self._drop(block, row, BAD_CHECKSUM)
        return _listed(left)

    def _read_one(self, block: Block, row: int, columns: _Open) -> None:
        """Read one event into the columns."""
        start, stop = int(block.start[row]), int(block.start[row] + block.length[row])
        record = self.data[start:stop]
        if masked_checksum(record) != int.from_bytes(self.data[stop : stop + 4], "little"):
            self._drop(block, row, BAD_CHECKSUM)
            return
        try:
            event = parse_event(record)
        except WireError as error:
            self._drop(block, row, f"it is no event ({error})")
            return
        step, time = float(event.step(record)), event.time(record)
        for value in event.values:
            tag = record[value.tag_at : value.tag_stop]
            if value.number is not None:
                self._put(columns, row, (self._tag(tag), step, time, value.number.read(record)))
            else:
                self._keep_text(tag, value, record, block.number + row)

    def _put(self, columns: _Open, row: int, point: tuple[int, float, float, float]) -> None:
        if columns.tag[row] >= 0:
            columns.further.append((row, *point))
        else:
            columns.tag[row], columns.step[row], columns.time[row], columns.value[row] = point

    def _tag(self, tag: bytes) -> int:
        """The number of a tag."""
        tag = tag[: 4 * MAX_NAME_LENGTH]
        if len(self.tags) >= MAX_METRICS + BLOCK:
            return self.tags.get(tag, _DROPPED)
        return self.tags.setdefault(tag, len(self.tags))

    def _within_limit(self, points: Points, known: int) -> Points:
        """The points without those of new tags over the limit; of these the first ones in the file are kept."""
        if len(self.tags) <= MAX_METRICS:
            return points
        tags, first = np.unique(points.tag, return_index=True)
        fresh = tags[np.argsort(first)]
        fresh = fresh[fresh >= known][: MAX_METRICS - known]
        renumbered = np.full(len(self.tags), _DROPPED)
        renumbered[:known], renumbered[fresh] = np.arange(known), np.arange(known, known + fresh.size)
        names = list(self.tags)
        self.tags = {name: n for n, name in enumerate(names[:known] + [names[n] for n in fresh.tolist()])}
        tag = renumbered[points.tag]
        self.left_out += int((tag < 0).sum())
        return replace(points, tag=tag).take(np.flatnonzero(tag >= 0))

    def _keep_text(self, tag: bytes, value: Value, record: bytes, number: int) -> None:
        start, stop = value.text or value.content or (0, 0)
        if not 0 < stop - start <= MAX_SIDECAR_BYTES or len(self.texts) >= MAX_TEXTS:
            return
        text = Text(tag[:MAX_NAME_LENGTH].decode(errors="replace"), value.plugin, record[start:stop], number)
        if is_config(text):
            self.texts.append(text)

    def _drop(self, block: Block, row: int, reason: str) -> None:
        self.losses.add(block.number + row, self.base + int(block.start[row]) - HEADER, reason)


def _listed(rows: Ints) -> list[int]:
    listed: list[int] = rows.tolist()
    return listed


def _equal(length: Ints, rows: Ints) -> list[Ints]:
    """Rows in groups of one length: arrays in the order of the file."""
    if not rows.size:
        return []
    length = length[rows]
    # Numpy sorts 16-bit integers by radix, which is several times faster.
    order = (length.astype(np.uint16) if 0 <= length.min() <= length.max() < 1 << 16 else length).argsort(kind="stable")
    length, rows = length[order], rows[order]
    edges = [0, *(np.flatnonzero(length[1:] != length[:-1]) + 1).tolist(), rows.size]
    return [rows[first:last] for first, last in pairwise(edges)]


def _closed(block: Block, columns: _Open) -> Points:
    """The scalars of a block without the rows that hold none, several of one record one after the other."""
    row = np.flatnonzero(columns.tag >= 0)
    found = Points(columns.tag[row], row + block.number, columns.step[row], columns.time[row], columns.value[row])
    more = [point for point in columns.further if point[1] >= 0]
    if not more:
        return found
    rows, tag, step, time, value = (np.array(column) for column in zip(*more, strict=True))
    both = joined([found, Points(tag, rows + block.number, step, time, value)])
    return both.take(both.record.argsort(kind="stable"))


def joined(parts: Sequence[Points]) -> Points:
    """Points one after the other."""
    columns = ("tag", "record", "step", "time", "value")
    return Points(*(np.concatenate([getattr(part, column) for part in parts]) for column in columns))
