"""Annotations of GitHub: workflow commands, the most severe first, as many as are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import github_data, github_property, map_text, terminal, without_secrets
from trainvitals.diagnostics.report import SEVERITIES, Finding, Report, Severity

LEVELS: dict[Severity, str] = {"fail": "error", "warn": "warning", "info": "notice"}
MOST = 10
"""Annotations of one level that GitHub shows for a step; further ones it drops without a word."""


def render(reports: Sequence[Report]) -> str:
    """One command per finding, at most ten of a level, then in plain text what was left out and what was checked."""
    shown = words.worst_first(map_text(report, lambda _, text: without_secrets(text)) for report in reports)
    lines: list[str] = []
    for severity in SEVERITIES:
        mine = list(_commands(shown, severity))
        lines += mine[:MOST]
        if len(mine) > MOST:
            lines.append(
                f"and {len(mine) - MOST} more of level {LEVELS[severity]}: see the job summary or the text report"
            )
    lines += [_unread(report) for report in shown if any(source.error for source in report.sources)]
    return "\n".join([*lines, words.checked(shown)]) + "\n"


def _commands(reports: Sequence[Report], severity: Severity) -> Iterator[str]:
    for report in reports:
        for finding in report.findings:
            if finding.severity == severity:
                yield _command(report, finding)


def _command(report: Report, finding: Finding) -> str:
    place = next((e for e in finding.evidence if e.path), None)
    properties = {"title": f"{finding.code} {finding.name}: {report.run}"}
    if place is not None:
        properties = {"file": place.path, **({"line": str(place.line)} if place.line else {}), **properties}
    listed = ",".join(f"{name}={github_property(value)}" for name, value in properties.items())
    window = words.when(finding, report)
    message = f"{finding.message}{f' ({window})' if window else ''}"
    message += f". Next: {finding.remedy}" if finding.remedy else ""
    return f"::{LEVELS[finding.severity]} {listed}::{github_data(message)}"


def _unread(report: Report) -> str:
    """A source that could not be read fails the step by its exit code; an annotation of it would displace a finding."""
    errors = "; ".join(f"{source.path}: {source.error}" for source in report.sources if source.error)
    return terminal(f"could not be read: {errors}", 1000)
