"""SARIF 2.1.0 (OASIS, 2020), within the limits of GitHub's code scanning."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from trainvitals import __version__
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.fingerprint import fingerprint
from trainvitals.diagnostics.render.json import inert
from trainvitals.diagnostics.render.sanitise import for_terminal, terminal
from trainvitals.diagnostics.report import Evidence, Finding, Report, Severity
from trainvitals.diagnostics.rule import Rule

LEVELS: dict[Severity, str] = {"fail": "error", "warn": "warning", "info": "note"}
MOST_RESULTS = 5000
"""Results that GitHub shows of one analysis."""
MOST_PLACES = 10
"""Locations shown of one result."""
SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def render(reports: Sequence[Report], rules: Sequence[Rule]) -> str:
    """One run of the tool with its rules, a result per finding, and what could not be read as notifications."""
    found = [(report, finding) for report in words.worst_first(reports) for finding in words.ranked(report.findings)]
    present = {finding.code for _, finding in found}
    described = [rule for rule in rules if rule.code in present]
    index = {rule.code: position for position, rule in enumerate(described)}
    errors = [s for report in map(for_terminal, reports) for s in report.sources if s.error]
    run = {
        "tool": {
            "driver": {"name": "trainvitals", "version": __version__, "rules": [_descriptor(r) for r in described]}
        },
        "invocations": [
            {
                "executionSuccessful": not errors,
                "toolExecutionNotifications": [
                    {"level": "error", "message": {"text": f"{source.path}: {source.error}"}} for source in errors
                ],
            }
        ],
        "results": [_result(report, finding, index) for report, finding in found[:MOST_RESULTS]],
    }
    return inert(json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, allow_nan=False)) + "\n"


def _descriptor(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.code,
        "name": "".join(word.capitalize() for word in rule.name.split("-")),
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.docs},
        "help": {"text": rule.docs},
        "defaultConfiguration": {"level": LEVELS[rule.severity]},
    }


def _result(report: Report, finding: Finding, index: dict[str, int]) -> dict[str, Any]:
    shown = for_terminal(finding)
    window = words.when(shown, report)
    text = f"{terminal(report.run)}: {shown.message}{f' ({window})' if window else ''}"
    places = [e for e in shown.evidence if e.path][:MOST_PLACES]
    position = {"ruleIndex": index[finding.code]} if finding.code in index else {}
    return {
        "ruleId": shown.code,
        **position,
        "level": LEVELS[finding.severity],
        "message": {"text": f"{text}. Next: {shown.remedy}" if shown.remedy else text},
        "locations": [_location(place) for place in places],
        "partialFingerprints": {"trainvitals/v1": fingerprint(report, finding)},
    }


def _location(place: Evidence) -> dict[str, Any]:
    region = {"region": {"startLine": place.line, "snippet": {"text": place.text}}} if place.line > 0 else {}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(place.path)}, **region}}


def _uri(path: str) -> str:
    """A relative reference, as code scanning wants it; an absolute path becomes a file URI."""
    encoded = quote(path.replace(os.sep, "/"), safe="/._-~")
    return f"file://{encoded}" if encoded.startswith("/") else encoded
