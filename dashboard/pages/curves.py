"""Curves of any metrics of several runs; all that is chosen stands in the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from trainvitals.dashboard import drawing, runs
from trainvitals.dashboard.choosers import MOST_DRAWN, several_runs
from trainvitals.dashboard.drawing import Shown
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.look import AUTO, LOG, Look, choose_look, zoom
from trainvitals.dashboard.run import take_away
from trainvitals.diagnostics.charts import axes, panels, spec
from trainvitals.diagnostics.charts.axes import Axis
from trainvitals.diagnostics.charts.columns import rows
from trainvitals.diagnostics.charts.palette import Style
from trainvitals.diagnostics.charts.panels import Frame, Ink, Panel
from trainvitals.diagnostics.charts.traces import Trace
from trainvitals.diagnostics.companions import companions
from trainvitals.diagnostics.render.sanitise import terminal

METRICS = "metrics"
AT_FIRST = 4
"""Runs that are shown before any is chosen: the worst that has a curve, and others like it."""
HONEST = (
    "Verdicts and findings never use smoothed values. Thinned curves keep the lowest and the highest value of every "
    "pixel column. Drag across a chart to zoom."
)


def show() -> None:
    """Choose runs; everything below is drawn anew without them being read again."""
    names = list(runs.catalogue())
    chosen = several_runs(_sickest(names), MOST_DRAWN, "Choose up to ten runs")
    shown = drawing.load(chosen)
    if not shown:
        st.info("Choose one or more runs above to see their curves.", icon=":material/show_chart:")
        return
    _curves(shown, tuple(names))


def _sickest(names: Sequence[str]) -> list[str]:
    drawn = [row for row in runs.rows() if row.spark]
    return [row.name for row in drawn[:1]] + companions(drawn[0], drawn)[: AT_FIRST - 1] if drawn else list(names[:1])


@st.fragment
def _curves(shown: dict[str, Shown], names: tuple[str, ...]) -> None:
    metrics = list(dict.fromkeys(s.metric for one in shown.values() for s in one.case.run.series if len(s)))
    if not metrics:
        st.info("These runs have no metric: see on their own pages what could not be read.")
        return
    first = _first(metrics, next(iter(shown.values())))
    chosen = st.multiselect(
        "Metrics",
        metrics,
        default=first,
        key=METRICS,
        bind="query-params",
        format_func=terminal,
        max_selections=panels.MOST_PANELS,
        placeholder="Choose up to six metrics",
    )
    look = choose_look([one.case for one in shown.values()])
    if not chosen:
        st.info("Choose a metric above.", icon=":material/show_chart:")
        return
    styles = drawing.run_styles(names, shown)
    traces = {metric: _traces(metric, shown, look.axis) for metric in chosen}
    if not any(traces.values()):
        st.info(f"None of these metrics has a place on the axis {axes.NAMES[look.axis]}. Choose another axis.")
        return
    units = [one.case.step_unit for one in shown.values()]
    frame = panels.frame([t for found in traces.values() for _, t in found], look.axis, look.window, units)
    columns = panels.columns(sum(map(len, traces.values())) * (2 if look.weight else 1))
    drawn = [_panel(metric, found, shown, look, columns, styles) for metric, found in traces.items() if found]
    _draw(drawn, frame, look)
    _table(drawn, frame)


def _first(metrics: Sequence[str], one: Shown) -> list[str]:
    wanted = (one.case.loss_type.main, "loss", *one.case.loss_type.watched, "grad_norm", "learning_rate")
    return list(dict.fromkeys(m for m in wanted if m in metrics))[:3] or list(metrics[:1])


def _traces(metric: str, shown: dict[str, Shown], axis: Axis) -> list[tuple[str, Trace]]:
    found = [
        (name, drawing.traced(one.case, series, axis))
        for name, one in shown.items()
        for series in one.case.run.series
        if series.metric == metric and len(series)
    ]
    return [(name, one) for name, one in found if one.x.size]


def _is_log(look: Look, traces: Sequence[Trace], columns: int) -> bool:
    if look.scale != AUTO:
        return look.scale == LOG and panels.is_log(traces, look.window)
    plain = [drawing.as_drawn(one, look.window, columns, log=False) for one in traces]
    if not panels.is_wide(plain) or not look.trim:
        return panels.is_wide(plain)
    return panels.is_wide([drawing.as_drawn(one, look.window, columns, log=True) for one in traces], trim=True)


def _panel(
    metric: str,
    traces: Sequence[tuple[str, Trace]],
    shown: dict[str, Shown],
    look: Look,
    columns: int,
    styles: Mapping[str, Style],
) -> Panel:
    log = _is_log(look, [one for _, one in traces], columns)
    inks = [
        Ink(
            terminal(name),
            styles[name],
            one,
            drawing.as_drawn(one, look.window, columns, log=log),
            drawing.as_smoothed(one, look.window, columns, look.weight, look.kind) if look.weight else None,
        )
        for name, one in traces
    ]
    named = dict.fromkeys(name for name, _ in traces) if look.findings else {}
    marks = [
        mark
        for name in named
        for mark in panels.marks(shown[name].case, shown[name].one.report.findings, metric, look.axis)
    ]
    return panels.panel(metric, inks, look.window, log=log, trim=look.trim, marks=marks)


def _draw(drawn: Sequence[Panel], frame: Frame, look: Look) -> None:
    chart = spec.chart(drawn, frame, panels.summary(drawn, frame), brush=True)
    # A chart of another window is another chart: it must not keep the brush of this one.
    key = f"curves-{look.axis}-{look.window.start}-{look.window.end}"
    drawing.draw(chart, key, on_select=partial(zoom, key, frame.factor), selection_mode=list(chart.brushes))
    take_away.picture(chart, "curves")
    for one in drawn:
        said = list(one.notes)
        if look.scale == LOG and not one.log:
            said.append("no value is positive, so the axis is linear")
        if said:
            st.caption(f"**{inert(one.metric)}**: {'; '.join(said)}.")
    st.caption(HONEST)


def _table(drawn: Sequence[Panel], frame: Frame) -> None:
    box = st.expander("Data behind these charts", key="table", on_change="rerun")
    if box.open:
        with box:
            st.dataframe(
                drawing.table(rows(drawn, frame)), hide_index=True, alt="The points that are drawn, as a table"
            )
