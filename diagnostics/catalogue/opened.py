"""Runs that somebody has opened, with their series: kept for the next click, within a memory that does not grow."""

from __future__ import annotations

import threading
from collections import OrderedDict

from trainvitals.diagnostics.catalogue.entry import Stamp
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.parsers import RunFiles

MOST_POINTS = 10_000_000
"""Points that are kept; the run that was opened last always is."""


class Opened:
    """The runs of some files as of a state of these files, the last ones that were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[RunFiles, Stamp], tuple[Examined, ...]] = OrderedDict()

    def get(self, files: RunFiles, stamped: Stamp) -> tuple[Examined, ...] | None:
        """The runs of these files, if they are kept as the files are now."""
        with self._lock:
            found = self._kept.get((files, stamped))
            if found is not None:
                self._kept.move_to_end((files, stamped))
            return found

    def keep(self, files: RunFiles, stamped: Stamp, found: tuple[Examined, ...]) -> None:
        """Keep these, and drop those that were not asked for in the longest time."""
        with self._lock:
            for old in [place for place in self._kept if place[0] == files]:
                del self._kept[old]
            self._kept[files, stamped] = found
            while len(self._kept) > 1 and sum(map(points, self._kept.values())) > MOST_POINTS:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._kept.clear()


def points(found: tuple[Examined, ...]) -> int:
    """Scalars in all of these."""
    return sum(one.normalised.run.points for one in found)
