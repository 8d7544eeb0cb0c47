"""The data of a panel as columns with opaque names, one set for each kind of mark."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from trainvitals.diagnostics.charts import clock
from trainvitals.diagnostics.charts.panels import Frame, Ink, Panel
from trainvitals.diagnostics.charts.traces import Line, value_at
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.parsers.model import Bools, Column, Floats

Columns = Mapping[str, Column]
"""Arrays of one length by their opaque names."""

TOLD = ("dot", "away", "broken", "sunk", "grid")
"""Data whose marks tell their position when the pointer is over them."""
FEW = 60
"""A line of fewer points shows each of them."""
MANY_DOTS = 300
MOST_TIPS = 16
"""Series that a tooltip lists."""
LABELLED = 0.06
"""Share of the height from which an area has room for its label."""
NEAR = 0.015
"""Share of the width within which findings share one label."""
CLOSE = 0.12
"""Share of the width within which the labels of targets would lie on each other."""
ROWS = 3
"""Rows in which the codes of neighbouring findings stand, so that they can be read."""


def columns(one: Panel, shown: Frame, at: Floats, height: int) -> dict[str, Columns]:
    """The data of one panel by name; sets that would be empty are left out, but never the lines and the cursor."""
    found: dict[str, Columns] = {"raw": _lines([(ink, ink.drawn.line) for ink in one.inks], shown)}
    smooth = [(ink, ink.smooth) for ink in one.inks if ink.smooth is not None]
    if smooth:
        found["smooth"] = _lines(smooth, shown)
    found |= {
        "dot": _points(((ink, _dots(ink)) for ink in one.inks), shown),
        "away": _beyond(one, shown, height),
        "broken": _places(((ink, ink.drawn.broken) for ink in one.inks), shown),
        "sunk": _places(((ink, ink.drawn.sunk) for ink in one.inks), shown),
        "find": _marked(one, shown),
        "area": _painted(one, shown),
        "aim": _aimed(one, shown),
        "span": _spans(one, shown),
    }
    kept = {name: columns for name, columns in found.items() if name in ("raw", "smooth") or columns["x"].size}
    kept["grid"] = _values(one, shown, at)
    return {name: _with_times(own, shown) if name in TOLD else own for name, own in kept.items()}


def _with_times(own: Columns, shown: Frame) -> Columns:
    """The columns, with their positions in words where these are times of day."""
    if not shown.is_date:
        return own
    return {**own, "t": np.array(clock.told((own["x"] / shown.factor).tolist()), object)}


def rows(panels: Sequence[Panel], shown: Frame) -> Columns:
    """The points that are drawn as one table, for those who would rather read them."""
    parts = [(one.metric, ink, ink.drawn.line) for one in panels for ink in one.inks]
    kept = [(metric, ink, np.flatnonzero(line.at >= 0), line) for metric, ink, line in parts]
    return {
        "run": _repeated([(ink.label, at.size) for _, ink, at, _ in kept]),
        "metric": _repeated([(terminal(metric), at.size) for metric, _, at, _ in kept]),
        "split": _repeated([(ink.trace.split, at.size) for _, ink, at, _ in kept]),
        **_place_column(_join([line.x[at] for _, _, at, line in kept]), shown),
        "value": _join([line.y[at] for _, _, at, line in kept]),
    }


def _place_column(x: Floats, shown: Frame) -> Columns:
    if shown.is_date:
        return {"UTC": np.array(clock.told(x.tolist()), object)}
    return {shown.title: x * shown.factor}


def _lines(parts: Sequence[tuple[Ink, Line]], shown: Frame) -> Columns:
    series = [np.full(line.x.size, number, np.int32) for number, (_, line) in enumerate(parts)]
    return {**_points(((ink, line) for ink, line in parts), shown), "s": _join(series, np.int32)}


def _points(parts: Iterable[tuple[Ink, Line]], shown: Frame) -> dict[str, Column]:
    given = list(parts)
    return {
        "x": _join([line.x for _, line in given]) * shown.factor,
        "y": _join([line.y for _, line in given]),
        "run": _repeated([(ink.label, line.x.size) for ink, line in given]),
    }


def _places(parts: Iterable[tuple[Ink, Floats]], shown: Frame) -> Columns:
    given = list(parts)
    return {
        "x": _join([x for _, x in given]) * shown.factor,
        "run": _repeated([(ink.label, x.size) for ink, x in given]),
    }


def _dots(ink: Ink) -> Line:
    """Points that a line alone would not show, or hardly: the few of an evaluation, and those between two breaks."""
    line = ink.drawn.line
    point = line.at >= 0
    count = int(np.count_nonzero(point))
    few = count <= FEW or (ink.trace.split not in ("train", "") and count <= MANY_DOTS)
    chosen = point if few else point & _alone(point)
    return Line(line.x[chosen], line.y[chosen], line.at[chosen])


def _alone(point: Bools) -> Bools:
    padded = np.concatenate([[False], point, [False]])
    alone: Bools = ~padded[:-2] & ~padded[2:]
    return alone


def _beyond(one: Panel, shown: Frame, height: int) -> Columns:
    """Points above and below the range shown, as triangles at its edge."""
    parts, shapes, edges = [], [], []
    for ink in one.inks:
        line = ink.drawn.line
        inside = (line.x >= shown.low) & (line.x <= shown.high)
        for chosen, shape, edge in (
            (inside & (line.y > one.high), "triangle-up", 5),
            (inside & (line.y < one.low), "triangle-down", height - 5),
        ):
            at = np.flatnonzero(chosen)[:MANY_DOTS]
            parts.append((ink, Line(line.x[at], line.y[at], line.at[at])))
            shapes.append((shape, at.size))
            edges.append(np.full(at.size, edge, np.float64))
    return {**_points(parts, shown), "shape": _repeated(shapes), "edge": _join(edges)}


def _marked(one: Panel, shown: Frame) -> Columns:
    """Findings within the window; of those that begin at about the same place the first one bears all codes."""
    marks = [m for m in one.marks if m.x2 >= shown.low and m.x <= shown.high]
    low = np.clip([m.x for m in marks], shown.low, shown.high)
    high = np.clip([m.x2 for m in marks], shown.low, shown.high)
    share = (low - shown.low) / (shown.high - shown.low)
    late = share > 0.9
    labels = _labels([m.code for m in marks], share.tolist())
    told = {
        name: np.array([terminal(getattr(m, name), 300) for m in marks], object)
        for name in ("run", "code", "severity", "message")
    }
    return {
        "x": low * shown.factor,
        "x2": high * shown.factor,
        "label": np.array(labels, object),
        "row": np.array([7.0 + 13 * (i % ROWS) for i in np.cumsum([bool(text) for text in labels]).tolist()]),
        "align": np.where(late, "right", "left").astype(object),
        "dx": np.where(late, -3.0, 3.0),
        **told,
    }


def _painted(one: Panel, shown: Frame) -> Columns:
    """Areas; those too flat for their label bear none."""
    flat = LABELLED * (one.high - one.low)
    middle = shown.low + 0.5 * (shown.high - shown.low)
    # Labels of targets stand beside these: where they are at the left, those of areas are at the right.
    aimed = any(a.x < middle for a in one.aimed)
    late = [p.x > middle or (aimed and p.x2 > middle) for p in one.painted]
    return {
        "x": np.array([p.x for p in one.painted]) * shown.factor,
        "x2": np.array([p.x2 for p in one.painted]) * shown.factor,
        "y": np.array([p.low for p in one.painted]),
        "y2": np.array([p.high for p in one.painted]),
        "at": np.array([p.x2 if end else p.x for p, end in zip(one.painted, late, strict=True)]) * shown.factor,
        "align": np.where(late, "right", "left").astype(object),
        "dx": np.where(late, -6.0, 6.0),
        "middle": np.array([(p.low + p.high) / 2 for p in one.painted]),
        "meaning": np.array([p.meaning for p in one.painted], object),
        "label": np.array([terminal(p.label, 40) if p.high - p.low > flat else "" for p in one.painted], object),
        "status": np.array([terminal(p.label) for p in one.painted], object),
    }


def _spans(one: Panel, shown: Frame) -> Columns:
    return {
        "x": _join([s.x for s in one.spans]) * shown.factor,
        "y": _join([s.low for s in one.spans]),
        "y2": _join([s.high for s in one.spans]),
        "run": _repeated([(s.label, s.x.size) for s in one.spans]),
    }


def _aimed(one: Panel, shown: Frame) -> Columns:
    aimed = sorted(one.aimed, key=lambda a: a.x)
    late = [a.x > shown.low + 0.6 * (shown.high - shown.low) for a in aimed]
    places = [(a.x - shown.low) / (shown.high - shown.low) for a in aimed]
    # Of targets that stand close together the last one bears the label: it is the one that counts in the end.
    last = [i + 1 == len(places) or places[i + 1] - place > CLOSE for i, place in enumerate(places)]
    return {
        "x": np.array([a.x for a in aimed]) * shown.factor,
        "y": np.array([a.low for a in aimed]),
        "y2": np.array([a.high for a in aimed]),
        "label": np.array([a.label if shows else "" for a, shows in zip(aimed, last, strict=True)], object),
        "told": np.array([a.label for a in aimed], object),
        "align": np.where(late, "right", "left").astype(object),
        "dx": np.where(late, -5.0, 5.0),
    }


def _labels(codes: Sequence[str], share: Sequence[float]) -> list[str]:
    """The text at each finding, whose places grow: empty where an earlier one stands within `NEAR` of it."""
    groups: list[tuple[float, list[str]]] = []
    place = []
    for code, at in zip(codes, share, strict=True):
        if not groups or at - groups[-1][0] > NEAR:
            groups.append((at, []))
            place.append(len(groups) - 1)
        else:
            place.append(-1)
        groups[-1][1].append(code)
    return [" ".join(dict.fromkeys(groups[i][1])) if i >= 0 else "" for i in place]


def _values(one: Panel, shown: Frame, at: Floats) -> Columns:
    found: dict[str, Column] = {"x": at * shown.factor}
    for number, ink in enumerate(one.inks[:MOST_TIPS]):
        found[f"c{number}"] = np.array(_told(ink, at, shown), object)
    return found


def _told(ink: Ink, at: Floats, shown: Frame) -> list[str]:
    """The value of a series at each position: that of its last point, and where that one lies if not here."""
    index = value_at(ink.trace, at)
    near = (shown.high - shown.low) / 400
    raw, place = ink.trace.y[index].tolist(), ink.trace.x[index].tolist()
    smooth = _smooth_at(ink, at)

    def where(place: float) -> str:
        return clock.told([place])[0] if shown.is_date else f"{place * shown.factor:.7g}"

    return [
        "-" if i < 0 else _text(v, s) + ("" if x - p <= near else f" (at {where(p)})")
        for i, v, s, x, p in zip(index.tolist(), raw, smooth, at.tolist(), place, strict=True)
    ]


def _smooth_at(ink: Ink, at: Floats) -> list[float]:
    if ink.smooth is None or not ink.smooth.x.size:
        return [float("nan")] * at.size
    index = np.clip(np.searchsorted(ink.smooth.x, at, side="right") - 1, 0, None)
    found: list[float] = ink.smooth.y[index].tolist()
    return found


def _text(raw: float, smooth: float) -> str:
    return f"{raw:.5g}" if smooth != smooth else f"{smooth:.5g}, raw {raw:.5g}"


def _repeated(parts: Sequence[tuple[str, int]]) -> Column:
    return np.repeat(np.array([text for text, _ in parts], object), [count for _, count in parts])


def _join(parts: Sequence[Column], kind: Any = np.float64) -> Any:
    return np.concatenate(parts) if parts else np.empty(0, kind)
