"""Panels as a Vega-Lite specification: plain data, without a name from a log anywhere but in values and titles.

Colours of text, axes and grids are left to the theme, so that a page can be dark or light. Every layer names its data,
which travel beside the specification as columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainvitals.diagnostics.charts.clock import ticks
from trainvitals.diagnostics.charts.columns import MOST_TIPS, Columns, columns
from trainvitals.diagnostics.charts.palette import MEANING_COLOURS, SEVERITY_COLOURS, Style
from trainvitals.diagnostics.charts.panels import Frame, Ink, Panel, grid
from trainvitals.diagnostics.charts.ticks import decades
from trainvitals.diagnostics.render.sanitise import terminal

Spec = dict[str, Any]
AXIS_ROOM = 52
"""Pixels left of every panel, so that panels stand exactly under one another."""
FAINT = 0.28
"""Opacity of the values as they are, behind a smoothed line."""
LEGEND_WIDTH, LEGEND_ROW = 300, 18
"""Pixels that a legend may be wide, also in the narrowest window, and that each of its rows is high."""
LEGEND_LETTERS = 38
"""Letters that a label may have within that width."""

STRIP = 4
"""Height of the strip that shows from where to where a finding reaches."""

HOVER, BRUSH = "hover", "brush"


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """A specification, the data that it names, what it shows in words, and the names of its brushes.

    `panels` and `frame` are what it was made of, for pictures to take away; charts of another kind have none.
    """

    spec: Spec
    data: Mapping[str, Columns]
    alt: str
    brushes: tuple[str, ...] = ()
    panels: tuple[Panel, ...] = ()
    frame: Frame | None = None


def chart(panels: Sequence[Panel], shown: Frame, alt: str, height: int = 220, *, brush: bool = False) -> Chart:
    """The panels under one another: one cursor for all, and a brush on each if wanted."""
    at = grid(panels, shown)
    # All panels name all runs: a scale that they share must be the same in each.
    styles = {ink.label: ink.style for one in panels for ink in one.inks}
    look = _look(styles)
    data: dict[str, Columns] = {}
    specs = []
    for number, one in enumerate(panels):
        own = columns(one, shown, at, height)
        data |= {f"{name}{number}": values for name, values in own.items()}
        is_last = number == len(panels) - 1
        specs.append(_panel(one, shown, number, frozenset(own), look, height, is_last=is_last, brush=brush))
    data["legend"], rows = _legend_columns(list(styles))
    specs.insert(0, {**_legend(look), "height": rows})
    views = [f"h{number}" for number in range(len(panels))]
    hover = {"type": "point", "fields": ["x"], "nearest": True, "on": "pointermove", "clear": "pointerout"}
    spec: Spec = {
        "vconcat": specs,
        "spacing": 6,
        # Layers in a column do fit a width, though Streamlit does not count on it.
        "autosize": {"type": "fit-x", "contains": "padding"},
        "resolve": {"scale": {"color": "shared", "strokeDash": "shared"}},
        "params": [{"name": HOVER, "select": hover, "views": views}],
    }
    brushes = tuple(f"{BRUSH}{number}" for number in range(len(panels))) if brush else ()
    return Chart(spec, data, alt, brushes, tuple(panels), shown)


def quantitative(field: str, **more: Any) -> Spec:
    """An encoding of numbers; never Altair's shorthand, in which a name could say more than a name."""
    return {"field": field, "type": "quantitative", **more}


def nominal(field: str, **more: Any) -> Spec:
    """An encoding of names."""
    return {"field": field, "type": "nominal", **more}


def layer(data: str, mark: Spec, encoding: Spec, **more: Any) -> Spec:
    """One layer over a named set of data."""
    return {"data": {"name": data}, "mark": mark, "encoding": encoding, **more}


