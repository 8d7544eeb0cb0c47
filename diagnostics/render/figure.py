"""Curves as a picture to take away: the same shapes as a landscape, so that SVG and PNG are drawn by one code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trainvitals.diagnostics.downsample import thin
from trainvitals.diagnostics.landscape.picture import COLOURS, Band, Curve, Landscape, Mark, Plot, Scale
from trainvitals.diagnostics.pictures import Picture
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.report import Finding
from trainvitals.parsers.model import Floats, Series

COLUMNS = 600
"""Intervals of x whose extremes are drawn: as fine as the picture is wide."""
SEVERITY = {"fail": 1, "warn": 4, "info": 5}
"""Colours of windows by number: vermilion, orange, sky blue."""


def figure(run: str, picture: Picture, unit: str = "step", findings: Sequence[Finding] = ()) -> Landscape:
    """The curves of one metric over their steps, windows of findings shaded, what is not finite marked."""
    lines = [_curve(one, i) for i, one in enumerate(picture.series[:COLOURS])]
    if picture.raw is not None:
        lines.append(_curve(picture.raw, COLOURS - 1, "as logged"))
    told = [f for f in findings if f.step_start == f.step_start and picture.metric in f.metrics]
    # Names stand where windows begin: several that end with the run have their middles in one place.
    starts = tuple(Mark(f.step_start, f.code) for f in told)
    broken = tuple(mark for one in picture.series[:COLOURS] for mark in _broken(one))
    # What is not finite is no point of a line, but the axis reaches there.
    places = np.concatenate([_drawn(one)[0] for one in picture.series])
    plot = Plot(
        picture.metric,
        Scale(unit, low=float(places.min()), high=float(places.max())),
        Scale("", log=picture.wide),
        tuple(lines),
        (*starts, *broken),
        tuple(Band(f.step_start, _end(f), "", SEVERITY[f.severity]) for f in told),
    )
    sentences = tuple(f"{f.code} {f.name}: {f.message}" for f in words.ranked(told))
    return Landscape(picture.metric, f"{run}: {picture.metric}", sentences, (plot,))


def _end(finding: Finding) -> float:
    return finding.step_end if finding.step_end == finding.step_end else finding.step_start


def _curve(series: Series, colour: int, what: str = "") -> Curve:
    x, value = _drawn(series)
    thinned = thin(x, value, COLUMNS)
    name = " ".join(part for part in (series.split, series.logged_as, what) if part)
    return Curve(name, x[thinned.keep], value[thinned.keep], colour, "dashed" if what else "line")


def _broken(series: Series) -> tuple[Mark, ...]:
    """The first value that is not finite; many lines beside each other would hide the curve."""
    x, value = _drawn(series)
    broken = np.flatnonzero(~np.isfinite(value))
    if not broken.size:
        return ()
    many = f" and {broken.size - 1} more" if broken.size > 1 else ""
    first = words.number(float(value[broken[0]]))
    return (Mark(float(x[broken[0]]), f"{series.split} {series.logged_as}: {first}{many}".lstrip()),)


def _drawn(series: Series) -> tuple[Floats, Floats]:
    """Positions and values in order of position: steps, or rows where a step is missing."""
    x = series.step if np.isfinite(series.step).all() else np.arange(len(series), dtype=np.float64)
    order = np.argsort(x, kind="stable")
    return x[order], series.value[order]
