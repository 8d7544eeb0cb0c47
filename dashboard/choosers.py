"""Choosers of runs: the same on every page, with the choice in the URL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import streamlit as st

from trainvitals.dashboard import links, runs
from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.render.sanitise import terminal

RUN, RUNS = "run", "of"
"""Names in the URL: of one run, and of several."""
_MISSING = "runs of the link that are not there"
MOST_MISSING, LONGEST = 3, 120
"""Runs that are named as missing, and letters of each."""
MOST_DRAWN, MOST_COMPARED = 10, 20
"""Runs whose curves are drawn together, and that are compared."""


def one_run(placeholder: str, on_change: Callable[[], None] | None = None) -> str | None:
    """The run that was chosen; None where nobody has, and then `placeholder` says what is shown."""
    _tell_missing(RUN)
    return st.selectbox(
        "Run",
        list(runs.catalogue()),
        index=None,
        key=RUN,
        bind="query-params",
        format_func=terminal,
        placeholder=placeholder,
        on_change=partial(_chosen, on_change),
        label_visibility="collapsed",
    )


def sickest_or_chosen(on_change: Callable[[], None] | None = None) -> str:
    """The run that was chosen, or the one that needs somebody most."""
    sickest = next(iter(runs.catalogue()), "")
    return one_run(f"{terminal(sickest)}: the run that needs somebody most", on_change) or sickest


def several_runs(first: Sequence[str], most: int, placeholder: str, help_text: str | None = None) -> list[str]:
    """The runs that were chosen, in the order of choosing; those of `first` before anybody has."""
    _tell_missing(RUNS)
    return st.multiselect(
        "Runs",
        list(runs.catalogue()),
        default=first,
        key=RUNS,
        bind="query-params",
        format_func=terminal,
        max_selections=most,
        placeholder=placeholder,
        on_change=_chosen,
        help=help_text,
    )


def _chosen(then: Callable[[], None] | None = None) -> None:
    st.session_state.pop(_MISSING, None)
    if then:
        then()


def _tell_missing(key: str) -> None:
    """Say which runs of a link are not there, until one is chosen that is: no other may pass for one.

    The chooser takes them out of the URL, so that they are not to be found there when the page is drawn again.
    """
    known, asked = runs.catalogue(), st.query_params.get_all(key)
    missing = [name for name in asked if name not in known]
    if missing:
        st.session_state[_MISSING] = missing
    elif asked or links.is_back():
        st.session_state.pop(_MISSING, None)
    if missing := st.session_state.get(_MISSING, []):
        named = ", ".join(inert(name[:LONGEST]) for name in missing[:MOST_MISSING])
        more = f" and {len(missing) - MOST_MISSING} more" if len(missing) > MOST_MISSING else ""
        st.warning(f"No such run below this folder: {named}{more}", icon=":material/search_off:")
