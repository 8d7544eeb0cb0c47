"""From paths to reports: the one way that the command line and the dashboard go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.diagnostics.report import Report
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import RunFiles, discover, read_all


def examine(paths: Sequence[str], settings: Settings | None = None) -> Iterator[Report]:
    """Reports of all runs at these paths, one by one.

    Raises:
        ReadError: a path that does not exist. What cannot be read below a path stands in the report of its run.
    """
    for files in discover(paths):
        yield from examine_files(files, settings)


def examine_files(files: RunFiles, settings: Settings | None = None) -> Iterator[Report]:
    """Reports of the run, or of the several runs, that these files hold."""
    for run in read_all(files):
        yield diagnose(run, settings)
