"""T102 stall: a run that has stopped writing, by the gaps between what it wrote before (`trainvitals rule T102`)."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from trainvitals.diagnostics.report import Finding, Severity
from trainvitals.diagnostics.rules.t102_stall import CODE, NAME
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats, Run

GAPS, SECONDS = 10.0, 300.0
LONGER, AN_HOUR = 1.5, 3600.0
FEWEST = 3
KEPT = 1000
"""Gaps that the pace is taken from: the last ones."""


class Pace:
    """When a run wrote, by the watcher's clock; or, better, by the times in its log."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=KEPT)
        self._logged: Floats = np.empty(0)
        self._last: float | None = None

    def wrote(self, now: float) -> None:
        """Something new has been seen."""
        if self._last is not None:
            self._seen.append(now - self._last)
        self._last = now

    def read(self, runs: Sequence[Run]) -> None:
        """Take the pace from the times in the log, where it has them."""
        times = [np.unique(series.time[np.isfinite(series.time)])[-KEPT - 1 :] for r in runs for series in r.series]
        gaps = np.diff(np.unique(np.concatenate([np.empty(0), *times]))[-KEPT - 1 :])
        self._logged = gaps if gaps.size >= FEWEST else np.empty(0)

    @property
    def gap(self) -> float:
        """The median gap in seconds; NaN while there are too few."""
        gaps = self._gaps()
        return median(gaps) if gaps.size >= FEWEST else float("nan")

    def overdue(self, now: float) -> float | None:
        """Seconds of silence, where they are too many; else None."""
        gaps = self._gaps()
        if self._last is None or gaps.size < FEWEST:
            return None
        quiet = now - self._last
        limit = max(GAPS * median(gaps), SECONDS, min(LONGER * float(gaps.max()), AN_HOUR))
        return quiet if quiet > limit else None

    def quiet(self, now: float) -> float:
        """Seconds since something new was seen."""
        return 0.0 if self._last is None else now - self._last

    def _gaps(self) -> Floats:
        return self._logged if self._logged.size else np.array(self._seen)


def finding(quiet: float, gap: float, step: float, severity: Severity = "fail") -> Finding:
    """The finding for a silence of `quiet` seconds, with a median gap of `gap` seconds before."""
    return Finding(
        code=CODE,
        name=NAME,
        severity=severity,
        metrics=(),
        message=f"no new line for {duration(quiet)}, where the median gap was {duration(gap)}",
        remedy="look whether the process still works (py-spy dump, nvidia-smi), and whether the disk is full",
        step_start=step,
        step_end=step,
        how=f"silent for more than {GAPS:g} median gaps, {duration(SECONDS)}, and {LONGER:g} times the longest gap",
    )


def duration(seconds: float) -> str:
    """'45 s', '7 min', '2 h 5 min'."""
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
