"""The page behind `app.py`: the runs of a folder, and below them the one that was chosen."""

from __future__ import annotations

import os

import streamlit as st

from trainvitals.dashboard import overview, run_page
from trainvitals.dashboard.data import examine_all, root
from trainvitals.dashboard.inert import inert
from trainvitals.parsers import ReadError


def main() -> None:
    """Draw the whole page; Streamlit calls this again after every interaction."""
    st.set_page_config(page_title="trainvitals", page_icon=":material/monitor_heart:", layout="wide")
    folder = root()
    st.markdown(f"## trainvitals &nbsp; {inert(os.path.basename(os.path.abspath(folder)))}")
    try:
        runs = examine_all(folder)
    except ReadError as error:
        st.error(inert(str(error)))
        return
    if not runs:
        st.info(
            f"No training log found below {inert(os.path.abspath(folder))}. Start the dashboard with a folder that "
            "holds JSON lines, trainer_state.json, event files, CSV or console logs: `trainvitals dashboard FOLDER`."
        )
        return
    chosen = overview.choose(runs)
    if chosen is not None:
        run_page.show(chosen)
