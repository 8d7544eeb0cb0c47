"""A ratio over its bands, with the targets of the epochs, and below it the two series that it is made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trainvitals.diagnostics.bands import aims, areas
from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.charts import panels, spec
from trainvitals.diagnostics.charts.axes import Axis
from trainvitals.diagnostics.charts.palette import COLOURS, DASHES, Style
from trainvitals.diagnostics.charts.panels import Aimed, Ink, Painted, Panel
from trainvitals.diagnostics.charts.spec import Chart
from trainvitals.diagnostics.charts.traces import Trace, Window, drawn
from trainvitals.diagnostics.loss_type import Ratio
from trainvitals.diagnostics.ratio import RatioValues
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.trial_ratio import State, bounds, told
from trainvitals.parsers.model import Floats

STYLES = (Style(COLOURS[0], DASHES[0]), Style(COLOURS[1], DASHES[1]), Style("#888888", DASHES[0]))
"""Of the numerator, the denominator, and the ratio: grey is seen on bands of any colour, in light and dark."""


def ratio_chart(case: Case, now: State, axis: Axis, *, log: bool = False, height: int = 260) -> Chart:
    """The chart of a ratio; `axis` is `step` or `epoch`, `log` that of the two series."""
    found = now.found
    x = np.asarray(getattr(found.points, axis))
    names = [told((s.metric, s.split)) for s in (found.numerator, found.denominator)]
    above, below = (_trace(name, x, values) for name, values in zip(names, found.points.values, strict=True))
    whole = _trace(found.ratio.name, x, found.value)
    if not whole.x.size:
        return Chart({}, {}, "")
    shown = panels.frame([whole], axis, Window(), [case.step_unit])
    ratio = _painted(case, found, axis, _panel("ratio", [whole], (STYLES[2],), log=False))
    logarithmic = log and panels.is_log([above, below], Window())
    parts = _panel(" and ".join(names), [above, below], STYLES, log=logarithmic)
    alt = f"{terminal(found.ratio.name)}: {now.says}. {panels.summary([ratio, parts], shown)}"
    return spec.chart([ratio, parts], shown, alt, height)


def _trace(name: str, x: Floats, y: Floats) -> Trace:
    placed = np.isfinite(x)
    order = np.argsort(x[placed], kind="stable")
    return Trace(name, name, "train", x[placed][order], y[placed][order], int(np.count_nonzero(~placed)))


def _panel(title: str, traces: Sequence[Trace], styles: Sequence[Style], *, log: bool) -> Panel:
    columns = panels.columns(4)
    inks = [
        Ink(terminal(one.run), style, one, drawn(one, Window(), columns, log=log))
        for one, style in zip(traces, styles, strict=False)
    ]
    return panels.panel(title, inks, Window(), log=log, trim=False)


def _painted(case: Case, found: RatioValues, axis: Axis, plain: Panel) -> Panel:
    """The panel with its bands and targets, and a range in which the next bounds and all targets can be seen."""
    aimed = aims(found.ratio, found.points.step, found.points.epoch)
    low, high = _range(found.ratio, plain.low, plain.high)
    low = min([low, *(a.low for a in aimed)])
    high = max([high, *(a.high for a in aimed)])
    room = 0.04 * (high - low)
    low, high = low - room, high + room

    def place(step: float) -> float:
        return step if axis == "step" else _epoch_at(found, step)

    bands = tuple(
        Painted(
            place(area.start),
            place(area.end),
            max(area.low, low),
            min(area.high, high),
            area.reading.severity or "good",
            area.reading.status,
        )
        for area in areas(found, case.step_unit)
        if area.low < high and area.high > low
    )
    marks = tuple(Aimed(place(a.step), a.low, a.high, f"target, epoch {a.epoch:g}") for a in aimed)
    return replace(plain, low=low, high=high, painted=bands, aimed=marks)


def _range(ratio: Ratio, low: float, high: float) -> tuple[float, float]:
    """The range of the values, and the bounds next to it, unless these are far away."""
    edges = bounds(ratio)
    under = max((b for b in edges if b <= low), default=math.nan)
    over = min((b for b in edges if b >= high), default=math.nan)
    width = max(high - low, 0.2 * abs(high), 1e-12)
    low = under if low - under <= width else low
    return low, (over if over - high <= width else high)


def _epoch_at(found: RatioValues, step: float) -> float:
    known = np.isfinite(found.points.step) & np.isfinite(found.points.epoch)
    order = np.argsort(found.points.step[known], kind="stable")
    return float(np.interp(step, found.points.step[known][order], found.points.epoch[known][order]))
