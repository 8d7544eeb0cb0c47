"""The pages behind `app.py`, and what they have in common: the runs below the folder, or why there are none."""

from __future__ import annotations

import os
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import streamlit as st

from trainvitals.dashboard import hardening, links, runs, style
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.pages import overview

if TYPE_CHECKING:
    from streamlit.navigation.page import StreamlitPage

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M2 12h5l2-6 4 12 3-9 1.5 3H22" fill="none" '
    'stroke="#0072b2" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)
"""Drawn here: a named icon would be fetched from a server elsewhere, at every visit."""

PAGES = {
    "": ("Runs", "list"),
    "run": ("Run", "troubleshoot"),
    "curves": ("Curves", "show_chart"),
    "ratios": ("Ratios", "percent"),
    "compare": ("Compare", "compare_arrows"),
    "landscape": ("Landscape", "landscape"),
    "bring": ("Bring a log", "upload_file"),
}
"""Title and icon of each page by its path; its module in `pages` has the name of the path."""

WITHOUT_RUNS = frozenset({"bring", "landscape"})
"""Pages that have something to show where there are no runs."""


def main() -> None:
    """Draw the page that the URL names; Streamlit calls this again after every interaction."""
    hardening.hide_error_details()
    st.set_page_config(page_title="trainvitals", page_icon=ICON, layout="wide")
    style.apply()
    pages = {path: _page(path, title, icon) for path, (title, icon) in PAGES.items()}
    chosen = st.navigation(list(pages.values()), position="top")
    st.set_page_config(page_title=f"{chosen.title} \u00b7 trainvitals")
    links.remember(pages, chosen)
    if not chosen.url_path:
        hardening.warn_if_open()
    runs.begin_session()
    if "run" in st.query_params:
        runs.arrive(st.query_params["run"])
    if chosen.url_path in WITHOUT_RUNS or _has_runs(chosen.url_path):
        chosen.run()
    runs.follow()


def _page(path: str, title: str, icon: str) -> StreamlitPage:
    icon = f":material/{icon}:"
    if not path:
        return st.Page(overview.show, title=title, icon=icon, default=True)
    return st.Page(partial(_show, path), title=title, icon=icon, url_path=path)


def _show(path: str) -> None:
    """Draw a page. It is loaded when it is first asked for: the table of runs need not wait for what charts need."""
    import_module(f"trainvitals.dashboard.pages.{path}").show()


def load_pages() -> None:
    """Load all pages before they are asked for."""
    for path in filter(None, PAGES):
        import_module(f"trainvitals.dashboard.pages.{path}")


def _has_runs(path: str) -> bool:
    if path and "run" not in st.query_params:
        runs.arrive("")
    elif not path:
        overview.show_progress()
    known = runs.snapshot()
    if known.trouble:
        st.error(inert(known.trouble), icon=":material/error:")
    if known.trouble or known.entries:
        return not known.trouble
    st.info(
        f"No training log was found below {inert(os.path.abspath(runs.root()))}.\n\nStart the dashboard with a folder "
        "that holds JSON lines, `trainer_state.json`, event files, CSV or console logs: "
        "`trainvitals dashboard FOLDER`.",
        icon=":material/search_off:",
    )
    st.page_link(links.page("bring"), label="Or bring a log: upload or paste it", icon=":material/upload_file:")
    return False
