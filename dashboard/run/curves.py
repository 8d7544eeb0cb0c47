"""A picture of one metric as a chart on the page."""

from __future__ import annotations

from collections.abc import Sequence

from trainvitals.dashboard import drawing
from trainvitals.diagnostics.charts.single import picture_chart
from trainvitals.diagnostics.pictures import Picture
from trainvitals.diagnostics.report import Finding


def draw(picture: Picture, unit: str, key: str, findings: Sequence[Finding] = ()) -> None:
    """The curves with the windows of findings shaded, and the values as logged where they were changed."""
    drawing.draw(picture_chart(picture, unit, findings), f"picture-{key}")
