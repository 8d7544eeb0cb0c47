"""The pages behind `app.py`, and what they have in common: the runs below the folder, or why there are none."""

from __future__ import annotations

import os

import streamlit as st

from trainvitals.dashboard import hardening, links, runs
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.pages import bring, compare, curves, landscape, overview, ratios, run

ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24"><path d="M2 12h5l2-6 4 12 3-9 1.5 3H22" fill="none" '
    'stroke="#0072b2" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"/></svg>'
)
"""Drawn here: a named icon would be fetched from a server elsewhere, at every visit."""

WITHOUT_RUNS = frozenset({"bring", "landscape"})
"""Pages that have something to show where there are no runs."""


def main() -> None:
    """Draw the page that the URL names; Streamlit calls this again after every interaction."""
    hardening.hide_error_details()
    st.set_page_config(page_title="trainvitals", page_icon=ICON, layout="wide")
    pages = {
        "": st.Page(overview.show, title="Runs", icon=":material/list:", default=True),
        "run": st.Page(run.show, title="Run", icon=":material/troubleshoot:", url_path="run"),
        "curves": st.Page(curves.show, title="Curves", icon=":material/show_chart:", url_path="curves"),
        "ratios": st.Page(ratios.show, title="Ratios", icon=":material/percent:", url_path="ratios"),
        "compare": st.Page(compare.show, title="Compare", icon=":material/compare_arrows:", url_path="compare"),
        "landscape": st.Page(landscape.show, title="Landscape", icon=":material/landscape:", url_path="landscape"),
        "bring": st.Page(bring.show, title="Bring a log", icon=":material/upload_file:", url_path="bring"),
    }
    chosen = st.navigation(list(pages.values()), position="top")
    links.remember(pages, chosen)
    if not chosen.url_path:
        hardening.warn_if_open()
    runs.begin_session()
    if "run" in st.query_params:
        runs.arrive(st.query_params["run"])
    if chosen.url_path in WITHOUT_RUNS or _has_runs(chosen.url_path):
        chosen.run()
    runs.follow()


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
