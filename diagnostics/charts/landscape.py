"""Panels of a landscape as charts: the same panels as in the files, with values under the pointer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from trainvitals.diagnostics.charts.columns import Columns
from trainvitals.diagnostics.charts.spec import Chart, Spec, layer, legend, nominal, quantitative
from trainvitals.diagnostics.charts.ticks import decades
from trainvitals.diagnostics.landscape.picture import Band, Curve, Mark, Plot, Scale, Surface
from trainvitals.diagnostics.render.landscape.shapes import HEAT, PALETTE
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.parsers.model import Column, Floats

WIDE: Mapping[str, Any] = {"height": 260, "autosize": {"type": "fit-x", "contains": "padding"}}
"""As wide as there is room; the height is that of the axes, without key and labels."""
BOTH: Mapping[str, Any] = {"height": 270, "width": 270, "autosize": {"type": "pad"}}
"""For axes that have one unit: a square that fits a narrow window."""
LARGEST = 1e300
GREY = "#7d8791"
"""Of words and rules that are read on a light ground as on a dark one."""
TALL = 340
"""Height of other surfaces."""
AXIS: Mapping[str, Any] = {"format": ".4~g", "labelOverlap": True, "tickCount": 6}
MARGIN = 0.06
"""Room above and below curves, as a share of their height."""
SOLID = [1, 0]
DASHES = {"dashed": [6, 4], "dotted": [2, 2], "dashdot": [8, 3, 2, 3]}
WIDTHS = {"thin": 1.0, "faint": 0.6}
WIDTH = 1.8
"""Of a line that does not stand in `WIDTHS`."""
VIRIDIS = ["#{:02x}{:02x}{:02x}".format(*colour) for colour in HEAT]


def panel_chart(panel: Plot | Surface, told: str = "") -> Chart:
    """One panel without its title, which a page wraps better; `told` says what it shows to those who do not see it."""
    layers, data, size = _surface(panel) if isinstance(panel, Surface) else _plot(panel)
    # Scales of one layer are told by one key; those of different layers must not mix.
    apart = dict.fromkeys(("color", "strokeDash", "strokeWidth"), "independent")
    spec: Spec = {"layer": layers, "resolve": {"scale": apart}, **size}
    return Chart(spec, data, terminal(". ".join(filter(None, (panel.title, told))), 600))


Parts = tuple[list[Spec], dict[str, Columns], Mapping[str, Any]]
"""Layers from below, their data, and the size of the chart."""


def _plot(plot: Plot) -> Parts:
    x, y = _axis(plot.x, "x", [c.x for c in plot.curves]), _axis(plot.y, "y", [c.y for c in plot.curves], MARGIN)
    if plot.second is not None:
        x["title"] = [plot.x.label, plot.second[0]]
    data: dict[str, Columns] = {}
    layers: list[Spec] = []
    if plot.bands:
        data["bands"] = _bands(plot.bands)
        layers += _band_layers(x)
    for add in (_curves(plot.curves, x, y), _marks(plot.marks, x, y)):
        layers += add[0]
        data |= add[1]
    return layers, data, WIDE


def _surface(surface: Surface) -> Parts:
    x, y = _axis(surface.x, "x", [_ends(surface.across)]), _axis(surface.y, "y", [_ends(surface.up)])
    tips = [
        quantitative(field, title=title or field, format=".5~g")
        for field, title in (("at", surface.x.label), ("up", surface.y.label), ("z", surface.z_label))
    ]
    bar = {"orient": "bottom", "title": surface.z_label, "gradientLength": 220, "gradientThickness": 10}
    colour = quantitative("z", scale={"range": VIRIDIS, "interpolate": "rgb"}, legend=bar)
    where = {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}}
    layers = [layer("cells", {"type": "rect", "clip": True, "opacity": 1}, {**where, "color": colour, "tooltip": tips})]
    data: dict[str, Columns] = {"cells": _cells(surface)}
    for add in (_curves(surface.curves, x, y), _marks(surface.marks, x, y, rim=True)):
        layers += add[0]
        data |= add[1]
    return layers, data, BOTH if surface.square else {**WIDE, "height": TALL}


def _axis(scale: Scale, field: str, values: Sequence[Floats], margin: float = 0.0) -> Spec:
    """The encoding of an axis over its values, or up to the ends that it demands."""
    every = np.concatenate([*values, np.zeros(0)])
    every = every[(np.abs(every) < LARGEST) & ((every > 0) | (not scale.log))]
    low, high = (float(every.min()), float(every.max())) if every.size else (1.0, 2.0)
    room = 0.0 if scale.log else margin * (high - low)
    low = low - room if scale.low is None else scale.low
    high = high + room if scale.high is None else scale.high
    shown: Spec = {"domain": [low, high if high > low else low + 1.0], "nice": False}
    shown |= {"type": "log"} if scale.log else {"zero": False}
    ticks = decades(low, high) if scale.log else {}
    return quantitative(field, title=scale.label or None, scale=shown, axis={**AXIS, **ticks})


# --- curves -----------------------------------------------------------------------------------------------------------


def _curves(curves: Sequence[Curve], x: Spec, y: Spec) -> tuple[list[Spec], dict[str, Columns]]:
    """A layer of the curves that stand in the key, and one below it of those that have no name."""
    named, others = [c for c in curves if c.name], [c for c in curves if not c.name]
    names = _unique([terminal(c.name, 60) for c in named])
    layers: list[Spec] = []
    data: dict[str, Columns] = {}
    if others:
        data["others"] = _points(others, [str(i) for i in range(len(others))])
        colour, width = nominal("colour", scale=None), quantitative("width", scale=None)
        look: Spec = {"color": colour, "strokeWidth": width, "detail": nominal("curve")}
        layers.append(_lines("others", x, y, look))
    if named:
        data["curves"] = _points(named, names)
        key = legend(names)
        colours = {"domain": names, "range": [PALETTE[c.colour % len(PALETTE)] for c in named]}
        dashes = {"domain": names, "range": [DASHES.get(c.weight, SOLID) for c in named]}
        look = {
            "color": nominal("curve", scale=colours, legend=key),
            "strokeDash": nominal("curve", scale=dashes, legend=key),
            "strokeWidth": quantitative("width", scale=None),
            "tooltip": [nominal("curve"), _tip(x), _tip(y)],
        }
        layers.append(_lines("curves", x, y, look))
    return layers, data


def _lines(data: str, x: Spec, y: Spec, look: Spec) -> Spec:
    return layer(data, {"type": "line", "clip": True}, {"x": x, "y": y, "order": quantitative("i"), **look})


def _tip(axis: Spec) -> Spec:
    title = axis["title"][0] if isinstance(axis["title"], list) else axis["title"]
    return quantitative(axis["field"], title=title or "value", format=".5~g")


def _unique(names: list[str]) -> list[str]:
    """Names of which no two are the same, as a scale knows its values by their names only."""
    return [name if names.index(name) == i else f"{name} ({i + 1})" for i, name in enumerate(names)]


def _points(curves: Sequence[Curve], names: Sequence[str]) -> Columns:
    """All points in their order, each with the name and the look of its curve."""
    sizes = [c.x.size for c in curves]
    y = np.concatenate([c.y for c in curves])
    return {
        "x": np.concatenate([c.x for c in curves]),
        "y": np.where(np.abs(y) < LARGEST, y, np.nan),
        "i": np.concatenate([np.arange(n) for n in sizes]),
        "curve": np.repeat(np.array(names, dtype=object), sizes),
        "colour": np.repeat(np.array([PALETTE[c.colour % len(PALETTE)] for c in curves], dtype=object), sizes),
        "width": np.repeat([WIDTHS.get(c.weight, WIDTH) for c in curves], sizes),
    }


# --- what lies behind and before them ---------------------------------------------------------------------------------


def _bands(bands: Sequence[Band]) -> Columns:
    return {
        "from": np.array([b.start for b in bands]),
        "to": np.array([b.end for b in bands]),
        "middle": np.array([(b.start + b.end) / 2 for b in bands]),
        "name": np.array([terminal(b.name, 60) for b in bands], dtype=object),
        "colour": np.array([PALETTE[b.colour % len(PALETTE)] for b in bands], dtype=object),
    }


def _band_layers(x: Spec) -> list[Spec]:
    colour = nominal("colour", scale=None)
    box = {"x": {**x, "field": "from"}, "x2": {"field": "to"}, "color": colour, "tooltip": [nominal("name")]}
    name = {"x": {**x, "field": "middle"}, "y": {"value": 8}, "text": nominal("name")}
    return [
        layer("bands", {"type": "rect", "opacity": 0.1, "clip": True}, box),
        layer("bands", {"type": "text", "fontSize": 11, "color": GREY, "clip": True}, name),
    ]


def _marks(marks: Sequence[Mark], x: Spec, y: Spec, *, rim: bool = False) -> tuple[list[Spec], dict[str, Columns]]:
    """Vertical lines with words at the top, and dots with words beside them; `rim` where they lie on a surface."""
    upright, places = [m for m in marks if m.y is None], [m for m in marks if m.y is not None]
    layers: list[Spec] = []
    data: dict[str, Columns] = {}
    if upright:
        data["upright"] = {**_words(upright), "row": 32.0 + 14.0 * np.arange(len(upright))}
        rule = {"type": "rule", "strokeDash": [2, 3], "color": GREY, "clip": True}
        layers.append(layer("upright", rule, {"x": x, "tooltip": [nominal("text")]}))
        layers += _texts("upright", {"x": x, "y": quantitative("row", scale=None)}, rim=rim)
    if places:
        dots = [m for m in places if m.dot]
        data |= {"places": {**_words(places), "y": np.array([m.y for m in places], np.float64)}}
        if dots:
            data["dots"] = {**_words(dots), "y": np.array([m.y for m in dots], np.float64)}
            look = {"type": "point", "filled": True, "size": 55, "color": "black", "stroke": "white", "opacity": 1}
            layers.append(layer("dots", look, {"x": x, "y": y, "tooltip": [nominal("text"), _tip(x), _tip(y)]}))
        layers += _texts("places", {"x": x, "y": y}, rim=rim)
    return layers, data


def _words(marks: Sequence[Mark]) -> dict[str, Column]:
    return {
        "x": np.array([m.x for m in marks], np.float64),
        "text": np.array([terminal(m.text, 80) for m in marks], dtype=object),
    }


def _texts(data: str, where: Spec, *, rim: bool) -> list[Spec]:
    """Words right of their place; on a surface in black with a white rim, as its colours are dark and light."""
    mark: Spec = {"type": "text", "align": "left", "dx": 8, "dy": -11, "fontSize": 12}
    encoding = {**where, "text": nominal("text")}
    if not rim:
        return [layer(data, {**mark, "color": GREY}, encoding)]
    white = {**mark, "stroke": "white", "strokeWidth": 3, "color": "white"}
    return [layer(data, white, encoding), layer(data, {**mark, "color": "black"}, encoding)]


def _ends(centres: Floats) -> Floats:
    """Both ends of an axis of cells."""
    half = (centres[1] - centres[0]) / 2
    return np.array([centres[0] - half, centres[-1] + half])


def _cells(surface: Surface) -> Columns:
    """The corners, the centre and the height of every cell."""
    # A pixel too large: seams show between rectangles that only touch.
    axes = (surface.across, surface.up)
    half_x, half_y = ((0.5 + axis.size / BOTH["height"]) * float(axis[1] - axis[0]) for axis in axes)
    at, up = (axis.ravel() for axis in np.meshgrid(surface.across, surface.up))
    z = np.where(np.isfinite(surface.z), surface.z, np.nan).ravel()
    return {"x": at - half_x, "x2": at + half_x, "y": up - half_y, "y2": up + half_y, "at": at, "up": up, "z": z}
