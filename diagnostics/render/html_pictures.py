"""The pictures of the HTML report: what a finding speaks of, a ratio over its bands, a correction before and after."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from trainvitals.diagnostics import pictures
from trainvitals.diagnostics.bands import Aim, Area, aims, areas
from trainvitals.diagnostics.loss_type import Ratio
from trainvitals.diagnostics.normalisation import Normalised
from trainvitals.diagnostics.pictures import Picture
from trainvitals.diagnostics.ratio import RatioValues
from trainvitals.diagnostics.render.html_page import figure
from trainvitals.diagnostics.render.status import meaning
from trainvitals.diagnostics.render.svg import Patch, Window, chart
from trainvitals.diagnostics.report import Finding, Report
from trainvitals.parsers.model import Series

COMPARING_FAMILY = "C"
"""Rules that hold a run against others."""
MOST_OF_FINDING = 3
"""Metrics of one finding that are drawn."""
MOST_CORRECTED = 4
"""Metrics that are drawn before and after their correction: the others were changed in the same way."""


def of_finding(finding: Finding, normalised: Normalised, unit: str) -> str:
    """A picture for each of the first metrics that a finding speaks of, with its window shaded.

    What is found beside baselines is drawn beside them.
    """
    if finding.code.startswith(COMPARING_FAMILY):
        return ""
    window = Window(finding.step_start, finding.step_end, finding.severity)
    drawn = list(pictures.of_finding(finding, normalised))[:MOST_OF_FINDING]
    return "".join(_curves(one, [window], unit) for one in drawn)


def of_loss(report: Report, normalised: Normalised) -> str:
    """The loss of all splits, where no finding has drawn it."""
    if "loss" in _drawn(report):
        return ""
    loss = pictures.picture("loss", normalised)
    return _curves(loss, [], report.step_unit) if loss else ""


def _drawn(report: Report) -> set[str]:
    """Metrics that findings have drawn."""
    own = (f for f in report.findings if not f.code.startswith(COMPARING_FAMILY))
    return {metric for finding in own for metric in finding.metrics[:MOST_OF_FINDING]}


def _curves(picture: Picture, windows: Sequence[Window], unit: str) -> str:
    raws = [picture.raw] if picture.raw is not None else []
    return figure(chart(picture.series, windows, unit, raws), _names(picture.series), raw=bool(raws))


def _names(series: Iterable[Series]) -> list[str]:
    return [f"{one.logged_as} ({one.split})" if one.split else one.logged_as for one in series]


def of_ratio(found: RatioValues, unit: str) -> str:
    """A ratio over its bands as coloured areas, with the ranges that were to be reached at the ends of epochs."""
    points, logged = found.points, found.numerator.take(found.points.index[0])
    name = found.ratio.name
    curve = replace(
        logged, metric=name, logged_as=name, split="", value=found.value, step=points.step, epoch=points.epoch
    )
    reached = aims(found.ratio, points.step, points.epoch)
    patches = [*map(_area, areas(found, unit)), *map(_aim, reached)]
    return figure(chart([curve], (), unit, (), patches), [_ratio_name(found.ratio, bool(reached))])


def _ratio_name(ratio: Ratio, aimed: bool) -> str:
    return f"{ratio.name}{'; bars are the targets of epochs' if aimed else ''}"


def _area(area: Area) -> Patch:
    severity = area.reading.severity
    kind = severity if severity in ("fail", "warn") else meaning(area.reading.status) or "plain"
    return Patch(area.start, area.end, area.low, area.high, kind, area.reading.status)


def _aim(aim: Aim) -> Patch:
    return Patch(aim.step, aim.step, aim.low, aim.high, "aim", f"epoch {aim.epoch:g}: {aim.low:g} to {aim.high:g}")


def of_corrections(report: Report, normalised: Normalised) -> Iterator[str]:
    """The curves whose values or points a correction has changed, those as logged dashed behind them.

    Those whose other scale a finding has shown already are not drawn again.
    """
    seen = _drawn(report)
    moved = [c for c in normalised.corrections if c.applied and (c.factor != 1 or c.kind == "resume_overlap")]
    changed = dict.fromkeys(c.metric for c in moved if c.factor == 1 or c.metric not in seen)
    drawn = 0
    for metric in sorted(changed, key=lambda name: name != "loss"):
        after, before = pictures.before_and_after(metric, normalised)
        if after and before and drawn < MOST_CORRECTED:
            drawn += 1
            yield figure(chart(after, (), report.step_unit, before[:4]), _names(after), raw=True)
