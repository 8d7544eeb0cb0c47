"""A landscape on the page: pictures with words beside them, tables, and files to take away."""

from __future__ import annotations

from itertools import groupby
from typing import Literal

import streamlit as st

from trainvitals.dashboard import drawing
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.run.tables import styled
from trainvitals.dashboard.run.take_away import button, file_stem
from trainvitals.diagnostics.charts.landscape import panel_chart
from trainvitals.diagnostics.landscape.picture import Landscape, Plot, Surface
from trainvitals.diagnostics.render.landscape import html, json, png, svg
from trainvitals.diagnostics.render.sanitise import terminal


def words(landscape: Landscape) -> None:
    """What the pictures show, in sentences with numbers."""
    st.markdown("\n".join(f"- {inert(sentence)}" for sentence in landscape.sentences))


def _panel(panel: Plot | Surface, told: str, key: str, width: Literal["content", "stretch"]) -> None:
    chart = panel_chart(panel, told)
    st.markdown(f"**{inert(panel.title)}**")
    data = {name: drawing.table(columns) for name, columns in chart.data.items()}
    st.vega_lite_chart({**chart.spec, "datasets": data}, key=key, alt=chart.alt, width=width)


def draw(landscape: Landscape, key: str) -> None:
    """The pictures, the tables, and buttons for all of it as a file."""
    numbered = list(enumerate(landscape.panels))
    told = landscape.sentences[0] if landscape.sentences else ""
    for square, group in groupby(numbered, lambda one: isinstance(one[1], Surface) and one[1].square):
        # A square stays one, whatever the width of the window, and may have another beside it.
        with st.container(horizontal=square, gap="large"):
            for number, panel in group:
                with st.container(width="content" if square else "stretch"):
                    _panel(panel, told, f"{key}-{number}", "content" if square else "stretch")
    for table in landscape.tables:
        st.markdown(f"**{inert(table.title)}**")
        st.dataframe(styled(table), hide_index=True, alt=terminal(table.title))
    stem = file_stem(f"landscape-{landscape.name}")
    with st.container(horizontal=True):
        button("SVG", f"{stem}.svg", lambda: svg.render(landscape), key)
        button("PNG", f"{stem}.png", lambda: png.render(landscape), key)
        button("HTML", f"{stem}.html", lambda: html.render(landscape), key)
        button("JSON", f"{stem}.json", lambda: json.render(landscape), key)
