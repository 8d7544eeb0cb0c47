"""The lines around a place in a log, to see it with one's own eyes: read up to there and no further."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO

from trainvitals.parsers.compression import in_pieces, is_packed, log_name
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import BOM, PICKLES, is_text, open_regular
from trainvitals.parsers.limits import MAX_FILE_BYTES

CHUNK = 1 << 20
MOST_BYTES = 4 << 20
"""Bytes of an excerpt, whose lines may be long."""
SHOWN = 2000
"""Characters of a line that are shown: a longer one is cut."""
MOST_STATES = 20
"""States of a progress bar on one line that are shown: the last ones."""
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line by its 1-based number; a bar that drew over itself has a text for each of its last states.

    `hidden` counts the states before these, `cut` says that a text goes on.
    """

    number: int
    texts: tuple[str, ...]
    hidden: int = 0
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Lines in order; `last` is the number of the file's last line where it was seen, else None."""

    lines: tuple[Line, ...]
    last: int | None = None


def excerpt(path: str, line: int, around: int = 12, data: bytes | None = None) -> Excerpt:
    """The lines from `line - around` to `line + around` of a text file, packed or not; none past its end.

    Args:
        path: the file.
        line: 1-based.
        around: lines before and after it.
        data: the bytes of the file, where it need not be opened.

    Raises:
        ReadError: cannot be read, is no text, or unpacks to more than the budgets allow.
    """
    if log_name(path).lower().endswith(PICKLES):
        raise ReadError(path, "holds weights or pickled objects, which are not read by design")
    first, end = max(1, line - around), max(1, line) + around
    if data is not None:
        return _between(_text(path, io.BytesIO(data)), first, end)
    with open_regular(path) as file:
        try:
            return _between(_text(path, file), first, end)
        except OSError as error:
            raise ReadError(path, f"cannot be read: {error.strerror}") from error


def _text(path: str, file: BinaryIO) -> Iterator[bytes]:
    """The pieces of the file as UTF-8."""
    head, rest = file.read(CHUNK), iter(lambda: file.read(CHUNK), b"")
    if is_packed(head):
        rest = in_pieces(path, head + file.read(MAX_FILE_BYTES))
        head = next(rest, b"")
    pieces = chain([head.removeprefix(BOM)], rest)
    if head[:2] in UTF16:
        decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
        yield from (decoder.decode(piece).encode("utf-8", "replace") for piece in pieces)
        return
    if not is_text(head):
        raise ReadError(path, "is no text file: its records have numbers and no lines")
    yield from pieces


def _between(pieces: Iterator[bytes], first: int, end: int) -> Excerpt:
    before, rest, seen = _skipped(pieces, first)
    if before < first - 1:
        return Excerpt((), before + bool(seen))
    kept, size, ends = [rest], len(rest), rest.count(b"\n")
    ended = False
    while ends <= end - first and size < MOST_BYTES and not ended:
        piece = next(pieces, None)
        ended = piece is None
        kept.append(piece or b"")
        size, ends = size + len(kept[-1]), ends + kept[-1].count(b"\n")
    contents = b"".join(kept).split(b"\n")
    if ended and not contents[-1]:
        contents.pop()
    shown = tuple(_line(first + i, content) for i, content in enumerate(contents[: end - first + 1]))
    return Excerpt(shown, first - 1 + len(contents) if ended else None)


def _skipped(pieces: Iterator[bytes], first: int) -> tuple[int, bytes, bytes]:
    """(line ends before the first line that is wanted, what follows them, what stands after the last line end)."""
    before, piece = 0, b""
    for piece in pieces:
        ends = piece.count(b"\n")
        if before + ends >= first - 1:
            at = 0
            for _ in range(first - 1 - before):
                at = piece.index(b"\n", at) + 1
            return first - 1, piece[at:], b""
        before += ends
    return before, b"", piece.rpartition(b"\n")[2]


def _line(number: int, content: bytes) -> Line:
    states = [state for state in content.decode("utf-8", "replace").split("\r") if state.strip()] or [""]
    shown = states[-MOST_STATES:]
    cut = any(len(state) > SHOWN for state in shown)
    return Line(number, tuple(state[:SHOWN] for state in shown), len(states) - len(shown), cut)
