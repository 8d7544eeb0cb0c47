"""Columns of texts that stay bytes of the file until they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trainvitals.parsers.json_lines.words import stands_at
from trainvitals.parsers.model import Ints

ABSENT = -1
"""Where a text would start that a row does not have."""


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Texts without escapes in UTF-8, at these places of `data`: `start` and `stop`, (n,)."""

    data: bytes
    start: Ints
    stop: Ints

    def __len__(self) -> int:
        return int(self.start.size)

    def __getitem__(self, row: int) -> str | None:
        start, stop = int(self.start[row]), int(self.stop[row])
        return None if start == ABSENT else self.data[start:stop].decode()

    def __iter__(self) -> Iterator[str | None]:
        data = self.data
        for start, stop in zip(self.start.tolist(), self.stop.tolist(), strict=True):
            yield None if start == ABSENT else data[start:stop].decode()

    def before(self, ending: bytes) -> tuple[Ints, Ints] | None:
        """Where the texts start, and where this ending of theirs does: (n,) each; None if one does not end so."""
        stop = self.stop - len(ending)
        same = stands_at(self.data, stop, ending)
        return (self.start, stop) if same.all() and self.start.min(initial=0) != ABSENT else None

    def lines(self, longest: int) -> bytes | None:
        """All texts, each filled up with line ends, of which it has at least one; None if one is absent or longer."""
        length = self.stop - self.start
        if self.start.min(initial=0) == ABSENT or length.max(initial=0) > longest:
            return None
        width = int(length.max(initial=0)) + 1
        raw = np.ndarray((len(self.data) - width + 1,), f"V{width}", self.data, strides=(1,))[self.start]
        cells = raw.view(np.uint8).reshape(len(self), width)
        cells[np.arange(width) >= length[:, None]] = ord("\n")
        return cells.tobytes()
