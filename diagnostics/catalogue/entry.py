"""One run of a catalogue: its line, and its report, packed until somebody asks for it."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from trainvitals.diagnostics.catalogue.packing import pack, unpack
from trainvitals.diagnostics.catalogue.row import Row, row_of
from trainvitals.diagnostics.diagnosis import STRICT, judge
from trainvitals.diagnostics.normalisation import Normalised, normalise
from trainvitals.diagnostics.report import Report, SourceSummary
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import RunFiles, read_all
from trainvitals.parsers.log_files import kind
from trainvitals.parsers.model import Run

FileStamp = tuple[str, int, int, int]
"""Path, size, and the times (ns) at which the content and the file itself last changed: a file that takes the place of
another may bring the time of its content along."""

Stamp = tuple[FileStamp, ...]
"""Of every file of a run: what its report depends on."""

COARSE = 2.0
"""Seconds within which two changes of a file may have the same time, on the coarsest of file systems."""

CRASHED = "crashed: "
"""How the reason begins why a rule that has a fault could not judge."""

PASSING = ("cannot be opened", "cannot be read", "takes longer than")
"""What reasons say that may be gone the next time, although no file has changed."""


def stamp(files: RunFiles) -> Stamp:
    """What changes when any file of the run changes; what stands in the journal of a database only is told, too."""
    journals = (f"{path}-wal" for path in files.paths if kind(path) == "database")
    return tuple(stamp_of(path) for path in (*files.paths, *files.sidecars, *journals))


def stamp_of(path: str) -> FileStamp:
    """What changes when this file does; sizes of -1 stand for one that is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return path, -1, -1, -1
    return path, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def changed_at(stamped: Stamp, files: RunFiles) -> float:
    """When a log of the run last changed, seconds since 1970."""
    return max((changed for _, _, changed, _ in stamped[: len(files.paths)]), default=0) / 1e9


@dataclass(frozen=True, slots=True)
class Entry:
    """One run; `part` is its number among those that its files hold.

    Attributes:
        packed: the report, as `packing` makes it.
        lasts: reading these files again, as long as they have this stamp, would say the same.
    """

    row: Row
    files: RunFiles
    stamp: Stamp
    part: int
    packed: bytes | Report
    lasts: bool = False

    @property
    def report(self) -> Report | None:
        """The report, unpacked anew at each call; None where what was kept of it is broken."""
        return unpack(self.packed)


Read = tuple[tuple[Entry, Normalised | None], ...]
"""The runs of some files, with their series; None where they could not be judged, or were read elsewhere."""


def entry(report: Report, run: Run, files: RunFiles, stamped: Stamp, part: int, *, lasts: bool = False) -> Entry:
    """The entry of a run that has been judged."""
    return Entry(row_of(report, run, changed_at(stamped, files)), files, stamped, part, pack(report), lasts)


def opened(files: RunFiles, settings: Settings, known: Sequence[Entry] = ()) -> Read:
    """Read and judge the runs of these files; a fault of ours costs only this entry, which says so.

    What is `known` of them is not judged again, if it lasts and the files are still the same.
    """
    stamped, now = stamp(files), time.time()
    settled = all(changed / 1e9 < now - COARSE for _, _, changed, _ in stamped)
    try:
        found = [normalise(run) for run in read_all(files, patterns=settings.patterns)]
        judged = _reports(known, stamped)
        if len(judged) != len(found) or stamp(files) != stamped:
            judged = [judge(one, settings) for one in found]
        return tuple(
            (entry(report, one.run, files, stamped, i, lasts=settled and not _is_passing(report)), one)
            for i, (report, one) in enumerate(zip(judged, found, strict=True))
        )
    except Exception as error:
        if os.environ.get(STRICT):
            raise
        return ((unread(files, f"it could not be judged: {type(error).__name__}: {error}", stamped), None),)


def _reports(known: Sequence[Entry], stamped: Stamp) -> list[Report]:
    return [report for one in known if one.lasts and one.stamp == stamped and (report := one.report) is not None]


def _is_passing(report: Report) -> bool:
    """Whether something went wrong that need not be the fault of the files: a disk, a limit of time or of memory."""
    reasons = [text for one in report.sources for text in (one.error, *one.problems) if text]
    crashed = any(one.reason.startswith(CRASHED) for one in report.not_run)
    return crashed or any(passing in reason for reason in reasons for passing in PASSING)


def unread(files: RunFiles, reason: str, stamped: Stamp | None = None) -> Entry:
    """The entry of a run that could not be read, or judged, for this reason."""
    report = Report(files.name, "unknown", "generic", sources=(SourceSummary(files.root, "", 0, 0, 0, error=reason),))
    return entry(report, Run(files.name), files, stamped or stamp(files), 0)
