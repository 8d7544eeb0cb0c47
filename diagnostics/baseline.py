"""Findings accepted on purpose: a file of fingerprints that CI compares with, and what of it has expired."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainvitals.diagnostics.render.fingerprint import fingerprint
from trainvitals.diagnostics.report import Finding, Report, told, worst
from trainvitals.parsers.errors import TrainvitalsError

SCHEMA = 1
MAX_BYTES = 16 << 20
"""A baseline of a hundred thousand findings is smaller."""


class BaselineError(TrainvitalsError):
    """A baseline that cannot be used; the text names the file."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted finding: its fingerprint, and what a person needs to know it again."""

    fingerprint: str
    code: str
    run: str
    message: str


def dumps(reports: Iterable[Report]) -> str:
    """A baseline that accepts every warning and failure of these reports; sorted, so that a diff shows what changed."""
    entries = [
        Accepted(fingerprint(report, finding), finding.code, report.run, finding.message)
        for report in reports
        for finding in report.findings
        if finding.severity != "info"
    ]
    accepted = [dataclasses.asdict(one) for one in sorted(set(entries), key=lambda e: (e.run, e.code, e.fingerprint))]
    return json.dumps({"schema": SCHEMA, "accepted": accepted}, indent=2) + "\n"


def load(path: str) -> tuple[Accepted, ...]:
    """The entries of a baseline file.

    Raises:
        BaselineError: it cannot be read, is too large, or holds no baseline.
    """
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise BaselineError(f"{path}: cannot be read: {error.strerror}") from error
    if len(text) > MAX_BYTES:
        raise BaselineError(f"{path}: is larger than {MAX_BYTES} bytes")
    return loads(text, path)


def loads(text: str, path: str) -> tuple[Accepted, ...]:
    """The entries of a baseline; `path` names it in errors.

    Raises:
        BaselineError: no JSON, another schema, or an entry without its fields.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BaselineError(f"{path}: is no JSON: {error}") from error
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise BaselineError(f"{path}: is no baseline of schema {SCHEMA} (trainvitals check --write-baseline makes one)")
    entries = document.get("accepted")
    if not isinstance(entries, list):
        raise BaselineError(f"{path}: accepted: must be a list")
    return tuple(_entry(entry, f"{path}: accepted[{index}]") for index, entry in enumerate(entries))


def _entry(entry: Any, where: str) -> Accepted:
    names = [field.name for field in dataclasses.fields(Accepted)]
    if not isinstance(entry, Mapping) or not all(isinstance(entry.get(name), str) for name in names):
        raise BaselineError(f"{where}: must have the texts {', '.join(names)}")
    return Accepted(*(entry[name] for name in names))


def accept(report: Report, accepted: Sequence[Accepted]) -> Report:
    """The report with accepted findings as notes that say so, and the verdict that the others give."""
    known = {one.fingerprint for one in accepted}
    findings = tuple(_noted(f) if fingerprint(report, f) in known else f for f in report.findings)
    if findings == report.findings:
        return report
    found = worst(told(findings))
    verdict = found if found in ("fail", "warn") else "pass"
    return dataclasses.replace(report, findings=findings, verdict=verdict)


def _noted(finding: Finding) -> Finding:
    message = f"accepted by the baseline: {finding.message}"
    return dataclasses.replace(
        finding.at("info"), message=message, consequences=tuple(one.at("info") for one in finding.consequences)
    )


def expired(reports: Sequence[Report], accepted: Sequence[Accepted]) -> tuple[Accepted, ...]:
    """Entries about runs that were judged, whose finding is no longer there: they should leave the file."""
    found = {fingerprint(report, finding) for report in reports for finding in report.findings}
    judged = {report.run for report in reports}
    return tuple(one for one in accepted if one.run in judged and one.fingerprint not in found)
