"""Trainings that are still running: what they append is read, and what it tells is kept for whoever looks."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import is_

from trainvitals.diagnostics.catalogue.entry import Entry, entry, stamp
from trainvitals.diagnostics.normalisation import normalise
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.report import SEVERITIES, Report, told
from trainvitals.diagnostics.settings import Settings
from trainvitals.diagnostics.watching.news import Found, News
from trainvitals.diagnostics.watching.watcher import Watcher
from trainvitals.parsers import RunFiles
from trainvitals.parsers.following import Follower

SILENT = 1800.0
"""Seconds without a change after which a training counts as over, if it has not said that it has finished."""

SETTLED = 60.0
"""Seconds for which one that says it has finished is still looked at: evaluations may follow."""

MOST_FOLLOWED = 64
"""Trainings that are followed at once: each is kept in memory."""

MOST_KEPT = 200


@dataclass(frozen=True, slots=True)
class Happened:
    """Something that a look has told; `number` grows."""

    number: int
    run: str
    found: Found


class Live:
    """Follows those runs that were seen to grow; not for use by several threads at once, except for `happened`."""

    def __init__(self) -> None:
        self._followed: dict[RunFiles, Watcher] = {}
        self._followers: dict[RunFiles, Follower] = {}
        self._said: dict[RunFiles, tuple[Report, ...]] = {}
        self._drawn: dict[tuple[RunFiles, int], tuple[bytes | Report, Examined]] = {}
        self._kept: deque[Happened] = deque(maxlen=MOST_KEPT)
        self._number = 0

    @property
    def happened(self) -> Sequence[Happened]:
        """The last of what was told, oldest first."""
        return tuple(self._kept)

    @staticmethod
    def may_run(one: Entry, now: float) -> bool:
        """Whether a training has not been silent for long."""
        return now - one.row.modified < (SETTLED if one.row.finished else SILENT)

    def follows(self, files: RunFiles) -> bool:
        """Whether these files are followed, so that their entry is newer than any other reading of them."""
        return files in self._followed

    def look(self, known: Iterable[Entry], settings: Settings) -> dict[RunFiles, tuple[Entry, ...]]:
        """Read what has been appended to any run that may be running: the entries that are new."""
        now = time.time()
        groups: dict[RunFiles, list[Entry]] = {}
        for one in known:
            groups.setdefault(one.files, []).append(one)
        running = {files: found for files, found in groups.items() if any(self.may_run(one, now) for one in found)}
        for files in [files for files in self._followed if files not in running]:
            del self._followed[files], self._followers[files]
            self._said.pop(files, None)
            self._drawn = {place: drawn for place, drawn in self._drawn.items() if place[0] != files}
        changed: dict[RunFiles, tuple[Entry, ...]] = {}
        for files, before in running.items():
            if self._begins(files, before, settings) and (found := self._news(files, before)):
                changed[files] = found
        return changed

    def examined(self, one: Entry) -> Examined | None:
        """A followed run with its series; None where it is not followed."""
        follower, place = self._followers.get(one.files), (one.files, one.part)
        runs = follower.runs_of(one.files) if follower else ()
        if one.part >= len(runs):
            return None
        if place not in self._drawn or self._drawn[place][0] is not one.packed:
            report = one.report
            if report is None:
                return None
            self._drawn[place] = one.packed, Examined(report, normalise(runs[one.part]))
        return self._drawn[place][1]

    def _begins(self, files: RunFiles, before: Sequence[Entry], settings: Settings) -> bool:
        """Whether a run is followed: from when it was first seen to have changed."""
        if files in self._followed:
            return True
        if len(self._followed) >= MOST_FOLLOWED or all(one.stamp == stamp(files) for one in before):
            return False
        self._followers[files] = Follower(files, patterns=settings.patterns)
        self._followed[files] = Watcher(self._followers[files], settings, time.monotonic)
        return True

    def _news(self, files: RunFiles, before: Sequence[Entry]) -> tuple[Entry, ...]:
        watcher = self._followed[files]
        news = watcher.look()
        said, self._said[files] = self._said.get(files, ()), watcher.reports
        if not watcher.changed and len(said) == len(self._said[files]) and all(map(is_, said, self._said[files])):
            return ()
        stamped, runs = stamp(files), self._followers[files].runs_of(files)
        found = tuple(
            entry(report, run, files, stamped, part)
            for part, (report, run) in enumerate(zip(watcher.reports, runs, strict=False))
        )
        if not found or [one.packed for one in found] == [one.packed for one in before]:
            return ()
        self._tell(news, before)
        return found

    def _tell(self, news: Sequence[News], before: Sequence[Entry]) -> None:
        reports = [report for one in before if (report := one.report)]
        for one in news:
            if isinstance(one, Found) and not any(_has(report, one) for report in reports):
                self._number += 1
                name = before[0].row.name if len(before) == 1 else one.run
                self._kept.append(Happened(self._number, name, one))


def _has(report: Report, found: Found) -> bool:
    """Whether a report had this finding before, and at least as severe."""
    new = found.finding
    return any(
        (old.code, old.metrics) == (new.code, new.metrics)
        and SEVERITIES.index(old.severity) <= SEVERITIES.index(new.severity)
        for old in told(report.findings)
    )
