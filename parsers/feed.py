"""How a file that grows at its end is read: what has come is read once, and what is not yet whole is only looked at."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from trainvitals.parsers.limits import MAX_LINE_BYTES
from trainvitals.parsers.model import Parsed


class Feed(Protocol):
    """A file that is read piece by piece. However it is cut, the answer is that of `Format.read` of the whole."""

    def feed(self, data: bytes) -> int:
        """Read what is whole in these bytes, and say how many that were; the others are given again, with more."""
        ...

    def parsed(self, rest: bytes) -> tuple[Parsed, ...]:
        """All that was read, and what the file would hold if it ended with `rest`, which is not yet whole.

        Raises:
            ReadError: as `Format.read`.
        """
        ...

    @property
    def longest(self) -> int:
        """Bytes of `rest` that can matter; of longer ones the end may be left out."""
        ...


Follow = Callable[[str], Feed]
"""Begins to read the file at a path."""


class LineReader(Protocol):
    """What reads lines in pieces; the last piece of a file may end without a line end."""

    def take(self, data: bytes) -> None:
        """Read the lines that follow those taken before."""
        ...


class RecordReader(Protocol):
    """What reads the records of a binary file in pieces. A deep copy of it goes on by itself."""

    def take(self, data: bytes, *, last: bool) -> int:
        """Read the records that are whole, and say how many bytes they have; with `last` the rest is torn."""
        ...

    def parsed(self) -> tuple[Parsed, ...]:
        """All that was taken. Nothing may follow."""
        ...


R = TypeVar("R", bound=LineReader)
P = TypeVar("P")

SMALL = 4096
"""Rows from which on a part of a column is left as it is."""


def add_part(parts: list[P], part: P, join: Callable[[list[P]], P], size: Callable[[P], int]) -> None:
    """Append a part of columns, and join the last ones while they are small: a log that comes row by row has few."""
    parts.append(part)
    while len(parts) > 1 and size(parts[-2]) <= min(size(parts[-1]), SMALL):
        parts[-2:] = [join(parts[-2:])]


@dataclass(frozen=True, slots=True)
class LineFeed(Generic[R]):
    """Feeds a reader of lines with those that have ended; `finish` makes of it what the format answers."""

    reader: R
    finish: Callable[[R], tuple[Parsed, ...]]

    def feed(self, data: bytes) -> int:
        """Read the lines that have ended."""
        end = data.rfind(b"\n") + 1
        if end:
            self.reader.take(data[:end])
        return end

    def parsed(self, rest: bytes) -> tuple[Parsed, ...]:
        """What the lines say, with the last one as far as it has come: read by a copy, so that it can be read again."""
        twin = copy.deepcopy(self.reader)
        if rest:
            twin.take(rest)
        return self.finish(twin)

    def close(self, rest: bytes) -> tuple[Parsed, ...]:
        """The same where nothing more will come."""
        if rest:
            self.reader.take(rest)
        return self.finish(self.reader)

    @property
    def longest(self) -> int:
        """One byte more than a line may have shows that it is too long."""
        return MAX_LINE_BYTES + 1


@dataclass(frozen=True, slots=True)
class RecordFeed:
    """Feeds a reader of records with those that are whole; `longest` is that of `Feed`."""

    reader: RecordReader
    longest: int

    def feed(self, data: bytes) -> int:
        """Read the whole records."""
        return self.reader.take(data, last=False)

    def parsed(self, rest: bytes) -> tuple[Parsed, ...]:
        """What the records say, with what is not whole counted as torn: by a copy, as more of it may come."""
        twin = copy.deepcopy(self.reader)
        twin.take(rest, last=True)
        return twin.parsed()
