"""Looks at runs again and again, and says what has changed. It reads no clock and waits for nothing by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.diagnostics.report import SEVERITIES, Finding, Report
from trainvitals.diagnostics.rules.t102_stall import CODE
from trainvitals.diagnostics.settings import Settings
from trainvitals.diagnostics.watching import stall
from trainvitals.diagnostics.watching.news import Found, Gone, News, Told
from trainvitals.diagnostics.watching.stall import Pace
from trainvitals.parsers.discover import RunFiles
from trainvitals.parsers.following import Follower
from trainvitals.parsers.model import Run

REST = 10.0
"""A diagnosis is followed by a rest of so many times what it took, so that watching takes a tenth of a core at most."""

SETTLED = 30.0
"""Seconds of silence after which a run that says it has finished is taken at its word: evaluations may follow."""

AT_END = ("B104", "O104", "V104", "W101")
"""Rules about how a run has ended, or what it lacks by then: while it goes on, nothing of it is news."""

Key = tuple[str, tuple[str, ...]]


@dataclass(slots=True)
class _Watched:
    """The runs of one group of files, and what was said of them."""

    name: str
    pace: Pace = field(default_factory=Pace)
    reports: tuple[Report, ...] = ()
    known: dict[tuple[str, Key], Finding] = field(default_factory=dict)
    stalled: Finding | None = None
    done: bool = False
    stale: bool = True


class Watcher:
    """Judges runs anew as their files grow; `look` as often as you like, and it keeps to its share of the time."""

    def __init__(self, follower: Follower, settings: Settings, clock: Callable[[], float]) -> None:
        self._follower, self._settings, self._clock = follower, settings, clock
        self._watched: dict[tuple[str, str], _Watched] = {}
        self._rests_until = -math.inf
        self._trouble = ""
        self._said_finished = False
        self.looks = 0
        self.changed = False
        """Whether the last look saw anything new."""

    @property
    def reports(self) -> tuple[Report, ...]:
        """What was last said of all runs; a run that has stalled fails."""
        return tuple(report for watched in self._watched.values() for report in _with_stall(watched))

    @property
    def finished(self) -> bool:
        """Whether all runs say that they have finished, and have been silent since."""
        now = self._clock()
        return bool(self._watched) and all(
            watched.done and not watched.stale and watched.pace.quiet(now) >= SETTLED
            for watched in self._watched.values()
        )

    @property
    def gap(self) -> float:
        """The shortest median gap between lines, NaN while unknown."""
        gaps = [watched.pace.gap for watched in self._watched.values()]
        return min((gap for gap in gaps if gap == gap), default=math.nan)

    def look(self, *, last: bool = False) -> tuple[News, ...]:
        """Read what has come, judge it if it is time to (or if this is the last look), and say what is new."""
        self.looks += 1
        changed = self._follower.poll()
        self.changed = bool(changed)
        now = self._clock()
        here = {_place(group) for group in self._follower.groups}
        self._watched = {place: watched for place, watched in self._watched.items() if place in here}
        for group in changed:
            watched = self._watched.setdefault(_place(group), _Watched(group.name))
            watched.pace.wrote(now)
            watched.stale = True
        news = [*self._troubles()]
        if last or now >= self._rests_until:
            news += self._judge()
        return (*news, *self._stalls(), *self._ends())

    def _judge(self) -> Iterator[News]:
        started = self._clock()
        for group in self._follower.groups:
            watched = self._watched.get(_place(group))
            if watched is not None and watched.stale:
                runs = self._follower.runs_of(group)
                watched.reports = tuple(diagnose(run, self._settings) for run in runs)
                watched.pace.read(runs)
                watched.done = bool(runs) and all(map(says_finished, runs))
                watched.stale = False
                yield from _compared(watched)
        self._rests_until = self._clock() + REST * (self._clock() - started)

    def _stalls(self) -> Iterator[News]:
        """T102, once for each silence; a run that has finished may be silent."""
        if not self._settings.runs(CODE):
            return
        now = self._clock()
        for watched in self._watched.values():
            quiet = None if watched.done else watched.pace.overdue(now)
            step, unit = _reach(watched.reports)
            if quiet is not None and watched.stalled is None:
                severity = self._settings.severities.get(CODE, "fail")
                watched.stalled = stall.finding(quiet, watched.pace.gap, step, severity)
                yield Found(watched.name, watched.stalled, step, unit)
            elif quiet is None and watched.stalled is not None:
                yield Gone(watched.name, watched.stalled, step, unit)
                watched.stalled = None

    def _troubles(self) -> Iterator[News]:
        """That the path cannot be looked at, once; and that it can again."""
        before, self._trouble = self._trouble, self._follower.trouble
        if self._trouble and self._trouble != before:
            yield Told("trouble", f"{self._follower.path}: {self._trouble}; waiting for it")
        elif before and not self._trouble:
            yield Told("back", f"{self._follower.path}: is there")

    def _ends(self) -> Iterator[News]:
        if self.finished and not self._said_finished:
            self._said_finished = True
            yield Told("finished", "the run has finished" if len(self._watched) == 1 else "all runs have finished")


def _place(group: RunFiles) -> tuple[str, str]:
    return group.root, group.name


def says_finished(run: Run) -> bool:
    """Whether a run has come to its last planned step, or has written the Trainer's summary of the whole training."""
    planned = run.config.get("max_steps")
    if planned is not None and isinstance(planned.value, int | float) and planned.value > 0:
        last = max((float(np.nanmax(s.step)) for s in run.series if np.isfinite(s.step).any()), default=math.nan)
        return last >= planned.value
    return "train_runtime" in run.summary


def _compared(watched: _Watched) -> Iterator[News]:
    """What is new against the reports before; a finding that only changes its numbers is not."""
    now: dict[tuple[str, Key], Finding] = {}
    for report in watched.reports:
        step, unit = _reach((report,))
        for key, finding in _by_key(report.findings):
            if finding.code in AT_END and not watched.done:
                continue
            now[report.run, key] = finding
            before = watched.known.get((report.run, key))
            if before is None or SEVERITIES.index(finding.severity) < SEVERITIES.index(before.severity):
                yield Found(report.run, finding, step, unit)
    for (run, key), finding in watched.known.items():
        if (run, key) not in now:
            step, unit = _reach([report for report in watched.reports if report.run == run])
            yield Gone(run, finding, step, unit)
    watched.known = now


def _by_key(findings: Iterable[Finding]) -> Iterator[tuple[Key, Finding]]:
    return (((finding.code, finding.metrics), finding) for finding in findings)


def _reach(reports: Sequence[Report]) -> tuple[float, str]:
    """The last step of these runs, and what they count."""
    steps = [series.last_step for report in reports for series in report.series if math.isfinite(series.last_step)]
    return max(steps, default=math.nan), reports[0].step_unit if reports else "step"


def _with_stall(watched: _Watched) -> tuple[Report, ...]:
    if watched.stalled is None or not watched.reports:
        return watched.reports
    *others, last = watched.reports
    verdict = "fail" if watched.stalled.severity == "fail" else last.verdict
    return (*others, replace(last, findings=(watched.stalled, *last.findings), verdict=verdict))
