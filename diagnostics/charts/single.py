"""One metric of one run as a chart: its splits, as logged and as judged, with the windows of findings shaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trainvitals.diagnostics.charts import panels, spec
from trainvitals.diagnostics.charts.palette import COLOURS, DASHES, Style
from trainvitals.diagnostics.charts.panels import Ink, Mark, Painted, Panel
from trainvitals.diagnostics.charts.spec import Chart
from trainvitals.diagnostics.charts.traces import Trace, Window, drawn
from trainvitals.diagnostics.pictures import Picture
from trainvitals.diagnostics.render.sanitise import terminal
from trainvitals.diagnostics.report import Finding
from trainvitals.parsers.model import Series

HEIGHT = 230
AS_LOGGED = " (as logged)"
LINES = tuple(COLOURS[i] for i in (0, 2, 3, 5))
"""Of splits: without the colours of severities, in which windows are shaded."""
GREY = COLOURS[6]


def picture_chart(shown: Picture, unit: str, findings: Sequence[Finding] = (), height: int = HEIGHT) -> Chart:
    """The curves of a picture with the windows of findings shaded, and the values as logged where they were changed."""
    logged = () if shown.raw is None else (shown.raw,)
    return metric_chart(shown.metric, shown.series, logged, unit, findings, height)


def metric_chart(
    metric: str,
    series: Sequence[Series],
    logged: Sequence[Series],
    unit: str,
    findings: Sequence[Finding] = (),
    height: int = HEIGHT,
) -> Chart:
    """Series of one metric over their steps, or their rows where steps are missing; dashed those as logged."""
    traces = [_trace(one, label) for one, label in zip((*series, *logged), _labels(series, logged), strict=True)]
    looks = [Style(LINES[i % len(LINES)], DASHES[i // len(LINES) % len(DASHES)]) for i in range(len(series))]
    looks += [Style(GREY, DASHES[1])] * len(logged)
    kept = [drawn(one, Window(), panels.columns(3), log=False) for one in traces]
    log = panels.is_wide(kept)
    if log:
        kept = [drawn(one, Window(), panels.columns(3), log=True) for one in traces]
    inks = [Ink(one.run, look, one, as_drawn) for one, look, as_drawn in zip(traces, looks, kept, strict=True)]
    marks = tuple(mark for f in findings if f.step_start == f.step_start and _is_part(mark := _mark(f), traces))
    plain = panels.panel(metric, inks, Window(), log=log, trim=False, marks=marks)
    frame = panels.frame(traces, "step", Window(), [unit])
    shaded = f"; shaded where {', '.join(dict.fromkeys(mark.code for mark in marks))} was found" if marks else ""
    told = terminal(f"Curve of {metric} over {unit}s{shaded}. {panels.summary([plain], frame)}", 2000)
    return spec.chart([_shaded(plain)], frame, told, height)


def _shaded(one: Panel) -> Panel:
    """The panel with the windows of its marks as areas from its lower to its upper edge."""
    areas = (Painted(mark.x, mark.x2, one.low, one.high, mark.severity, "") for mark in one.marks)
    return replace(one, painted=tuple(areas))


def _is_part(mark: Mark, traces: Sequence[Trace]) -> bool:
    """Whether a window says where to look: what is worth knowing of a run as a whole is everywhere."""
    first = min((float(one.x[0]) for one in traces if one.x.size), default=mark.x)
    last = max((float(one.x[-1]) for one in traces if one.x.size), default=mark.x2)
    return mark.severity != "info" or mark.x > first or mark.x2 < last


def _mark(finding: Finding) -> Mark:
    end = finding.step_end if finding.step_end == finding.step_end else finding.step_start
    return Mark("", finding.code, finding.severity, finding.message, finding.step_start, max(finding.step_start, end))


def _trace(series: Series, label: str) -> Trace:
    x = series.step if np.isfinite(series.step).all() else np.arange(len(series), dtype=np.float64)
    order = np.argsort(x, kind="stable")
    # The label says which split it is.
    return Trace(label, series.metric, "", x[order], series.value[order], 0)


def _labels(series: Sequence[Series], logged: Sequence[Series]) -> list[str]:
    """A label each, of which no two are the same: lines of one label would be drawn as one."""
    found = [*map(_name, series), *(f"{_name(one)}{AS_LOGGED}" for one in logged)]
    numbers = [found[:i].count(label) + 1 for i, label in enumerate(found)]
    return [terminal(label) + f" {n}" * (n > 1) for label, n in zip(found, numbers, strict=True)]


def _name(one: Series) -> str:
    """Split and name, or the name alone where it begins with the split: `train loss`, `eval_loss`, `train/loss`."""
    return one.logged_as if one.logged_as.startswith(one.split) else f"{one.split} {one.logged_as}"
