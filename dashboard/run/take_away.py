"""Files to take away. Each is made when its button is clicked, and not before."""

from __future__ import annotations

import re
from collections.abc import Callable

import streamlit as st

from trainvitals.diagnostics import pictures, scalars
from trainvitals.diagnostics.charts.single import picture_chart
from trainvitals.diagnostics.charts.spec import Chart
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.render import figure, html, json, markdown, words
from trainvitals.diagnostics.render.landscape import html as page
from trainvitals.diagnostics.render.landscape import png, svg
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.report import told

TYPES = {
    "html": "text/html",
    "md": "text/markdown",
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "svg": "image/svg+xml",
    "png": "image/png",
}


def draw(one: Examined) -> None:
    """Buttons for the report, the scalars, and a picture of one metric."""
    report, normalised = one.report, one.normalised
    stem = file_stem(report.run)
    st.markdown("**Report**: one file that needs no network and runs no script")
    with st.container(horizontal=True):
        button("HTML", f"{stem}.html", lambda: html.render([(report, normalised)]))
        button("Markdown", f"{stem}.md", lambda: markdown.render([report]))
        button("JSON", f"{stem}.json", lambda: json.render([report]))
    st.markdown("**Scalars**: all values as they were judged, one row each, with file and line")
    with st.container(horizontal=True):
        button("CSV", f"{stem}.csv", lambda: scalars.csv(scalars.scalars(normalised.run)))
        button("Parquet", f"{stem}.parquet", lambda: scalars.parquet(scalars.scalars(normalised.run)))
    _pictures(one)


def _pictures(one: Examined) -> None:
    metrics = list(dict.fromkeys(s.metric for s in words.series_order(one.report) if s.points > 1))
    if not metrics:
        return
    st.markdown("**Picture**: a curve with what was found in it")
    metric = st.selectbox("Metric", metrics, format_func=terminal, key="taken", label_visibility="collapsed")
    chosen = pictures.picture(metric or metrics[0], one.normalised)
    if chosen is None:
        return

    findings = [f for f in told(one.report.findings) if chosen.metric in f.metrics]
    chart = picture_chart(chosen, one.normalised.step_unit, findings)
    picture(chart, "picture", f"{one.report.run}: {chosen.metric}")


def picture(chart: Chart, key: str, title: str = "") -> None:
    """Buttons for a chart as a picture, and as a page of its own with what there is to say of it."""
    title = terminal(title or figure.title(chart), 300)
    stem = file_stem(title)
    with st.container(horizontal=True):
        button("SVG", f"{stem}.svg", lambda: svg.render(figure.figure(title, chart)), key)
        button("PNG", f"{stem}.png", lambda: png.render(figure.figure(title, chart)), key)
        button("HTML page", f"{stem}.html", lambda: page.render(figure.figure(title, chart)), key)


def button(label: str, file_name: str, made: Callable[[], str | bytes], key: str = "run") -> None:
    """A button whose file is made when it is clicked, on a thread of its own, without drawing the page again."""
    st.download_button(
        label,
        made,
        file_name,
        TYPES[file_name.rpartition(".")[2]],
        key=f"take-{key}-{label}",
        on_click="ignore",
        icon=":material/download:",
    )


def file_stem(name: str) -> str:
    """A name for a file that every system takes: letters, digits, `-`, `_` and `.`, not at its beginning.

    >>> file_stem("../a b/</script>.log")
    'a-b-script-.log'
    """
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")[:80].strip("-.") or "run"
