"""The pages behind `app.py`, and what they have in common: the runs below the folder, or why there are none."""

from __future__ import annotations

import os

import streamlit as st

from trainvitals.dashboard import links, runs
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.pages import overview, run
from trainvitals.parsers import ReadError


def main() -> None:
    """Draw the page that the URL names; Streamlit calls this again after every interaction."""
    st.set_page_config(page_title="trainvitals", page_icon=":material/monitor_heart:", layout="wide")
    pages = {
        "": st.Page(overview.show, title="Runs", icon=":material/list:", default=True),
        "run": st.Page(run.show, title="Run", icon=":material/troubleshoot:", url_path="run"),
    }
    links.remember(pages)
    chosen = st.navigation(list(pages.values()), position="top")
    if _has_runs():
        chosen.run()


def _has_runs() -> bool:
    folder = inert(os.path.abspath(runs.root()))
    try:
        found = runs.catalogue()
    except ReadError as error:
        st.error(inert(str(error)))
        return False
    if not found:
        st.info(
            f"No training log found below {folder}. Start the dashboard with a folder that "
            "holds JSON lines, trainer_state.json, event files, CSV or console logs: `trainvitals dashboard FOLDER`."
        )
    return bool(found)
