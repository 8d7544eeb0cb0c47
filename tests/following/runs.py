"""Runs that compare, and logs that grow."""

import os
from pathlib import Path

import numpy as np

from trainvitals.parsers.model import Run

COLUMNS = ("value", "step", "epoch", "time", "line", "source")


def assert_same(found: tuple[Run, ...], expected: tuple[Run, ...]) -> None:
    """Both say the same: series, settings, summaries, notes, and how the reading went."""
    assert [run.name for run in found] == [run.name for run in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.sources == other.sources
        assert [(s.metric, s.split, s.logged_as) for s in one.series] == [
            (s.metric, s.split, s.logged_as) for s in other.series
        ]
        for series, same in zip(one.series, other.series, strict=True):
            for column in COLUMNS:
                np.testing.assert_array_equal(
                    getattr(series, column), getattr(same, column), f"{series.metric} {column}"
                )
        # As text, for NaN equals nothing.
        assert repr((one.config, one.summary, one.notes)) == repr((other.config, other.summary, other.notes))


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def rewrite(path: Path, data: bytes) -> None:
    """Another file in the place of this one."""
    fresh = path.with_name(path.name + ".new")
    fresh.write_bytes(data)
    os.replace(fresh, path)


def rows(first: int, last: int, start: float = 4.0) -> bytes:
    return b"".join(b'{"step": %d, "loss": %.4f}\n' % (i, start - i / 100) for i in range(first, last + 1))
