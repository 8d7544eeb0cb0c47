"""From paths to reports: the one way that the command line and the dashboard go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.diagnosis import case_of, judge
from trainvitals.diagnostics.normalisation import Normalised, normalise
from trainvitals.diagnostics.report import Report
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import RunFiles, discover, read_all
from trainvitals.parsers.model import Run


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """One run with its report, and with its series for drawing."""

    report: Report
    normalised: Normalised


def examine(
    paths: Sequence[str], settings: Settings | None = None, baselines: tuple[Case, ...] = ()
) -> Iterator[Examined]:
    """All runs at these paths, one by one; `baselines` are healthy runs to hold them against.

    Raises:
        ReadError: a path that does not exist. What cannot be read below a path stands in the report of its run.
    """
    for files in discover(paths):
        yield from examine_files(files, settings, baselines)


def examine_files(
    files: RunFiles, settings: Settings | None = None, baselines: tuple[Case, ...] = ()
) -> Iterator[Examined]:
    """The run, or the several runs, that these files hold."""
    yield from examine_runs(read_all(files, patterns=(settings or Settings()).patterns), settings, baselines)


def examine_runs(
    runs: Iterable[Run], settings: Settings | None = None, baselines: tuple[Case, ...] = ()
) -> Iterator[Examined]:
    """Runs that have been read already."""
    for normalised in map(normalise, runs):
        yield Examined(judge(normalised, settings, baselines), normalised)


def cases(paths: Sequence[str], settings: Settings | None = None) -> Iterator[Case]:
    """All runs at these paths as rules see them, without judging them.

    Raises:
        ReadError: a path that does not exist.
    """
    settings = settings or Settings()
    for files in discover(paths):
        yield from (case_of(normalise(run), settings) for run in read_all(files, patterns=settings.patterns))
