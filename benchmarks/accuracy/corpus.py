"""Draws and writes the runs: so many of each kind, at lengths that users log, with fresh seeds."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import faults_again
import faults_loss
import faults_run
import healthy
import healthy_aims
import healthy_logging
import numpy as np
import typed
from kinds import Fault, Shape
from logs import write

SHAPES: tuple[Shape, ...] = (*healthy.SHAPES, *healthy_aims.SHAPES, *healthy_logging.SHAPES, *typed.SHAPES)
FAULTS: tuple[Fault, ...] = (*faults_loss.FAULTS, *faults_run.FAULTS, *faults_again.FAULTS, *typed.FAULTS)
LENGTHS = (20, 30, 50, 100, 200, 500, 1000, 3000)
LONG = 100_000
"""One run in `RARELY` is as long as a run of weeks that logs each step."""
RARELY = 60
DIGITS = (4, 4, 6, None)
"""Digits after the point that trainers keep: the Hugging Face Trainer four."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A run on disk, what it is an example of, and how many rows it was drawn with."""

    kind: Shape | Fault
    log: Path
    rows: int

    @property
    def name(self) -> str:
        """The name of the run: that of its folder."""
        return self.log.parent.name


def plant(
    root: Path, kinds: Sequence[Shape | Fault], each: int, seed: int, lengths: Sequence[int] = (), mark: str = ""
) -> list[Planted]:
    """Write `each` runs of each kind below `root`, every one in a folder of its own.

    `lengths` are those to draw from; none: those of `LENGTHS` at which the kind means anything, and rarely `LONG`.
    `mark` ends the names of the folders.
    """
    return [one for kind in kinds for one in _of_kind(root, kind, each, seed, lengths, mark)]


def _of_kind(
    root: Path, kind: Shape | Fault, each: int, seed: int, lengths: Sequence[int], mark: str
) -> Iterator[Planted]:
    # A kind's runs do not depend on which other kinds are asked for.
    rng = np.random.default_rng([seed, zlib.crc32(kind.name.encode())])
    for number in range(each):
        rows = _length(rng, kind, lengths)
        digits = DIGITS[int(rng.integers(len(DIGITS)))]
        folder = root / f"{'fault' if isinstance(kind, Fault) else 'healthy'}-{_slug(kind.name)}-{number:03d}{mark}"
        yield Planted(kind, write(kind.make(rng, rows), folder, rng, digits), rows)


def _length(rng: np.random.Generator, kind: Shape | Fault, lengths: Sequence[int]) -> int:
    if lengths:
        return int(rng.choice(list(lengths)))
    if rng.integers(RARELY) == 0 and kind.shortest >= 50:
        return LONG
    return int(rng.choice([length for length in LENGTHS if length >= kind.shortest]))


def _slug(name: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
