"""All scalars of an event file as columns, record after record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from trainvitals.parsers import event_layout as alike
from trainvitals.parsers.crc32c import masked_checksum
from trainvitals.parsers.event_config import Text, is_config
from trainvitals.parsers.event_layout import Layout, Rows
from trainvitals.parsers.event_records import HEADER, Block, Losses
from trainvitals.parsers.event_scalars import Value, parse_event
from trainvitals.parsers.event_wire import WireError
from trainvitals.parsers.limits import MAX_METRICS, MAX_NAME_LENGTH, MAX_SIDECAR_BYTES
from trainvitals.parsers.model import Floats, Ints

SHORTEST, LONGEST = 20, 1024
"""Lengths of events that are read many at once; others are no scalars, or few."""

FEW = 6
"""So many alike events are not worth the trouble."""

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
    further: list[tuple[int, int, float, float, float]] = field(default_factory=list)
    """(row, tag, step, time, value) of the second and later scalars of a record."""


class Scalars:
    """Reads blocks of records; remembers the tags, the texts and what was lost."""

    def __init__(self, data: bytes, losses: Losses) -> None:
        self.data, self.losses = data, losses
        self.tags: dict[bytes, int] = {}
        self.texts: list[Text] = []
        self.left_out = 0
        """Values whose tag came after the first `MAX_METRICS`."""
        self.alone = 0
        """Records read one by one."""

    def read(self, block: Block) -> Points:
        """The scalars of a block; damaged records are dropped and counted."""
        size = block.start.size
        columns = _Open(np.full(size, -1), np.zeros(size), np.zeros(size), np.zeros(size))
        alone = [row for rows in _equal_lengths(block) for row in self._read_alike(block, rows, columns)]
        self.alone += len(alone)
        if self.alone <= MAX_ALONE:
            for row in sorted(alone):
                self._read_one(block, row, columns)
        return _closed(block, columns)

    def _read_alike(self, block: Block, row: Ints, columns: _Open) -> list[int]:
        """Read events of one length, kind by kind; returns the rows that are left to be read one by one."""
        length = int(block.length[row[0]])
        if not SHORTEST <= length <= LONGEST or row.size < FEW:
            return _listed(row)
        # Whole words are gathered: the last record of a file may lack the bytes behind it.
        inside = block.start[row] + alike.row_width(length) <= len(self.data)
        alone = _listed(row[~inside])
        rows = alike.gather(self.data, row[inside], block.start[row[inside]], length)
        for _ in range(MAX_LAYOUTS):
            if len(rows) < FEW:
                break
            layout = alike.layout_of(rows.raw[0, :length].tobytes())
            if layout is None:
                alone.append(int(rows.row[0]))
                rows = rows.take(np.arange(1, len(rows)))
                continue
            same = alike.alike(rows, layout)
            alone += self._take(block, rows if same.all() else rows.take(same), layout, columns)
            rows = rows.take(~same)
        return alone + _listed(rows.row)

    def _take(self, block: Block, rows: Rows, layout: Layout, columns: _Open) -> list[int]:
        """Put events of one layout into the columns; returns the rows that are left to be read one by one."""
        order, first = alike.by_tag(rows, layout)
        left = _listed(np.delete(rows.row, order)) if order.size < len(rows) else []
        rows = rows.take(order)
        good = alike.intact(rows, layout, first)
        for row in rows.row[~good].tolist():
            self._drop(block, row, BAD_CHECKSUM)
        tags = [
            self._tag(rows.raw[at, layout.tag_at : layout.tag_stop].tobytes(), count) if count else _DROPPED
            for at, count in zip(first.tolist(), np.add.reduceat(good, first, dtype=np.int64).tolist(), strict=True)
        ]
        tag = np.repeat(tags, np.diff(first, append=len(rows)))
        if not good.all():
            rows, tag = rows.take(good), tag[good]
        columns.tag[rows.row] = tag
        columns.step[rows.row] = alike.steps(rows, layout)
        columns.time[rows.row] = alike.times(rows, layout)
        columns.value[rows.row] = alike.values(rows, layout)
        return left

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
                self._put(columns, row, (self._tag(tag, 1), step, time, value.number.read(record)))
            else:
                self._keep_text(tag, value, record, block.number + row)

    def _put(self, columns: _Open, row: int, point: tuple[int, float, float, float]) -> None:
        if columns.tag[row] >= 0:
            columns.further.append((row, *point))
        else:
            columns.tag[row], columns.step[row], columns.time[row], columns.value[row] = point

    def _tag(self, tag: bytes, count: int) -> int:
        """The number of a tag that comes with so many values."""
        tag = tag[: 4 * MAX_NAME_LENGTH]
        known = self.tags.get(tag)
        if known is not None:
            return known
        if len(self.tags) >= MAX_METRICS:
            self.left_out += count
            return _DROPPED
        return self.tags.setdefault(tag, len(self.tags))

    def _keep_text(self, tag: bytes, value: Value, record: bytes, number: int) -> None:
        start, stop = value.text or value.content or (0, 0)
        if not 0 < stop - start <= MAX_SIDECAR_BYTES or len(self.texts) >= MAX_TEXTS:
            return
        text = Text(tag[:MAX_NAME_LENGTH].decode(errors="replace"), value.plugin, record[start:stop], number)
        if is_config(text):
            self.texts.append(text)

    def _drop(self, block: Block, row: int, reason: str) -> None:
        self.losses.add(block.number + row, int(block.start[row]) - HEADER, reason)


def _listed(rows: Ints) -> list[int]:
    listed: list[int] = rows.tolist()
    return listed


def _equal_lengths(block: Block) -> list[Ints]:
    """The rows of a block in groups of one length: arrays (n,) in the order of the file."""
    length = block.length
    # Numpy sorts 16-bit integers by radix, which is several times faster.
    order = (length.astype(np.uint16) if length.max() < 1 << 16 else length).argsort(kind="stable")
    return np.split(order, np.flatnonzero(np.diff(length[order])) + 1)


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
