"""What the pages show: the runs below the root folder, read beside the pages, and again only where they change."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping

import streamlit as st

from trainvitals.dashboard import scanning
from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.catalogue import Catalogue, Row, Snapshot
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.render.words import VERDICTS
from trainvitals.diagnostics.settings import Settings

ORDER = VERDICTS
"""Verdicts, those first that need somebody."""

EVERY = 3.0
"""Seconds between two looks at trainings that are still running."""

IDLE = 10.0
"""Seconds between two looks for new runs while nothing is running; the catalogue lists the folder less often still."""

MOST_TOASTS = 4
"""Messages at once: more would cover the page."""

_STARTED, _TOLD, _DRAWN = "session has begun", "number of the last toast", "version of the runs that is drawn"
_LISTS = "this page shows which runs there are"


def root() -> str:
    """The folder given on the command line; it is fixed for as long as the server runs."""
    return sys.argv[1] if len(sys.argv) > 1 else os.getcwd()


class Runs(Mapping[str, Examined]):
    """All runs by their names, worst first. A run is read when it is asked for, so ask for as few as are drawn."""

    def __init__(self, catalogue: Catalogue, names: Mapping[str, object]) -> None:
        self._catalogue, self._names = catalogue, names

    def __getitem__(self, name: str) -> Examined:
        found = self._catalogue.load(name) if name in self._names else None
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def catalogue() -> Runs:
    """All runs below the root folder by their names, worst first, as they are known; nothing is scanned for it."""
    return Runs(_catalogue(), snapshot().entries)


def rows() -> tuple[Row, ...]:
    """What the overview says of every run, worst first."""
    return tuple(one.row for one in snapshot().entries.values())


def named(name: str) -> Examined | None:
    """The run of this name; whatever else stands in a URL is no run, and nothing is ever opened for it."""
    return catalogue().get(name)


def snapshot() -> Snapshot:
    """What is known now, and whether more is coming."""
    return _catalogue().snapshot


def refresh() -> None:
    """Look for new and changed runs, and for changed settings, beside what goes on."""
    _catalogue().refresh()


def begin_session() -> None:
    """Look at the folder once for everybody who opens the dashboard; what has happened before is no news to them."""
    if _STARTED not in st.session_state:
        st.session_state[_STARTED] = True
        st.session_state[_TOLD] = max((one.number for one in _catalogue().happened), default=0)
        refresh()


def wait(seconds: float) -> Snapshot:
    """What is known after so many seconds, or when the scan is over."""
    _catalogue().wait(seconds)
    return snapshot()


def is_incomplete(known: Snapshot) -> bool:
    """Whether runs have been found that nothing can be said of yet."""
    return known.scanning and (not known.entries or known.read < known.total)


def arrive(name: str) -> None:
    """Wait, with a progress bar, until this run can be drawn, or all of them."""
    known = wait(0.2)
    if not is_incomplete(known) or name in known.entries:
        return
    bar = st.empty()
    while is_incomplete(known) and name not in known.entries:
        bar.progress(known.read / max(known.total, 1), f"Read {known.read:,} of {known.total:,} runs")
        known = wait(0.3)
    bar.empty()


def look_for_new() -> None:
    """Let `follow` look for new runs also while nothing is running: for pages that show which runs there are."""
    st.session_state[_LISTS] = True


@st.fragment(run_every=IDLE)
def _wait_for_new() -> None:
    _catalogue().look()
    if snapshot().version != st.session_state.get(_DRAWN):
        st.rerun()


def follow() -> None:
    """Tell what is new; look again every few seconds while any training is running, else now and then for new runs."""
    _tell()
    known = snapshot()
    st.session_state[_DRAWN] = known.version
    lists = st.session_state.pop(_LISTS, bool(known.trouble) or not known.entries)
    if known.scanning or _catalogue().is_live:
        _look_again()
    elif lists:
        _wait_for_new()


@st.fragment(run_every=EVERY)
def _look_again() -> None:
    """Look at running trainings; this runs by itself, without the page around it."""
    _catalogue().look()
    known = snapshot()
    over = not known.scanning and not _catalogue().is_live
    if over or (not is_incomplete(known) and known.version != st.session_state.get(_DRAWN)):
        st.rerun()


def _tell() -> None:
    seen = st.session_state.get(_TOLD, 0)
    news = [one for one in _catalogue().happened if one.number > seen]
    for one in news[-MOST_TOASTS:]:
        finding = one.found.finding
        icon = ":material/error:" if finding.severity == "fail" else ":material/warning:"
        text = f"**{inert(one.run)}**  \n{finding.code} {inert(finding.message)}"
        st.toast(text, icon=icon, duration="infinite" if finding.severity == "fail" else "long")
    if len(news) > MOST_TOASTS:
        st.toast(f"and {len(news) - MOST_TOASTS} more findings in running trainings", icon=":material/warning:")
    if news:
        st.session_state[_TOLD] = news[-1].number


def settings() -> Settings:
    """The same settings as on the command line: never those that lie inside the folder that is judged.

    Raises:
        SettingsError: they cannot be used.
    """
    return scanning.settings_of(root())


def _catalogue() -> Catalogue:
    return scanning.catalogue_of(root())
