"""The curves of one run, one metric a chart: lines with the windows of findings shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from trainvitals.diagnostics.charts.palette import COLOURS, SEVERITY_COLOURS
from trainvitals.diagnostics.charts.ticks import decades
from trainvitals.diagnostics.downsample import thin
from trainvitals.diagnostics.report import Finding
from trainvitals.parsers.model import Floats, Series

if TYPE_CHECKING:
    import altair
    import pandas

LABEL = "label"
POSITION = "x"
VALUE = "y"


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One line of a chart; a dashed one is drawn for values as logged, beside the normalised ones."""

    label: str
    series: Series
    dashed: bool = False


def positions(series: Series, axis: str) -> Floats:
    """The x values of a series: `step`, `epoch` or `time` (hours since its first point)."""
    if axis == "time":
        return np.asarray((series.time - np.nanmin(series.time)) / 3600.0)
    return np.asarray(getattr(series, axis))


def frames(curves: Sequence[Curve], axis: str, columns: int = 1000) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """What is drawn: thinned finite points, and the positions of values that are not finite, both with labels."""
    import pandas as pd

    drawn, broken = [], []
    for curve in curves:
        x = positions(curve.series, axis)
        placed = np.isfinite(x)
        x, y = x[placed], curve.series.value[placed]
        thinned = thin(x, y, columns)
        style = "as logged" if curve.dashed else "normalised"
        drawn.append(
            pd.DataFrame({POSITION: x[thinned.keep], VALUE: y[thinned.keep], LABEL: curve.label, "style": style})
        )
        broken.append(pd.DataFrame({POSITION: thinned.broken, LABEL: curve.label}))
    return pd.concat(drawn, ignore_index=True), pd.concat(broken, ignore_index=True)


def curves_chart(
    curves: Sequence[Curve],
    *,
    axis: str = "step",
    unit: str = "step",
    log: bool = False,
    findings: Sequence[Finding] = (),
    height: int = 280,
) -> altair.LayerChart:
    """Lines over step, epoch or time; windows of findings shaded, values that are not finite as marks on the axis."""
    import altair as alt

    points, broken = frames(curves, axis)
    labels = [c.label for c in curves]
    colour = alt.Color(
        field=LABEL,
        type="nominal",
        scale=alt.Scale(domain=labels, range=[COLOURS[i % len(COLOURS)] for i in range(len(labels))]),
        legend=alt.Legend(title=None, orient="top", labelLimit=400, symbolType="stroke", symbolStrokeWidth=2),
    )
    title = {"step": unit, "epoch": "epoch", "time": "hours"}[axis]
    x = alt.X(field=POSITION, type="quantitative", title=title, scale=alt.Scale(zero=False, nice=False))
    log = log and bool((points[VALUE] > 0).all())
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    ticks = decades(float(points[VALUE].min()), float(points[VALUE].max())) if log else {}
    axis_y = alt.Axis(format=".4~g", tickCount=6, **ticks)
    y = alt.Y(field=VALUE, type="quantitative", title=None, scale=scale, axis=axis_y)
    lines = (
        alt.Chart(points)
        .mark_line(strokeWidth=1.4, clip=True, point=len(points) <= 60)
        .encode(
            x=x,
            y=y,
            color=colour,
            strokeDash=alt.StrokeDash(
                field="style",
                type="nominal",
                scale=alt.Scale(domain=["normalised", "as logged"], range=[[1, 0], [5, 4]]),
                legend=None,  # the label says it
            ),
            tooltip=[
                alt.Tooltip(field=LABEL, type="nominal", title="series"),
                alt.Tooltip(field=POSITION, type="quantitative", title=title, format=",.6~g"),
                alt.Tooltip(field=VALUE, type="quantitative", title="value", format=".6~g"),
            ],
        )
    )
    layers: list[alt.Chart] = [lines]
    if axis == "step":
        layers = [*_windows(findings), *layers]
    if len(broken):
        layers.append(_broken(broken, x, colour))
    return alt.LayerChart(layer=layers).properties(height=height, width="container")


def _windows(findings: Sequence[Finding]) -> list[altair.Chart]:
    import altair as alt
    import pandas as pd

    rows = [
        {"from": f.step_start, "to": f.step_end, "severity": f.severity, "code": f.code, "message": f.message}
        for f in findings
        if f.step_start == f.step_start and f.step_end == f.step_end
    ]
    if not rows:
        return []
    tooltip = [alt.Tooltip(field="code", type="nominal"), alt.Tooltip(field="message", type="nominal")]
    start = alt.X(field="from", type="quantitative")
    layers: list[altair.Chart] = []
    for severity, colour in SEVERITY_COLOURS.items():
        own = [row for row in rows if row["severity"] == severity]
        if own:
            chart = alt.Chart(pd.DataFrame(own))
            band = chart.mark_rect(opacity=0.13, color=colour).encode(x=start, x2=alt.X2(field="to"), tooltip=tooltip)
            edge = chart.mark_rule(strokeDash=[3, 3], color=colour).encode(x=start, tooltip=tooltip)
            layers += [band, edge]
    return layers


def _broken(broken: pandas.DataFrame, x: altair.X, colour: altair.Color) -> altair.Chart:
    import altair as alt

    marks: altair.Chart = (
        alt.Chart(broken)
        .mark_tick(thickness=2, size=14, yOffset=-7)
        .encode(
            x=x,
            y=alt.value("height"),
            color=colour,
            tooltip=[
                alt.Tooltip(field=LABEL, type="nominal", title="not finite"),
                alt.Tooltip(field=POSITION, type="quantitative", title="step"),
            ],
        )
    )
    return marks
