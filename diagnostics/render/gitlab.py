"""The code quality report of GitLab: one issue per finding."""

from __future__ import annotations

import json
from collections.abc import Sequence

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.fingerprint import fingerprint
from trainvitals.diagnostics.render.json import inert
from trainvitals.diagnostics.render.sanitise import for_terminal, terminal
from trainvitals.diagnostics.report import Evidence, Finding, Report, Severity

SEVERITIES: dict[Severity, str] = {"fail": "critical", "warn": "minor", "info": "info"}


def render(reports: Sequence[Report]) -> str:
    """A JSON list of issues, worst run first."""
    issues = [
        _issue(report, finding) for report in words.worst_first(reports) for finding in words.ranked(report.findings)
    ]
    return inert(json.dumps(issues, allow_nan=False)) + "\n"


def _issue(report: Report, finding: Finding) -> dict[str, object]:
    shown = for_terminal(finding)
    place = next((e for e in shown.evidence if e.path), Evidence(terminal(report.run), 1, ""))
    return {
        "description": f"{shown.message}{f'. Next: {shown.remedy}' if shown.remedy else ''}",
        "check_name": f"{shown.code} {shown.name}",
        "fingerprint": fingerprint(report, finding),
        "severity": SEVERITIES[finding.severity],
        "location": {"path": place.path, "lines": {"begin": max(1, place.line)}},
    }
