"""What normalising changed, with the curve as logged and the curve as judged in one picture."""

from __future__ import annotations

import streamlit as st

from trainvitals.dashboard import drawing
from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics import pictures
from trainvitals.diagnostics.charts.single import metric_chart
from trainvitals.diagnostics.normalisation import Normalised
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.report import Correction


def draw(one: Examined) -> None:
    """Each correction with its evidence, and both curves of each metric that one has changed."""
    corrections = one.report.corrections
    if not corrections:
        st.caption("Nothing was changed: the curves are judged as they were logged.")
    for metric in dict.fromkeys(c.metric for c in corrections):
        mine = [c for c in corrections if c.metric == metric]
        with st.container(border=True):
            st.markdown(f"**{inert(metric)}**" if metric else "**all series**")
            st.markdown("\n".join(map(_told, mine)))
            if any(c.applied for c in mine):
                _both(metric, one.normalised)


def _told(correction: Correction) -> str:
    moved = ":orange[\u26a0 values changed]" if correction.factor != 1 else ":blue[\u2139 points changed]"
    mark = moved if correction.applied else ":gray[\u2013 not changed]"
    kind, did = inert(correction.kind.replace("_", " ")), inert(words.correction(correction))
    return f"- {mark} **{kind}**: {did} ({correction.confidence} confidence). {inert(correction.evidence)}"


def _both(metric: str, normalised: Normalised) -> None:
    judged, logged = pictures.before_and_after(metric, normalised)
    if judged and logged:
        drawing.draw(metric_chart(metric, judged, logged, normalised.step_unit), f"corrected-{metric}")
