"""What could not be judged and why, and what was looked at and found in order."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.invisible import INVISIBLE
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import SENTENCE_CELLS, terminal
from trainvitals.diagnostics.report import Report
from trainvitals.diagnostics.rules import RULES

NAMES = {rule.code: rule.name for rule in RULES}


def draw(report: Report) -> None:
    """Rules that did not run with their reasons, rules that passed with what they saw, and what no rule can see."""
    groups = words.by_reason(report.not_run)
    st.markdown("**Could not judge**")
    st.markdown("\n".join(f"- {_named(codes)}: {inert(reason)}" for reason, codes in groups) or "Every rule could.")
    others = words.not_meant(report.not_run)
    if others:
        st.caption(f"Not meant for this kind of run: {_named(others)}")
    st.markdown("**Passed**")
    rows = [
        {
            "rule": terminal(rule.code),
            "name": NAMES.get(rule.code, ""),
            "looked at": terminal(rule.summary, SENTENCE_CELLS),
        }
        for rule in report.passed
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="", alt="Rules that found nothing wrong")
    with st.expander("What no rule can see"):
        st.markdown("\n".join(f"- **{inert(what)}**: {inert(why)}" for what, why in INVISIBLE))


def _named(codes: tuple[str, ...]) -> str:
    return ", ".join(inert(f"{code} {NAMES.get(code, '')}".strip()) for code in codes)
