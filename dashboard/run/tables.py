"""Status tables of the loss type, with coloured words, and all series at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.render.status import meaning
from trainvitals.diagnostics.report import Cell, Report, SeriesSummary, Table

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler
    from streamlit.elements.lib.column_types import ColumnConfig

STATUS = "status"
"""The column that holds status words."""
TINTS = {"fail": "213,94,0", "warn": "230,159,0", "good": "0,158,115"}
"""Behind the words, so thin that they are read on a light ground as on a dark one."""
ICONS = {"fail": "\u2716 ", "warn": "\u26a0 ", "good": "\u2714 ", "": ""}


def draw(report: Report) -> None:
    """Each table of the loss type, then the series."""
    if not report.tables:
        st.caption(f"The loss type {inert(report.loss_type)} has no status table, or its series are not logged.")
    for table in report.tables:
        st.markdown(f"**{inert(table.title)}**")
        draw_table(table)
    st.markdown("**Series**")
    st.dataframe(
        pd.DataFrame([_series(one) for one in words.series_order(report)]),
        hide_index=True,
        column_config={"curve": st.column_config.LineChartColumn(width="medium")},
        placeholder="",
        alt="All series with first, last and least value",
    )


def draw_table(table: Table) -> None:
    """One status table, without its title."""
    st.dataframe(
        styled(table),
        hide_index=True,
        column_order=_order(table),
        column_config=_widths(table),
        alt=terminal(table.title),
    )


def _order(table: Table) -> list[str]:
    """The place and the status first: they are in view where a window is too narrow for all columns."""
    names = _unique(table.columns)
    status = [name for name, column in zip(names, table.columns, strict=True) if column == STATUS]
    return list(dict.fromkeys([*names[:1], *status, *names]))


def _widths(table: Table) -> dict[str, ColumnConfig]:
    """Room for the longest status: what is drawn is longer than the value, by which a column is sized."""
    if STATUS not in table.columns:
        return {}
    at = table.columns.index(STATUS)
    longest = max((len(str(row[at])) for row in table.rows), default=0)
    return {STATUS: st.column_config.Column(width=min(40 + 7 * longest, 330))}


def styled(table: Table) -> Styler:
    """The table as it is shown: numbers as in the other reports, the column of the status tinted."""
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    # As objects: a column of numbers could not tell what is absent from what is not a number.
    frame = pd.DataFrame(rows, columns=_unique(table.columns), dtype=object)
    style = frame.style.format(words.cell)
    status = [name for name, column in zip(frame.columns, table.columns, strict=True) if column == STATUS]
    return style.format(lambda word: ICONS[meaning(word)] + word, subset=status).map(_tint, subset=status)


def _cell(cell: Cell) -> object:
    return terminal(cell) if isinstance(cell, str) else cell


def _unique(columns: tuple[str, ...]) -> list[str]:
    """Names as shown; a second column of one name gets a number, as a frame tells columns apart by name."""
    shown = [terminal(column) for column in columns]
    return [name if shown.index(name) == i else f"{name} ({i + 1})" for i, name in enumerate(shown)]


def _tint(word: str) -> str:
    tint = TINTS.get(meaning(word))
    return f"background-color: rgba({tint},0.22)" if tint else ""


def _series(one: SeriesSummary) -> dict[str, object]:
    return {
        "metric": terminal(one.metric),
        "split": one.split,
        "curve": [v for v in one.spark if v - v == 0],
        "first": words.number(one.first),
        "last": words.number(one.last),
        "least": words.number(one.minimum),
        "points": one.points,
        "from": words.step(one.first_step),
        "to": words.step(one.last_step),
        "logged as": terminal(one.logged_as),
    }
