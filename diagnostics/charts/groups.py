"""Runs side by side: a line for each run, the mean and the range for seeds of one method, and their differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.charts import panels, spec
from trainvitals.diagnostics.charts.palette import Style
from trainvitals.diagnostics.charts.panels import Frame, Ink, Painted, Panel, Span
from trainvitals.diagnostics.charts.spec import Chart, Spec, layer, nominal, quantitative
from trainvitals.diagnostics.charts.traces import Trace, Window, drawn
from trainvitals.diagnostics.compare.axis import Axis, Points, points
from trainvitals.diagnostics.compare.metrics import better, label
from trainvitals.diagnostics.compare.model import Comparison, Group, Pair, Row
from trainvitals.diagnostics.compare.verdict import SAME, signed
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.parsers.model import Floats, Split

GRID = 240
"""Positions at which the mean of several runs is taken."""

OPINIONS = {"better": "#009E73", "worse": "#D55E00", "different": "#0072B2", "not told apart": "#888888"}
"""What a difference means, where the name of its metric says which direction is better."""


ROW = 26
"""Pixels for the difference of one metric."""
WIDE, BEND, MARKS = 8.0, 0.1, (0.1, 1.0, 10.0, 100.0, 1000.0)
"""Differences this many times their median bend the scale, beyond `BEND`, where these are marked."""


def group_curves(
    found: Comparison, cases: Mapping[str, Case], styles: Mapping[str, Style], keys: Sequence[tuple[str, Split]]
) -> Chart:
    """The metrics over what the runs are matched by; the part that was compared is shaded.

    Args:
        found: the comparison.
        cases: its runs by name.
        styles: colours by name of run; a group has those of its first run.
        keys: metrics and splits, a panel each.
    """
    axis: Axis = found.axis  # type: ignore[assignment]
    drawn_panels = [one for key in keys if (one := _panel(found, cases, styles, axis, *key)) is not None]
    traces = [ink.trace for one in drawn_panels for ink in one.inks]
    shown = panels.frame(traces, "step", Window(), [axis])
    if axis == "seconds":
        shown = Frame("seconds", shown.low, shown.high)
    return spec.chart(drawn_panels, shown, panels.summary(drawn_panels, shown))


def differences(pair: Pair) -> Chart | None:
    """The relative differences of a pair with their intervals; None where no metric has one."""
    rows = [row for row in pair.rows if np.isfinite([row.relative, row.low, row.high]).all()]
    if not rows:
        return None
    labels = [terminal(label(row.metric, row.split), 60) for row in rows]
    data = {
        "d": {
            "y": np.array(labels, object),
            "x": np.array([row.relative for row in rows]),
            "x1": np.array([row.low for row in rows]),
            "x2": np.array([row.high for row in rows]),
            "says": np.array([_opinion(row) for row in rows], object),
            "text": np.array([signed(row) for row in rows], object),
        },
        "s": {"a": np.array([-SAME]), "b": np.array([SAME])},
    }
    return Chart(_forest(labels, rows), data, _told(pair, rows))


def mean_and_range(curves: Sequence[Points], count: int = GRID) -> tuple[Floats, Floats, Floats, Floats]:
    """(positions, mean, lowest, highest) of several curves over their common range; each shape `(count,)` or empty.

    Each curve is averaged between neighbouring positions first, so that a dense one does not look wilder.
    """
    start, end = max(c.x[0] for c in curves), min(c.x[-1] for c in curves)
    if not start < end:
        return (np.empty(0),) * 4
    count = int(np.clip(min(np.count_nonzero((c.x >= start) & (c.x <= end)) for c in curves), 2, count))
    at = np.linspace(start, end, count)
    level = np.stack([_averaged(curve, at) for curve in curves])
    return at, level.mean(axis=0), level.min(axis=0), level.max(axis=0)


def _averaged(curve: Points, at: Floats) -> Floats:
    edges = np.concatenate([[at[0]], (at[1:] + at[:-1]) / 2, [at[-1]]])
    first = np.searchsorted(curve.x, edges[:-1], side="left")
    last = np.append(first[1:], np.searchsorted(curve.x, edges[-1], side="right"))
    held = last > first
    sums = np.concatenate([[0.0], np.cumsum(curve.value)])
    means = (sums[last] - sums[first])[held] / (last - first)[held]
    return np.asarray(np.interp(at, at[held], means))


def _panel(
    found: Comparison, cases: Mapping[str, Case], styles: Mapping[str, Style], axis: Axis, metric: str, split: Split
) -> Panel | None:
    inks, spans = [], []
    for group in found.groups:
        curves = [
            p
            for name in group.runs
            if (s := cases[name].get(metric, split)) is not None and len(p := points(cases[name], s, axis))
        ]
        if not curves:
            continue
        named = group_label(group)
        x, y = curves[0].x, curves[0].value
        if len(curves) > 1:
            x, y, low, high = mean_and_range(curves)
            spans.append(Span(named, x, low, high))
        if x.size:
            one = Trace(group.name, metric, split, x, y, 0)
            inks.append(Ink(named, styles[group.runs[0]], one, drawn(one, Window(), panels.columns(8), log=False)))
    if not inks:
        return None
    plain = panels.panel(label(metric, split), inks, Window(), log=False, trim=False)
    return replace(plain, painted=tuple(_compared(found, metric, split, plain)), spans=tuple(spans))


def _compared(found: Comparison, metric: str, split: str, plain: Panel) -> list[Painted]:
    row = next((r for pair in found.pairs for r in pair.rows if (r.metric, r.split) == (metric, split)), None)
    if row is None:
        return []
    return [
        Painted(row.start, row.end, plain.low, plain.high, "none", f"compared: last {row.share:.0%}".replace("%", " %"))
    ]


def group_label(group: Group) -> str:
    """A group in a legend, with the number of its runs."""
    name = terminal(group.name)
    return name if len(group.runs) == 1 else f"{name} (n = {len(group.runs)})"


def _opinion(row: Row) -> str:
    if row.word not in ("lower", "higher"):
        return "not told apart"
    wanted = better(row.metric)
    if not wanted:
        return "different"
    return "better" if (wanted > 0) == (row.word == "higher") else "worse"


def _scale(rows: Sequence[Row]) -> tuple[Spec, Spec]:
    """Scale and axis of the differences: bent where a few large ones would make the others invisible."""
    ends = np.abs([end for row in rows for end in (row.low, row.high)])
    axis: Spec = {"format": "+.1~%", "labelOverlap": True, "tickCount": 7}
    if ends.max() < WIDE * np.median(ends):
        return {"zero": True, "nice": True}, axis
    low, high = (1.2 * end(0.0, *(v for row in rows for v in (row.low, row.high))) for end in (min, max))
    marks = [m for m in (*(-m for m in reversed(MARKS)), 0.0, *MARKS) if low <= m <= high]
    bent = {"type": "symlog", "constant": BEND, "domainMin": low, "domainMax": high, "nice": False}
    return bent, {**axis, "values": marks}


def _forest(labels: Sequence[str], rows: Sequence[Row]) -> Spec:
    y = nominal("y", sort=None, title=None, scale={"domain": list(labels)}, axis={"labelLimit": 180})
    scale, axis = _scale(rows)
    x = quantitative("x", title="difference", axis=axis, scale=scale)
    colour = nominal(
        "says",
        scale={"domain": list(OPINIONS), "range": list(OPINIONS.values())},
        legend={"title": None, "orient": "top", "columns": 2},
    )
    tip = [nominal("y", title="metric"), nominal("text", title="difference"), nominal("says", title="is")]
    same = {"x": {**x, "field": "a"}, "x2": {"field": "b"}}
    interval = {"y": y, "x": {**x, "field": "x1"}, "x2": {"field": "x2"}, "color": colour, "tooltip": tip}
    return {
        "layer": [
            layer("s", {"type": "rect", "opacity": 0.15, "color": "gray"}, same),
            layer("d", {"type": "rule", "strokeWidth": 3}, interval),
            layer(
                "d",
                {"type": "point", "filled": True, "size": 90, "opacity": 1},
                {"y": y, "x": x, "color": colour, "tooltip": tip},
            ),
        ],
        "height": ROW * len(labels),
        "autosize": {"type": "fit-x", "contains": "padding"},
    }


def _told(pair: Pair, rows: Sequence[Row]) -> str:
    each = "; ".join(f"{label(row.metric, row.split)} {signed(row)}" for row in rows)
    return terminal(f"Differences of {pair.other} to {pair.first}: {each}", 2000)
