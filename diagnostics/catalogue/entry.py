"""One run of a catalogue: its line, and its report, packed until somebody asks for it."""

from __future__ import annotations

import os
import pickle
import zlib
from dataclasses import dataclass

from trainvitals.diagnostics.catalogue.row import Row, row_of
from trainvitals.diagnostics.diagnosis import STRICT, judge
from trainvitals.diagnostics.normalisation import Normalised, normalise
from trainvitals.diagnostics.report import Report, SourceSummary
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import RunFiles, read_all
from trainvitals.parsers.model import Run

Stamp = tuple[tuple[str, int, int], ...]
"""Path, size and time of change (ns) of every file of a run: what its report depends on."""


def stamp(files: RunFiles) -> Stamp:
    """What changes when any file of the run changes."""
    return tuple(stamp_of(path) for path in (*files.paths, *files.sidecars))


def stamp_of(path: str) -> tuple[str, int, int]:
    """What changes when this file does; sizes of -1 stand for one that is not there."""
    try:
        status = os.stat(path)
    except OSError:
        return path, -1, -1
    return path, status.st_size, status.st_mtime_ns


def changed_at(stamped: Stamp, files: RunFiles) -> float:
    """When a log of the run last changed, seconds since 1970."""
    return max((changed for _, _, changed in stamped[: len(files.paths)]), default=0) / 1e9


@dataclass(frozen=True, slots=True)
class Entry:
    """One run; `part` is its number among those that its files hold. Packed, a report takes a tenth of its memory."""

    row: Row
    files: RunFiles
    stamp: Stamp
    part: int
    packed: bytes

    @property
    def report(self) -> Report:
        """The report, unpacked anew at each call."""
        report: Report = pickle.loads(zlib.decompress(self.packed))  # noqa: S301 (packed by `entry` below)
        return report


Read = tuple[tuple[Entry, Normalised | None], ...]
"""The runs of some files, with their series; None where they could not be judged, or were read elsewhere."""


def entry(report: Report, run: Run, files: RunFiles, stamped: Stamp, part: int) -> Entry:
    """The entry of a run that has been judged."""
    packed = zlib.compress(pickle.dumps(report, pickle.HIGHEST_PROTOCOL), 1)
    return Entry(row_of(report, run, changed_at(stamped, files)), files, stamped, part, packed)


def opened(files: RunFiles, settings: Settings) -> Read:
    """Read and judge the runs of these files; a fault of ours costs only this entry, which says so."""
    stamped = stamp(files)
    try:
        found = [normalise(run) for run in read_all(files, patterns=settings.patterns)]
        return tuple((entry(judge(one, settings), one.run, files, stamped, i), one) for i, one in enumerate(found))
    except Exception as error:
        if os.environ.get(STRICT):
            raise
        return ((unread(files, f"it could not be judged: {type(error).__name__}: {error}", stamped), None),)


def unread(files: RunFiles, reason: str, stamped: Stamp | None = None) -> Entry:
    """The entry of a run that could not be read, or judged, for this reason."""
    report = Report(files.name, "unknown", "generic", sources=(SourceSummary(files.root, "", 0, 0, 0, error=reason),))
    return entry(report, Run(files.name), files, stamped or stamp(files), 0)
