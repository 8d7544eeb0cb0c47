r"""Framing of console text: blocks of physical lines, decoded and freed of terminal escapes.

Lines end at `\n`; a `\r` inside a line is left for the reader, as it separates the refreshes of a progress bar. Work
goes on in blocks of a few times `MAX_LINE_BYTES`, so that no more than the file itself is held.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trainvitals.parsers.limits import MAX_LINE_BYTES
from trainvitals.parsers.patterns import pattern

NESTED = "\x1c"
"""Stands where a writer moved the cursor up: tqdm does so after a bar that is drawn below another one.

It counts as white space, so no pattern has to know of it.
"""

_WINDOWS = 4
"""Of `MAX_LINE_BYTES` in a block: the larger, the more lines of a shape are read at once."""
_CURSOR_UP = "\x1b[A"
# Control sequences (also with 24-bit colours), operating system commands that are terminated, and the rest by its first
# character. Each part is a run of characters that cannot begin the next part: linear on any input.
_ESCAPE = pattern(
    r"(?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?"
    r"|\x1b\][^\x07\x1b\r\n]*+(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*+[0-~]?"
)


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive physical lines; `first` is the 1-based number of the first, `text` all of them with their ends."""

    first: int
    end: int
    """Offset in the file behind the last line."""
    text: str
    dropped: int = 0
    """Lines that were longer than the limit and stand here as an empty line."""

    @property
    def lines(self) -> list[str]:
        """The lines without their ends (a carriage return of a CRLF end may remain)."""
        return self.text.removesuffix("\n").split("\n")


def blocks(data: bytes) -> Iterator[Block]:
    """The whole file in blocks; a line over `MAX_LINE_BYTES` is a block of its own, emptied and counted."""
    start, first, size = 0, 1, len(data)
    while start < size:
        end = start
        for _ in range(_WINDOWS):
            end = _window(data, end)
        if end > start:
            text = plain_text(data[start:end])
            yield Block(first, end, text)
            first += data.count(b"\n", start, end)
        else:
            end = data.find(b"\n", start + MAX_LINE_BYTES) + 1 or size
            yield Block(first, end, "\n", 1)
            first += 1
        start = end


def _window(data: bytes, start: int) -> int:
    """Where the lines end that begin at `start` and fit into the limit of one; `start` where the first does not."""
    end = data.rfind(b"\n", start, start + MAX_LINE_BYTES + 1) + 1
    if not end and len(data) - start <= MAX_LINE_BYTES:
        return len(data)
    return end or start


def plain_text(data: bytes) -> str:
    """Bytes as text: invalid UTF-8 replaced, terminal escapes removed, a cursor-up left as `NESTED`."""
    text = data.decode("utf-8", "replace").replace(NESTED, " ")
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPE.sub("", text.replace(_CURSOR_UP, NESTED))
    return text
