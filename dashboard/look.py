"""How curves are to be seen: over what, which part, how smooth; all of it stands in the URL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.charts import axes
from trainvitals.diagnostics.charts.axes import Axis
from trainvitals.diagnostics.charts.traces import Window
from trainvitals.diagnostics.smoothing import Kind

AXIS, FROM, TO = "x", "from", "to"
AUTO, LINEAR, LOG = SCALES = ("auto", "linear", "log")
KINDS: dict[Kind, str] = {"time": "time-weighted", "points": "TensorBoard"}
HELP = (
    "**time-weighted**: the default of Weights & Biases. Distances in x count, so irregular logging changes nothing. "
    "**TensorBoard**: an exponential mean over points, debiased. Both run over every point, before the curve is "
    "thinned; the values as logged stay behind them."
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


def choose_look(cases: Sequence[Case]) -> Look:
    """Widgets for it; what these runs lack is not offered, and the reason is told."""
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
            on_change=zoom_out,
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
        st.button("Show all", icon=":material/zoom_out_map:", on_click=zoom_out)
    low = -np.inf if start is None or not np.isfinite(start) else float(start)
    high = np.inf if end is None or not np.isfinite(end) else float(end)
    if low >= high:
        st.warning("'from' must be smaller than 'to': all is shown.")
        low, high = -np.inf, np.inf
    return Window(low, high, log)


def zoom_out() -> None:
    """Show all of the axis again."""
    st.session_state[FROM] = st.session_state[TO] = None


def zoom(key: str, factor: float) -> None:
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
