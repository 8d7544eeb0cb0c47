"""A run as tabs under its verdict: the same for a run below the root folder and for an uploaded log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import streamlit as st

from trainvitals.dashboard.run import cards, corrections, log, read, rules, tables, take_away, verdict
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.render.sanitise import map_text, without_secrets


def draw(examined: Examined, contents: Mapping[str, bytes] | None = None) -> None:
    """The whole report of a run.

    Args:
        examined: the run with its report.
        contents: the bytes of an upload by the paths in the report; then no file is opened.
    """
    one = replace(examined, report=map_text(examined.report, lambda _, text: without_secrets(text)))
    verdict.draw(one.report)
    parts: dict[str, Callable[[], None]] = {
        "Findings": lambda: cards.draw(one, contents),
        "Tables": lambda: tables.draw(one.report),
        "Corrections": lambda: corrections.draw(one),
        log.TITLE: lambda: log.draw(one, contents),
        "Files": lambda: read.draw(one.report),
        "Rules": lambda: rules.draw(one.report),
        "Export": lambda: take_away.draw(one),
    }
    tabs = st.tabs(list(parts), key=log.TAB, bind="query-params")
    for tab, part in zip(tabs, parts.values(), strict=True):
        # Only what is looked at is computed.
        if tab.open:
            with tab:
                part()
