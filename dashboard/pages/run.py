"""One run, chosen by name; the name stands in the URL."""

from __future__ import annotations

import streamlit as st

from trainvitals.dashboard import links, runs
from trainvitals.dashboard.choosers import RUN, RUNS, sickest_or_chosen
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.pages.curves import METRICS
from trainvitals.dashboard.run import log
from trainvitals.dashboard.run.page import draw
from trainvitals.dashboard.table import ICONS
from trainvitals.diagnostics.companions import sound_one
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.report import Report

MOST_METRICS = 3
"""Metrics of the worst finding that are shown at once on the page of curves."""


def show() -> None:
    """Draw the run that the URL names, or the sickest one."""
    chooser, ways_on = st.columns([5, 3], vertical_alignment="center")
    with chooser:
        name = sickest_or_chosen(_forget_place)
    one = runs.named(name)
    if one is None:
        st.warning(f"{inert(name)} is not there any more. Choose another run.", icon=":material/search_off:")
        return
    st.set_page_config(page_title=f"{ICONS[one.report.verdict].split()[0]} {terminal(name)} \u00b7 trainvitals")
    with ways_on, st.container(horizontal=True):
        _ways_on(one.report)
    draw(one)


def _ways_on(report: Report) -> None:
    """Links to the same run on other pages."""
    worst = [metric for finding in words.ranked(report.findings)[:1] for metric in finding.metrics]
    st.page_link(links.page("curves"), label="Curves", query_params={RUNS: [report.run], METRICS: worst[:MOST_METRICS]})
    if other := _sound(report):
        st.page_link(links.page("compare"), label="Compare", query_params={RUNS: [other, report.run]})
    st.page_link(links.page("ratios"), label="Ratios", query_params={RUN: report.run})
    st.page_link(links.page("landscape"), label="Landscape", query_params={RUN: report.run})


def _sound(report: Report) -> str | None:
    rows = runs.rows()
    mine = next((row for row in rows if row.name == report.run), None)
    return sound_one(mine, rows) if mine else None


def _forget_place() -> None:
    """A place in the log of one run is none in that of another."""
    st.session_state.pop(log.FILE, None)
    st.session_state[log.LINE] = 1
