"""The table of runs: a name that is clicked opens its run, and runs that are ticked are looked at together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from trainvitals.dashboard import links
from trainvitals.dashboard.choosers import MOST_COMPARED, MOST_DRAWN, RUN, RUNS
from trainvitals.dashboard.inert import inert

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ButtonColumnResult, ColumnConfig, ColumnWidth

ROW_HEIGHT, MOST_HEIGHT = 35, 900
MOST_NAMED = 3
_SHOWN, _TICKED, _NUMBER = "runs in the table", "runs that are ticked", "number of the table"
_CLICKED = "name that was clicked"


def table(names: Sequence[str], cells: pa.Table, columns: Mapping[str, ColumnConfig]) -> None:
    """Draw a row for each of these runs."""
    _answer(tuple(names))
    ticked = set(_ticked())
    st.dataframe(
        cells,
        hide_index=True,
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": [i for i, name in enumerate(names) if name in ticked]}},
        key=_key(),
        height=min(MOST_HEIGHT, ROW_HEIGHT * (len(names) + 1) + 3),
        row_height=ROW_HEIGHT,
        column_config={**columns, "run": _names(columns["run"].get("width"))},
        placeholder="",
        alt="Table of runs with verdict, worst finding and loss",
    )


def ways_on() -> None:
    """Where the runs that are ticked can be looked at, or how to tick some."""
    ticked = list(_ticked())
    if not ticked:
        st.caption("Click a name to open its run; tick runs to compare them or to see their curves.", width="content")
        return
    more = f" and {len(ticked) - MOST_NAMED} more" if len(ticked) > MOST_NAMED else ""
    st.markdown(f"**{inert(', '.join(ticked[:MOST_NAMED]))}**{more}", width="content")
    if len(ticked) == 1:
        st.page_link(links.page("run"), label="Open", query_params={RUN: ticked[0]})
    st.page_link(
        links.page("compare"),
        label=_label("Compare", len(ticked), MOST_COMPARED),
        query_params={RUNS: ticked[:MOST_COMPARED]},
        disabled=len(ticked) == 1,
        help="Tick a second run to compare them" if len(ticked) == 1 else None,
    )
    st.page_link(
        links.page("curves"), label=_label("Curves", len(ticked), MOST_DRAWN), query_params={RUNS: ticked[:MOST_DRAWN]}
    )
    st.button("Untick", on_click=_untick, type="tertiary", icon=":material/close:")


def _label(what: str, count: int, most: int) -> str:
    return what if count <= most else f"{what} (the first {most})"


def _answer(names: tuple[str, ...]) -> None:
    """Do what was clicked, and keep what is ticked, also while a filter hides it.

    Rows are told by their numbers, and these are those of the table in which somebody clicked: a live run may have
    changed places since. A table of other rows is therefore another table, in which the same runs are ticked.
    """
    before = st.session_state.get(_SHOWN, names)
    if (clicked := st.session_state.get(_CLICKED)) and clicked.row < len(before):
        links.go("run", **{RUN: before[clicked.row]})
    if said := st.session_state.get(_key()):
        now = [before[row] for row in said.selection.rows if row < len(before)]
        shown = set(before)
        st.session_state[_TICKED] = (*(name for name in _ticked() if name not in shown), *now)
    if names != before and _ticked():
        st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1
    st.session_state[_SHOWN] = names


def _names(width: ColumnWidth | None) -> ButtonColumnResult:
    """Names as buttons: cells that open by being chosen would open as soon as the arrow keys reach them."""
    return st.column_config.ButtonColumn("run", type="tertiary", alignment="left", width=width, key=_CLICKED)


def _untick() -> None:
    st.session_state[_TICKED] = ()
    st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1


def _ticked() -> tuple[str, ...]:
    return tuple(st.session_state.get(_TICKED, ()))


def _key() -> str:
    return f"runs-{st.session_state.get(_NUMBER, 0)}"
