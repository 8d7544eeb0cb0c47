"""One log that grows, as bytes in pieces: which format it is, and what it says so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trainvitals.parsers.compression import is_packed
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.feed import Feed, Follow, LineFeed
from trainvitals.parsers.files import BOM, SQLITE, LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.formats import ranked
from trainvitals.parsers.limits import MAX_LINE_BYTES, SNIFF_BYTES
from trainvitals.parsers.model import Parsed
from trainvitals.parsers.reading import BLANK, empty, refused, stamped
from trainvitals.parsers.text.template import Template

TOLD = 16
"""Bytes by which it is told whether a file is compressed, UTF-16, or a database."""

ALWAYS = 16 << 10
"""Bytes up to which the format is told anew at each answer."""

SHARE = 16
"""After that, it is told anew when the log has grown by one part in so many, and when it rests."""

NOT_IN_PIECES = (b"\xff\xfe", b"\xfe\xff", SQLITE)


class WholeOnly(Exception):  # noqa: N818 (an answer, not an error)
    """The log is of a kind, or in a state, that cannot be read in pieces."""


class Ends:
    """What is kept of all bytes, to tell the format by: both ends, and what stands in between in a word."""

    def __init__(self) -> None:
        self._head = self._tail = b""
        self.size = 0
        self.blank, self.nul, self.has_lines = True, False, False

    def add(self, piece: bytes) -> None:
        """Take note of the bytes that follow."""
        self.size += len(piece)
        self._head += piece[: SNIFF_BYTES - len(self._head)]
        self._tail = (self._tail + piece[-SNIFF_BYTES:])[-SNIFF_BYTES:]
        self.blank = self.blank and not piece.strip(BLANK)
        self.nul = self.nul or b"\0" in piece
        self.has_lines = self.has_lines or b"\n" in piece

    def log(self, path: str) -> LogFile:
        """The log as far as formats look at it: all of a small one, the ends of others, as `peek` gives them."""
        if self.size <= 2 * SNIFF_BYTES:
            behind = self.size - len(self._head)
            return LogFile(path, self._head + self._tail[len(self._tail) - behind :])
        return LogFile(path, self._head + b"\n" + self._tail)


class Growing:
    """Gives the bytes that have come to the reader of their format, and keeps of them what has no end yet.

    The format of a log can change while its first lines come in; then `again` gives all its bytes once more.
    """

    def __init__(self, path: str, again: Callable[[], Iterator[bytes]], patterns: tuple[Template, ...] = ()) -> None:
        self._path, self._again, self._patterns = path, again, patterns
        self._begin(None)

    def _begin(self, follow: Follow | None) -> None:
        self._ends = Ends()
        self._follow = follow
        self._feed: Feed | None = follow(self._path) if follow else None
        self._is_told = False
        self._rest = b""
        self._formats: tuple[Format, ...] = ()
        self._told_at = 0
        """Bytes that there were when the formats were told."""

    def take(self, piece: bytes) -> None:
        """Read the bytes that follow.

        Raises:
            WholeOnly: they show that the log has to be read whole.
        """
        if not self._is_told:
            piece, self._rest = self._rest + piece, b""
            if len(piece) < TOLD:
                self._rest = piece
                return
            if is_packed(piece) or piece.startswith(NOT_IN_PIECES):
                raise WholeOnly
            self._is_told, piece = True, piece.removeprefix(BOM)
        is_first = not self._ends.size
        self._ends.add(piece)
        if self._feed is None and is_first:
            self._choose()
        if self._feed is not None:
            self._rest = self._fed(self._feed, self._rest + piece)

    @property
    def is_settled(self) -> bool:
        """Whether the format was told by all bytes that have come."""
        return self._ends.blank or self._told_at == self._ends.size

    def answer(self, *, settle: bool = False) -> tuple[Parsed, ...]:
        """What `read_file` would say of the bytes that have come.

        To tell the format costs as much as to read 128 KiB, so it is not told for every line that comes, unless
        `settle` is set: then nothing is left to chance.

        Raises:
            WholeOnly: for that, it has to be asked.
            ReadError: no format can read them.
        """
        if not self._is_told:
            raise WholeOnly
        if self._ends.blank:
            return (empty(self._path, nul=self._ends.nul),)
        size = self._ends.size
        told, formats = self._told_at, self._formats
        if settle or size <= ALWAYS or SHARE * (size - told) >= size:
            told, formats = size, tuple(one for _, one in ranked(self._ends.log(self._path), self._patterns))
        refusals: list[str] = []
        for candidate in formats:
            feed = self._reader(candidate.follow)
            try:
                return tuple(stamped(one, candidate, tuple(refusals)) for one in feed.parsed(self._rest))
            except ReadError as error:
                refusals.append(f"not read as {candidate.name}: {error.reason}")
            finally:
                self._told_at, self._formats = told, formats
        self._told_at, self._formats = told, formats
        raise ReadError(self._path, refused(refusals))

    def _choose(self) -> None:
        """Take the format that seems surest by the first piece; `answer` looks again."""
        found = () if self._ends.blank else ranked(self._ends.log(self._path), self._patterns)
        if found and found[0][1].follow is None:
            raise WholeOnly
        self._follow = found[0][1].follow if found else None
        self._feed = self._follow(self._path) if self._follow else None

    def _reader(self, follow: Follow | None) -> Feed:
        """The reader that has read all that came, by this way to follow a log."""
        if follow is None:
            raise WholeOnly
        if self._feed is None or follow is not self._follow:
            self._begin(follow)
            for piece in self._again():
                self.take(piece)
        assert self._feed is not None
        return self._feed

    def _fed(self, feed: Feed, data: bytes) -> bytes:
        rest = data[feed.feed(data) :]
        if isinstance(feed, LineFeed) and not self._ends.has_lines and len(rest) > MAX_LINE_BYTES:
            raise WholeOnly  # its lines may end in bare carriage returns
        return rest[: feed.longest]
