"""A block of console text in its pieces: what stands between line feeds and carriage returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from trainvitals.parsers.model import Bytes, Ints
from trainvitals.parsers.text.stencils import shapes_of


class Cut(NamedTuple):
    """The shape of each piece, where it begins in the UTF-8 text, and its physical line."""

    raw: bytes
    shapes: list[bytes]
    starts: Ints
    lines: Ints

    def text(self, number: int) -> str:
        """The piece of this number."""
        start = int(self.starts[number])
        return decoded(self.raw[start : start + len(self.shapes[number])])

    @property
    def codes(self) -> Bytes:
        """The text as an array of bytes."""
        return np.frombuffer(self.raw, np.uint8)


def cut_up(text: str, first: int) -> Cut:
    """The pieces of a text whose first line has this number."""
    raw = text.encode("utf-8", "surrogatepass")
    shapes = shapes_of(raw).replace(b"\r", b"\n").split(b"\n")
    return Cut(raw, shapes, *_places(np.frombuffer(raw, np.uint8), shapes, first))


def _places(raw: Bytes, shapes: Sequence[bytes], first: int) -> tuple[Ints, Ints]:
    """Where each piece begins, and on which line."""
    ends = np.cumsum(np.fromiter(map(len, shapes), np.int64) + 1) - 1
    feeds = raw[ends[:-1]] == ord("\n")
    return np.concatenate(([0], ends[:-1] + 1)), first + np.concatenate(([0], np.cumsum(feeds)))


def decoded(raw: bytes) -> str:
    """UTF-8 as `cut_up` writes it, as text."""
    return raw.decode("utf-8", "surrogatepass")