def legend(labels: Sequence[str]) -> Spec:
    """A legend above a chart, in as many columns as fit a narrow window."""
    longest = max(map(len, labels), default=0) * 7 + 40
    # The same in every layer, whatever its marks, so that all of them make one legend.
    symbol = {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 2, "symbolSize": 300}
    count = max(1, LEGEND_WIDTH // longest)
    return {"title": None, "orient": "top", "columns": count, "labelLimit": 300, "offset": 4, **symbol}


def _legend(look: Spec) -> Spec:
    """A legend of our own: Vega makes one of colours and dashes together only if all layers are of one kind."""
    place = {"x": quantitative("x", scale=None, axis=None), "y": quantitative("y", scale=None, axis=None)}
    line = layer("legend", {"type": "rule", "strokeWidth": 2}, {**place, "x2": {"field": "x2"}, **look})
    text = {"type": "text", "align": "left", "baseline": "middle", "dx": 6, "limit": LEGEND_WIDTH - 40}
    name = {**place, "x": quantitative("x2", scale=None, axis=None), "text": nominal("told")}
    return {"layer": [line, layer("legend", {**text, "color": "gray", "fontSize": 12}, name)], "view": {"stroke": None}}


def _legend_columns(labels: Sequence[str]) -> tuple[Columns, int]:
    """The places of the labels in as many columns as fit a narrow window, and the height that they take."""
    width = max(map(len, labels), default=0) * 7 + 50
    count = max(1, LEGEND_WIDTH // width)
    at = np.arange(len(labels))
    x = (at % count) * float(width)
    y = (at // count) * float(LEGEND_ROW) + LEGEND_ROW / 2
    rows = -(-len(labels) // count)
    told = np.array([_shortened(label) for label in labels], object)
    return {"x": x, "x2": x + 26.0, "y": y, "run": np.array(labels, object), "told": told}, rows * LEGEND_ROW


def _shortened(label: str) -> str:
    """A label without its middle, where it is too long: runs are told apart by how their names end."""
    half = LEGEND_LETTERS // 2
    return label if len(label) <= LEGEND_LETTERS else f"{label[:half]}\u2026{label[-half:]}"


def _panel(
    one: Panel, shown: Frame, number: int, names: frozenset[str], look: Spec, height: int, *, is_last: bool, brush: bool
) -> Spec:
    x, y = _x(shown, is_last=is_last), _y(one)
    smoothed = "smooth" in names
    line = {"x": x, "y": y, "detail": nominal("s")}
    raw = {"type": "line", "clip": True, "strokeWidth": 1 if smoothed else 1.5, "opacity": FAINT if smoothed else 1}
    tip = [_tip_x(shown), {**nominal("run"), "title": "run"}, quantitative("y", title="value", format=".6~g")]
    parts: list[Spec] = [
        *(_areas(number, x, y) if "area" in names else []),
        *([_span(number, x, y, look)] if "span" in names else []),
        *(_findings(number, x) if "find" in names else []),
        layer(f"raw{number}", raw, {**line, **look}, **({"params": [_brush(number)]} if brush else {})),
    ]
    if smoothed:
        parts.append(layer(f"smooth{number}", {"type": "line", "clip": True, "strokeWidth": 2}, {**line, **look}))
    flat = {"x": x, "color": look["color"]}
    if "dot" in names:
        dot = {"type": "point", "filled": True, "size": 26, "clip": True, "opacity": 0.5 if smoothed else 1}
        parts.append(layer(f"dot{number}", dot, {**flat, "y": y, "tooltip": tip}))
    bottom = {"value": height - 5}
    if "away" in names:
        triangle = {"type": "point", "filled": True, "size": 45, "opacity": 0.9}
        edge = quantitative("edge", scale=None)
        parts.append(layer(f"away{number}", triangle, {**flat, "y": edge, "shape": _shape(), "tooltip": tip}))
    if "broken" in names:
        tick = {"type": "tick", "thickness": 2, "size": 10}
        parts.append(layer(f"broken{number}", tick, {**flat, "y": bottom, "tooltip": tip[:2]}))
    if "sunk" in names:
        cross = {"type": "point", "shape": "cross", "filled": True, "size": 35, "angle": 45}
        parts.append(layer(f"sunk{number}", cross, {**flat, "y": bottom, "tooltip": tip[:2]}))
    parts += _aims(number, x, y) if "aim" in names else []
    parts.append(_cursor(one, shown, number, x))
    # A title from a log is text: Vega reads markup nowhere.
    return {"layer": parts, "height": height, "title": {"text": _title(one), "anchor": "start"}}


def _title(one: Panel) -> str:
    splits = [s for s in dict.fromkeys(ink.trace.split for ink in one.inks) if s not in ("train", "")]
    return terminal(one.metric, 80) + (f" (dots: {', '.join(splits)})" if splits else "")


def _x(shown: Frame, *, is_last: bool) -> Spec:
    scale = _range(shown.low * shown.factor, shown.high * shown.factor)
    axis: Spec = {"labels": is_last, "labelFlush": True, "labelOverlap": True, "tickCount": 12}
    if shown.is_date:
        times, form = ticks(shown.low, shown.high)
        # The expression is of ours alone: the form of the labels.
        axis |= {"values": (times * shown.factor).tolist(), "labelExpr": f"utcFormat(datum.value, '{form}')"}
        return quantitative("x", title="UTC" if is_last else None, scale={**scale, "zero": False}, axis=axis)
    scale |= {"type": "log"} if shown.log else {"zero": False}
    axis["format"] = ",.10~g"
    return quantitative("x", title=shown.title if is_last else None, scale=scale, axis=axis)


def _y(one: Panel) -> Spec:
    scale = {**_range(one.low, one.high), **({"type": "log"} if one.log else {"zero": False})}
    extent = dict.fromkeys(("minExtent", "maxExtent"), AXIS_ROOM)
    ticks = decades(one.low, one.high) if one.log else {}
    axis = {**extent, "format": ",.6~g", "tickCount": 5, "labelOverlap": True, **ticks}
    return quantitative("y", title=None, scale=scale, axis=axis)


def _range(low: float, high: float) -> Spec:
    # A brush over a scale with a `domain`, in a chart that is fitted to a width, throws an error in Vega.
    return {"domainMin": low, "domainMax": high, "nice": False}


def _look(styles: Mapping[str, Style]) -> Spec:
    """Colour and dash by run, as their names decide and not their order."""
    labels = list(styles)
    colours, dashes = [s.colour for s in styles.values()], [list(s.dash) for s in styles.values()]
    return {
        "color": nominal("run", scale={"domain": labels, "range": colours}, legend=None),
        "strokeDash": nominal("run", scale={"domain": labels, "range": dashes}, legend=None),
    }


def _brush(number: int) -> Spec:
    return {"name": f"{BRUSH}{number}", "select": {"type": "interval", "encodings": ["x"]}}


def _findings(number: int, x: Spec) -> list[Spec]:
    severities = list(SEVERITY_COLOURS)
    colour = nominal("severity", scale={"domain": severities, "range": list(SEVERITY_COLOURS.values())}, legend=None)
    tip = [nominal("code", title="finding"), nominal("run", title="run"), nominal("message", title="says")]
    start = {"x": x, "color": colour, "tooltip": tip}
    row = quantitative("row", scale=None)
    text = {"type": "text", "baseline": "top", "fontSize": 11, **_side()}
    # The colours of one scale must not mix with those of the runs.
    own = {"resolve": {"scale": {"color": "independent"}}}
    strip = {**start, "x2": {"field": "x2"}, "y": {"value": 0}, "y2": {"value": STRIP}}
    band = layer(f"find{number}", {"type": "rect", "clip": True}, strip)
    rule = layer(f"find{number}", {"type": "rule", "strokeDash": [3, 3], "clip": True, "opacity": 0.7}, start)
    name = layer(f"find{number}", text, {**start, "y": row, "text": nominal("label")})
    return [{"layer": [band, rule, name], **own}]


def _areas(number: int, x: Spec, y: Spec) -> list[Spec]:
    colour = nominal(
        "meaning", legend=None, scale={"domain": list(MEANING_COLOURS), "range": list(MEANING_COLOURS.values())}
    )
    place = {"x": x, "color": colour}
    box = {**place, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}, "tooltip": [nominal("status", title="band")]}
    text = {"type": "text", "baseline": "middle", "fontSize": 11, "fontWeight": 600, **_side()}
    # Its edge is seen where two areas of one meaning meet.
    look = {"type": "rect", "fillOpacity": 0.14, "strokeOpacity": 0.4, "strokeWidth": 0.7, "clip": True}
    band = layer(f"area{number}", look, {**box, "stroke": colour})
    at = {"x": {**x, "field": "at"}, "y": {**y, "field": "middle"}}
    name = layer(f"area{number}", text, {**at, "color": colour, "text": nominal("label")})
    return [{"layer": [band, name], "resolve": {"scale": {"color": "independent"}}}]


def _span(number: int, x: Spec, y: Spec, look: Spec) -> Spec:
    area = {"type": "area", "opacity": 0.2, "clip": True}
    return layer(
        f"span{number}", area, {"x": x, "y": y, "y2": {"field": "y2"}, "fill": {**look["color"], "legend": None}}
    )


def _aims(number: int, x: Spec, y: Spec) -> list[Spec]:
    bar = {"type": "rule", "strokeWidth": 6, "opacity": 0.55, "color": "gray", "clip": True}
    reach = {"x": x, "y": y, "y2": {"field": "y2"}, "tooltip": [nominal("told", title="is"), *_ends()]}
    text = {"type": "text", "baseline": "middle", "fontSize": 11, "color": "gray", **_side()}
    name = {"x": x, "y": {**y, "field": "y2"}, "text": nominal("label")}
    return [layer(f"aim{number}", bar, reach), layer(f"aim{number}", text, name)]


def _side() -> Spec:
    """On which side of its place a text stands, as its row says."""
    return {name: {"expr": f"datum.{name}"} for name in ("align", "dx")}


def _ends() -> list[Spec]:
    return [quantitative("y", title="from", format=".4~g"), quantitative("y2", title="to", format=".4~g")]


def _shape() -> Spec:
    return nominal("shape", scale=None, legend=None)


def _cursor(one: Panel, shown: Frame, number: int, x: Spec) -> Spec:
    """A line at the position under the pointer, in all panels at once, with the values of every series there."""
    tips = [_tip_x(shown)]
    tips += [nominal(f"c{i}", title=_named(ink)) for i, ink in enumerate(one.inks[:MOST_TIPS])]
    visible = {"condition": {"param": HOVER, "value": 0.6, "empty": False}, "value": 0}
    mark = {"type": "rule", "strokeWidth": 1, "color": "gray"}
    return layer(f"grid{number}", mark, {"x": x, "opacity": visible, "tooltip": tips}, name=f"h{number}")


def _tip_x(shown: Frame) -> Spec:
    if shown.is_date:
        return nominal("t", title="UTC")
    return quantitative("x", title=shown.title, format=",.8~g")


def _named(ink: Ink) -> str:
    split = ink.trace.split
    return ink.label if split in ("train", "") else f"{ink.label} ({split})"
