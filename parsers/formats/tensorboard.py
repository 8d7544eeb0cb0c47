"""TensorBoard event files: scalars of every writer (simple values and one-element tensors), and hyperparameters."""

from __future__ import annotations

from collections import Counter

import numpy as np

from trainvitals.parsers.columns import distinct_name, visible_name
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.events.columns import MAX_ALONE, Points, Scalars, joined
from trainvitals.parsers.events.config import config
from trainvitals.parsers.events.crc32c import masked_checksum
from trainvitals.parsers.events.records import HEADER, Losses, Records, header_holds
from trainvitals.parsers.feed import RecordFeed, add_part
from trainvitals.parsers.files import LogFile, is_text
from trainvitals.parsers.format import Format
from trainvitals.parsers.limits import MAX_FILE_BYTES, MAX_METRICS, MAX_POINTS
from trainvitals.parsers.model import Parsed, Series, Source, Split

NAME = "tensorboard_events"
VERSION = 1

_LOOKED_AT = 4096
"""Bytes at the beginning by which it is told why a file cannot be read."""

_SHORT, _BEHIND = 1 << 20, bytes(128)
"""Files that are copied to have some bytes behind their end, rather than having their last records read one by one."""

_POINTERS = (b"version https://git-lfs.github.com/", b"/annex/objects/")


def sniff(file: LogFile) -> float:
    """Sure if a record with valid checksums stands first; by the name alone if it is damaged there, or empty."""
    if header_holds(file.data, 0):
        length = int.from_bytes(file.data[:8], "little")
        first = file.data[HEADER : HEADER + length]
        stored = file.data[HEADER + length : HEADER + length + 4]
        whole = masked_checksum(first) == int.from_bytes(stored, "little") and len(stored) == 4
        return 1.0 if whole else 0.9
    named = "tfevents" in file.name
    return 0.5 if named and not (file.data and is_text(file.data)) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All scalars of an event file, tag by tag, with record numbers as lines and wall time as time.

    Raises:
        ReadError: the file has bytes, but neither a whole record nor the beginning of one.
    """
    reader = _Reader(file.path)
    reader.take(file.data, last=True)
    return reader.parsed()


def _follow(path: str) -> RecordFeed:
    # Records with pictures have megabytes.
    return RecordFeed(_Reader(path), longest=MAX_FILE_BYTES)


_NONE = Points(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0), np.empty(0), np.empty(0))


class _Reader:
    """One pass over an event file, in as many pieces as it comes in."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._head = b""
        self._losses = Losses()
        self._records, self._scalars = Records(self._losses), Scalars(self._losses)
        self._parts, self._count = [_NONE], 0

    def take(self, data: bytes, *, last: bool) -> int:
        """Read the records that are whole, and say how many bytes they have; the next piece begins behind them."""
        base = self._scalars.base = self._records.base
        if not base:
            self._head = data[:_LOOKED_AT]
        # Whole words are gathered, also at the end of a short file.
        self._scalars.data = data if len(data) > _SHORT else data + _BEHIND
        for block in self._records.take(data, last=last):
            points = self._scalars.read(block)
            add_part(self._parts, points, joined, lambda part: part.tag.size)
            self._count += points.tag.size
            if self._count > MAX_POINTS:
                self._losses.remark(f"reading stopped after {self._count} points; the limit is {MAX_POINTS}")
                self._records.over = True
                break
        self._scalars.data = b""
        return len(data) if self._records.over else self._records.base - base

    def parsed(self) -> tuple[Parsed, ...]:
        """All that was taken. Nothing may follow."""
        losses, scalars = self._losses, self._scalars
        if losses.count == losses.records and self._head and not losses.truncated:
            raise ReadError(self._path, _reason(self._head))
        if scalars.left_out:
            losses.remark(f"{scalars.left_out} values of further metrics left out; the limit is {MAX_METRICS} metrics")
        if scalars.alone > MAX_ALONE:
            losses.remark(f"not all records were read; the limit is {MAX_ALONE} records that are no plain scalars")
        source = Source(
            self._path,
            NAME,
            VERSION,
            lines=losses.records,
            points=self._count,
            unread_lines=losses.count,
            problems=losses.problems(),
            truncated=losses.truncated,
        )
        series = _series(joined(self._parts), list(scalars.tags))
        return (Parsed(source, series, config(scalars.texts, self._path)),)


def _series(points: Points, tags: list[bytes]) -> tuple[Series, ...]:
    """One series per tag, in the order in which the tags first appeared; within one, in the order of the file."""
    # 16-bit integers are sorted by radix; `MAX_METRICS` keeps the tags below 2**16.
    points = points.take(points.tag.astype(np.uint16).argsort(kind="stable"))
    edges = np.searchsorted(points.tag, np.arange(len(tags) + 1)).tolist()
    source, epoch = np.zeros(points.tag.size, np.int64), np.full(points.tag.size, np.nan)
    for column in (points.record, points.step, points.time, points.value, source, epoch):
        column.setflags(write=False)
    found = []
    repeats: Counter[tuple[str, Split]] = Counter()
    for tag, start, stop in zip(tags, edges, edges[1:], strict=False):
        if start == stop:
            continue
        name, part = distinct_name(visible_name(tag.decode(errors="replace")), "", repeats), slice(start, stop)
        columns = (points.value[part], points.step[part], epoch[part], points.time[part])
        found.append(Series(name, "", name, *columns, points.record[part], source[part]))
    return tuple(sorted(found, key=lambda series: int(series.line[0])))


def _reason(data: bytes) -> str:
    if data.startswith(_POINTERS[0]) or _POINTERS[1] in data:
        return "is a pointer to a large file that was not fetched, not the event file itself"
    return "holds no whole record of an event file"


SAMPLE = (
    b'\x18\0\0\0\0\0\0\0\xa3\x7fK"\t\0\0\0`\xb8\x13\xdaA\x1a\rbrain.Event:2Jp)\xa2'
    b" \0\0\0\0\0\0\0)\xed\xa9P\t\0\0\x80`\xb8\x13\xdaA\x10\n*\x13\n\x11\n\ntrain/loss\x15\0\0 @R\x10\xa7\x9c"
)
"""Two records: the version of the file, and step 10 of `train/loss` with the value 2.5."""

FORMAT = Format(
    name=NAME,
    title="TensorBoard event files: SummaryWriter, tf.summary, and every trainer that reports to tensorboard",
    sample=SAMPLE,
    sniff=sniff,
    read=read,
    # Values are 32-bit floats: six decimal digits survive.
    precision=6,
    version=VERSION,
    origin="two records made by hand, checked against tensorboard's own reader",
    reads="step, wall time, settings in text and hparams records",
    follow=_follow,
)
