"""JUnit XML: one suite per run, one test case per rule that had something to say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import NAME_CELLS, for_terminal, xml
from trainvitals.diagnostics.report import Finding, Report
from trainvitals.diagnostics.settings import Level


def render(reports: Sequence[Report], fail_on: Level = "fail") -> str:
    """A document of suites.

    A finding at or above `fail_on` is a failure, one below it a passed case with its text as output; a rule that could
    not judge is skipped with its reason; a source that cannot be read is an error.
    """
    suites = [_suite(report, fail_on) for report in map(for_terminal, words.worst_first(reports))]
    totals = [sum(numbers) for numbers in zip(*(counts for counts, _ in suites), strict=True)] or [0, 0, 0, 0]
    body = "".join(text for _, text in suites)
    root = f'<testsuites name="trainvitals" {_counts(totals)}>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{root}\n{body}</testsuites>\n'


def _suite(report: Report, fail_on: Level) -> tuple[list[int], str]:
    """(tests, failures, errors, skipped) and the text of a suite."""
    failing = ("fail",) if fail_on == "fail" else ("fail", "warn")
    failed = [f for f in report.findings if f.severity in failing]
    noted = [f for f in report.findings if f.severity not in failing]
    errors = [source for source in report.sources if source.error]
    skipped = [rule for rule in report.not_run if rule.applicable]
    cases = [
        *(_case(report, f"read {source.path}", "error", source.error, "") for source in errors),
        *(_case(report, _title(f), "failure", f.message, _text(f, report)) for f in failed),
        *(_case(report, _title(f), "system-out", "", f"{f.message}\n{_text(f, report)}") for f in noted),
        *(_case(report, rule.code, "skipped", rule.reason, "") for rule in skipped),
        *(_case(report, rule.code, "", "", "") for rule in report.passed),
    ]
    counts = [len(cases), len(failed), len(errors), len(skipped)]
    head = f'  <testsuite name="{xml(report.run, NAME_CELLS)}" {_counts(counts)}>\n'
    return counts, f"{head}{''.join(cases)}  </testsuite>\n"


def _counts(counts: Sequence[int]) -> str:
    tests, failures, errors, skipped = counts
    return f'tests="{tests}" failures="{failures}" errors="{errors}" skipped="{skipped}"'


def _case(report: Report, name: str, outcome: str, message: str, text: str) -> str:
    opening = f'    <testcase classname="{xml(report.run, NAME_CELLS)}" name="{xml(name, NAME_CELLS)}"'
    if not outcome:
        return f"{opening}/>\n"
    attribute = f' message="{xml(message)}"' if message else ""
    # Lines of ours stay lines; each is made inert by itself.
    lines = "\n".join(xml(line) for line in text.splitlines())
    return f"{opening}><{outcome}{attribute}>{lines}</{outcome}></testcase>\n"


def _title(finding: Finding) -> str:
    return f"{finding.code} {finding.name} ({', '.join(finding.metrics)})" if finding.metrics else finding.code


def _text(finding: Finding, report: Report) -> str:
    return "\n".join(_lines(finding, report))


def _lines(finding: Finding, report: Report) -> Iterator[str]:
    if window := words.when(finding, report):
        yield window
    if finding.remedy:
        yield f"next: {finding.remedy}"
    yield from (words.consequence(other, report) for other in finding.consequences)
    for place in finding.evidence:
        yield f"{place.path}{f':{place.line}' if place.line else ''}: {place.text}"
    if finding.how:
        yield f"how: {finding.how}"
