"""What was read and from where: files, lines that were not understood, layouts that were learnt, hyperparameters."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.run import log
from trainvitals.dashboard.style import EVIDENCE
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import SENTENCE_CELLS, setting_value, terminal
from trainvitals.diagnostics.report import Report, Setting, SourceSummary

MOST_EXAMPLES = 5


def draw(report: Report) -> None:
    """Files, what of them was not understood, and the settings that they hold."""
    names = {path: name for name, path in log.files(report).items()}
    st.markdown("**Files**")
    rows = [_source(source, names[source.path]) for source in report.sources]
    st.dataframe(pd.DataFrame(rows), hide_index=True, alt="Files of the run and what was read from each")
    for number, source in enumerate(report.sources):
        _troubles(source, names[source.path], report, number)
    st.markdown("**Hyperparameters**")
    if not report.settings:
        st.caption("None were found: no config file beside the log, and none printed in it.")
        return
    st.dataframe(
        pd.DataFrame([_setting(one, names[one.path]) for one in report.settings]),
        hide_index=True,
        alt="Hyperparameters, their values and where each was read",
    )


def _source(source: SourceSummary, name: str) -> dict[str, object]:
    return {
        "file": terminal(name),
        "read as": terminal(source.format) if not source.error else "cannot be read",
        "lines": source.lines,
        "points": source.points,
        "not understood": source.unread_lines,
        "problem": terminal(source.error or "; ".join(source.problems), SENTENCE_CELLS),
    }


def _troubles(source: SourceSummary, name: str, report: Report, number: int) -> None:
    if source.error:
        st.error(f"{inert(name)}: {inert(source.error)}")
    if source.unread_lines:
        st.warning(
            f"{inert(name)}: {words.count(source.unread_lines, 'line')} look like metrics and were not understood. "
            "Some of them:"
        )
        with st.container(gap=None):
            for index, example in enumerate(source.unread_examples[:MOST_EXAMPLES]):
                log.link(example, report, f"{EVIDENCE}-unread-{number}-{index}")
        st.caption("`trainvitals formats --test FILE` tries a file; a pattern in trainvitals.toml reads such lines.")
    if source.learnt:
        st.markdown(f"{inert(name)}: layouts that no format knows, learnt from the lines themselves")
        st.code("\n".join(map(terminal, source.learnt)), language=None)


def _setting(one: Setting, name: str) -> dict[str, object]:
    place = f"{name}:{one.line}" if one.line else name
    value = terminal(setting_value(one.name, one.value))
    return {"name": terminal(one.name), "value": value, "read from": terminal(place)}
