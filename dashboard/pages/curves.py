"""Curves of any metrics of several runs; all that is chosen stands in the URL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from trainvitals.dashboard import drawing, runs
from trainvitals.dashboard.choosers import MOST_DRAWN, several_runs
from trainvitals.dashboard.drawing import Shown
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.run import take_away
from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.charts import axes, panels, spec
from trainvitals.diagnostics.charts.axes import Axis
from trainvitals.diagnostics.charts.columns import rows
from trainvitals.diagnostics.charts.palette import Style
from trainvitals.diagnostics.charts.panels import Frame, Ink, Panel
from trainvitals.diagnostics.charts.traces import Trace, Window
from trainvitals.diagnostics.companions import companions
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.smoothing import Kind

METRICS, AXIS, FROM, TO = "metrics", "x", "from", "to"
AT_FIRST = 4
"""Runs that are shown before any is chosen: the worst that has a curve, and others like it."""
AUTO, LINEAR, LOG = SCALES = ("auto", "linear", "log")
KINDS: dict[Kind, str] = {"time": "time-weighted", "points": "TensorBoard"}
HELP = (
    "**time-weighted**: the default of Weights & Biases. Distances in x count, so irregular logging changes nothing. "
    "**TensorBoard**: an exponential mean over points, debiased. Both run over every point, before the curve is "
    "thinned; the values as logged stay behind them."
)
HONEST = (
    "Verdicts and findings never use smoothed values. Thinned curves keep the lowest and the highest value of every "
    "pixel column. Drag across a chart to zoom."
)


@dataclass(frozen=True, slots=True)
class Look:
    """How the reader wants to see curves."""

    axis: Axis
    window: Window
    scale: str
    weight: float
    kind: Kind
    trim: bool
    findings: bool


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
    look = _look([one.case for one in shown.values()])
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


def _look(cases: Sequence[Case]) -> Look:
    lacking = {axis: axes.lacking(cases, axis) for axis in axes.AXES}
    possible = [axis for axis in axes.AXES if not lacking[axis]] or ["step"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        axis = st.segmented_control(
            "x axis",
            possible,
            default=possible[0],
            required=True,
            key=AXIS,
            bind="query-params",
            format_func=lambda a: axes.NAMES[a],
            on_change=_zoom_out,
        )
        log_x = st.toggle("log x", key="logx", bind="query-params", disabled=axis == "clock")
        scale = st.segmented_control(
            "y axis",
            SCALES,
            default=AUTO,
            required=True,
            key="y",
            bind="query-params",
            help="**auto**: logarithmic where all values are positive, the largest 30 times the smallest or more.",
        )
        trim = st.toggle(
            "ignore outliers",
            key="trim",
            bind="query-params",
            help="The range of y shows 5 % to 95 % of the values; what is outside is counted and marked.",
        )
        findings = st.toggle("findings", value=True, key="findings", bind="query-params")
    if reasons := [f"{axes.NAMES[a]}: {inert(why)}" for a, why in lacking.items() if why]:
        st.caption("No other x axis: " + "; ".join(reasons))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind, weight = _smoothing()
        window = _window(axis, log=log_x and axis != "clock")
    return Look(axis, window, scale, weight, kind, trim, findings)


def _smoothing() -> tuple[Kind, float]:
    kind = st.segmented_control(
        "smoothing",
        list(KINDS),
        default="time",
        required=True,
        key="kind",
        bind="query-params",
        format_func=lambda k: KINDS[k],
        help=HELP,
    )
    weight = st.slider("strength", 0.0, 0.99, 0.0, 0.01, key="smooth", bind="query-params", width=260)
    return kind, float(weight)


def _window(axis: Axis, *, log: bool) -> Window:
    unit = {"relative": " (seconds)", "clock": " (seconds since 1970)"}.get(axis, "")
    start, end = (
        st.number_input(f"{key}{unit}", value=None, key=key, bind="query-params", placeholder=empty, width=170)
        for key, empty in ((FROM, "start"), (TO, "end"))
    )
    if start is not None or end is not None:
        st.button("Show all", icon=":material/zoom_out_map:", on_click=_zoom_out)
    low = -np.inf if start is None or not np.isfinite(start) else float(start)
    high = np.inf if end is None or not np.isfinite(end) else float(end)
    if low >= high:
        st.warning("'from' must be smaller than 'to': all is shown.")
        low, high = -np.inf, np.inf
    return Window(low, high, log)


def _zoom_out() -> None:
    st.session_state[FROM] = st.session_state[TO] = None


def _zoom(key: str, factor: float) -> None:
    """The part that was brushed becomes the window; the chart is then made anew, from all points in it."""
    for brushed in st.session_state[key].selection.values():
        ends = [float(end) / factor for end in brushed.get("x") or () if end is not None]
        if len(ends) == 2:
            low, high = sorted(ends)
            if high > low:
                st.session_state[FROM], st.session_state[TO] = _short(low, low, high), _short(high, low, high)


def _short(value: float, low: float, high: float) -> float:
    """A number with as many digits as the width of the window asks for: it stands in the URL."""
    return round(value, max(0, 3 - int(np.floor(np.log10(high - low)))))


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
    drawing.draw(chart, key, on_select=partial(_zoom, key, frame.factor), selection_mode=list(chart.brushes))
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
