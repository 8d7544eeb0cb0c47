"""What was read at a place in a log, so that a line and the numbers taken from it can be held side by side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.parsers.model import Run

MOST = 500
"""Values that are told of one stretch of a file."""


@dataclass(frozen=True, slots=True)
class Read:
    """A value and the line, or record, from which it was taken; `name` is the metric as logged."""

    line: int
    name: str
    split: str
    step: float
    value: float


def read_from(run: Run, path: str, first: int, last: int) -> tuple[Read, ...]:
    """The values taken from these lines of a file of the run, in the order of the lines; at most `MOST`."""
    wanted = [i for i, source in enumerate(run.sources) if source.path == path]
    found: list[Read] = []
    for series in run.series:
        here = np.isin(series.source, wanted) & (series.line >= first) & (series.line <= last)
        at = np.flatnonzero(here)[:MOST]
        part = series.take(at)
        columns = (part.line.tolist(), part.step.tolist(), part.value.tolist())
        found += [
            Read(line, series.logged_as, series.split, step, value) for line, step, value in zip(*columns, strict=True)
        ]
    return tuple(sorted(found, key=lambda one: one.line)[:MOST])
