"""One run, chosen by name; the name stands in the URL."""

from __future__ import annotations

import streamlit as st

from trainvitals.dashboard import runs
from trainvitals.dashboard.run import log
from trainvitals.dashboard.run.page import draw
from trainvitals.diagnostics.render.sanitise import terminal


def show() -> None:
    """Draw the run that the URL names, or the sickest one."""
    found = runs.catalogue()
    sickest = next(iter(found))
    name = st.selectbox(
        "Run",
        list(found),
        index=None,
        key="run",
        bind="query-params",
        format_func=terminal,
        placeholder=f"{terminal(sickest)}: the run that needs somebody most",
        on_change=_forget_place,
        label_visibility="collapsed",
    )
    draw(found.get(name or "") or found[sickest])


def _forget_place() -> None:
    """A place in the log of one run is none in that of another."""
    st.session_state.pop(log.FILE, None)
    st.session_state[log.LINE] = 1
