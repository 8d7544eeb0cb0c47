"""JSON lines: one run a line, each complete in itself, for streams and log collectors."""

from __future__ import annotations

import json
from collections.abc import Iterable

from trainvitals import __version__
from trainvitals.diagnostics.render.json import SCHEMA, inert, to_data
from trainvitals.diagnostics.report import Report


def render(reports: Iterable[Report]) -> str:
    """A line of ASCII for each report, with the keys of the JSON output and its schema version."""
    return "".join(f"{_line(report)}\n" for report in reports)


def _line(report: Report) -> str:
    return inert(
        json.dumps({"schema": SCHEMA, "tool": f"trainvitals {__version__}", **to_data(report)}, allow_nan=False)
    )
