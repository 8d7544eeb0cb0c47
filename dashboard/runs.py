"""What the pages show: the runs below the root folder, read once and again only when a file changes."""

from __future__ import annotations

import os
import sys

import streamlit as st

from trainvitals.diagnostics.pipeline import Examined, examine_files
from trainvitals.diagnostics.report import Verdict
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.settings import Settings, find
from trainvitals.parsers import RunFiles, discover

ORDER: tuple[Verdict, ...] = ("fail", "warn", "unknown", "pass")
"""Verdicts, those first that need somebody."""

Stamp = tuple[tuple[str, int, int], ...]
"""Path, size and time of change of every file of a run: what its cached report depends on."""


def root() -> str:
    """The folder given on the command line; it is fixed for as long as the server runs."""
    return sys.argv[1] if len(sys.argv) > 1 else os.getcwd()


def scan(folder: str) -> tuple[RunFiles, ...]:
    """The runs below the folder, as they are on disk now."""
    return discover([folder])


def stamp(files: RunFiles) -> Stamp:
    """What changes when any file of the run changes."""
    return tuple(_stamp(path) for path in (*files.paths, *files.sidecars))


def _stamp(path: str) -> tuple[str, int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return path, -1, -1
    return path, status.st_size, status.st_mtime_ns


# cache_resource and not cache_data: the values are frozen, and need not be pickled and copied at every click.
@st.cache_resource(max_entries=5000, show_spinner=False)
def examine(files: RunFiles, stamp: Stamp, rules: Stamp, _settings: Settings) -> tuple[Examined, ...]:
    """Reports of the runs that these files hold; cached by the stamps of the files and of the settings."""
    del stamp, rules  # are part of the key only
    return tuple(examine_files(files, _settings))


def catalogue() -> dict[str, Examined]:
    """All runs below the root folder by their names, worst first; with a progress bar where reading takes time.

    Raises:
        ReadError: the root folder does not exist.
    """
    folder = root()
    found = scan(folder)
    bar = st.progress(0.0, "Reading runs") if len(found) > 20 else None
    # The same settings as on the command line: never those that lie inside the folder that is judged.
    settings, _ = find(os.curdir, RULES, [folder])
    decided = (_stamp(settings.origin),) if settings.origin else ()
    examined: list[Examined] = []
    for count, files in enumerate(found, start=1):
        examined += examine(files, stamp(files), decided, settings)
        if bar:
            bar.progress(count / len(found), f"Read {count} of {len(found)} runs")
    if bar:
        bar.empty()
    ordered = sorted(examined, key=lambda one: (ORDER.index(one.report.verdict), one.report.run))
    return {one.report.run: one for one in ordered}


def named(name: str) -> Examined | None:
    """The run of this name; whatever else stands in a URL is no run, and nothing is ever opened for it."""
    return catalogue().get(name)
