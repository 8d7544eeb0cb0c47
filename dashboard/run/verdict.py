"""The first lines of a run: whether it is healthy, since when not, why, and what to do."""

from __future__ import annotations

import streamlit as st

from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.report import Report

VERDICTS = {
    "fail": ":red[\u2716 **FAIL**]",
    "warn": ":orange[\u26a0 **WARN**]",
    "pass": ":green[\u2714 **PASS**]",
    "unknown": ":gray[? **UNKNOWN**]",
}
"""Icon, word and colour: no one of them alone."""


def draw(report: Report) -> None:
    """Verdict, headline, next action, and what was looked at."""
    st.markdown(f"### {VERDICTS[report.verdict]} &nbsp; {inert(report.run)}")
    st.markdown(f"**{inert(words.headline(report))}**")
    worst = next((f for f in words.ranked(report.findings) if f.remedy), None)
    if worst and worst.severity != "info":
        st.markdown(f":material/arrow_forward: **Next:** {inert(worst.remedy)}")
    st.caption(looked_at(report))


def looked_at(report: Report) -> str:
    """What the verdict rests on, and what is missing from it: silence is never health."""
    unread = sum(source.unread_lines for source in report.sources)
    missed = sum(rule.applicable for rule in report.not_run)
    parts = [
        f"read as {inert(report.loss_type)}",
        words.count(len(report.series), "series", "series"),
        words.count(report.points, "point"),
        f"{words.count(len(report.passed), 'rule')} passed",
        f"{words.count(missed, 'rule')} could not judge",
    ]
    parts += [words.count(len(report.corrections), "correction")] if report.corrections else []
    parts += [f":orange[{words.count(unread, 'line')} not understood]"] if unread else []
    return " \u00b7 ".join(parts)
