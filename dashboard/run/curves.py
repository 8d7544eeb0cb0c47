"""A picture of one metric as a chart on the page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.charts import Curve, curves_chart
from trainvitals.diagnostics.pictures import Picture
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.report import Finding
from trainvitals.parsers.model import Series

HEIGHT = 290


def draw(picture: Picture, unit: str, key: str, findings: Sequence[Finding] = ()) -> None:
    """The curves with the windows of findings shaded, and the values as logged where they were changed."""
    curves = named(picture.series)
    if picture.raw is not None:
        curves += named([picture.raw], logged=True)
    show(picture.metric, curves, unit, key, log=picture.wide, findings=findings)


def show(
    metric: str, curves: Sequence[Curve], unit: str, key: str, *, log: bool = False, findings: Sequence[Finding] = ()
) -> None:
    """The chart of one metric under its name."""
    shaded = f"; shaded where {', '.join(f.code for f in findings)} was found" if findings else ""
    st.caption(inert(metric))
    st.altair_chart(
        curves_chart(curves, unit=unit, log=log, findings=findings, height=HEIGHT),
        key=f"picture-{key}",
        alt=terminal(f"Curve of {metric} over {unit}s{shaded}"),
    )


def named(series: Sequence[Series], *, logged: bool = False) -> list[Curve]:
    """The series with a label each, of which no two are the same: lines of one label would be drawn as one."""
    end = " (as logged)" if logged else ""
    labels = [f"{one.split} {one.logged_as}".strip() for one in series]
    numbers = [labels[:i].count(label) + 1 for i, label in enumerate(labels)]
    return [
        Curve(terminal(label + (f" {number}" if number > 1 else "") + end), one, dashed=logged)
        for label, number, one in zip(labels, numbers, series, strict=True)
    ]
