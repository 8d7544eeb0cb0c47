"""Phrases and numbers that all outputs for people share."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from trainvitals.diagnostics.report import SEVERITIES, Correction, Finding, NotRun, Report, SeriesSummary, Verdict, told

VERDICTS: tuple[Verdict, ...] = ("fail", "warn", "unknown", "pass")
"""Worst first: a run that could not be judged needs a look before one that is fine."""


LEARNING = "L101"
"""The rule that says whether a run learns at all."""


def number(value: float) -> str:
    """A measured value in four digits."""
    if not math.isfinite(value):
        return "NaN" if value != value else "inf" if value > 0 else "-inf"
    return f"{value:.4g}"


def cell(value: str | float | int | None) -> str:
    """A table cell; an absent value is a dash."""
    if value is None:
        return "-"
    return number(value) if isinstance(value, float) else str(value)


def step(value: float) -> str:
    """A step without rounding; a dash where the log has none."""
    if not math.isfinite(value):
        return "-"
    return str(int(value)) if value == int(value) else f"{value:g}"


def count(amount: int, noun: str, plural: str = "") -> str:
    """'1 run', '2 380 points', '3 series'."""
    word = noun if amount == 1 else plural or f"{noun}s"
    return f"{amount:,} {word}".replace(",", " ")


def name(text: str) -> str:
    """A run's name, in quotes where it could be taken for words of ours."""
    return text if text and not any(c.isspace() for c in text) else f'"{text}"'


def ranked(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Most severe first; within a severity as the rules are listed."""
    return tuple(sorted(findings, key=lambda f: SEVERITIES.index(f.severity)))


def worst_first(reports: Iterable[Report]) -> tuple[Report, ...]:
    """Failed runs first, healthy ones last; otherwise as given."""
    return tuple(sorted(reports, key=lambda r: VERDICTS.index(r.verdict)))


def when(finding: Finding, report: Report) -> str:
    """The window of a finding: 'at step 5', 'steps 5 to 9', 'since epoch 5' if it lasts to the end of its series."""
    first, last, unit = finding.step_start, finding.step_end, report.step_unit
    if not math.isfinite(first):
        return ""
    ends = [s.last_step for s in report.series if s.metric in finding.metrics and math.isfinite(s.last_step)]
    if ends and last >= max(ends) and first < last:
        return f"since {unit} {step(first)}"
    if not math.isfinite(last) or first == last:
        return f"at {unit} {step(first)}"
    return f"{unit}s {step(first)} to {step(last)}"


def consequence(finding: Finding, report: Report) -> str:
    """What follows from another finding, in one line: 'then L103 divergence, since step 500: the loss fell to ...'."""
    window = when(finding, report)
    place = f" ({window})" if window else ""
    return f"then {finding.code} {finding.name}{place}: {_first_clause(finding.message)}"


def headline(report: Report) -> str:
    """The run in one line: its worst finding and since when, or why nothing was found."""
    findings = tuple(f for f in ranked(report.findings) if f.severity != "info")
    if findings:
        return _claim(findings[0], report) + _led_to(findings[0]) + _more(len(findings) - 1)
    if report.verdict == "unknown":
        return f"cannot tell: {_main_reason(report)}"
    looked = f"{count(len(report.series), 'series', 'series')}, {count(report.points, 'point')}"
    notes = f", {count(len(report.findings), 'note')}" if report.findings else ""
    return f"nothing wrong in {looked}{notes}"


def _claim(finding: Finding, report: Report) -> str:
    claim = _first_clause(finding.message)
    window = when(finding, report)
    return claim if report.step_unit in claim or not window else f"{claim} ({window})"


def _first_clause(message: str) -> str:
    clause = message.partition("; ")[0]
    return (message if clause.count('"') % 2 else clause).rstrip(". ")


def _led_to(finding: Finding) -> str:
    """The worst that came of it: a reader whose loss is NaN looks for that word first."""
    after = ranked(one for one in finding.consequences if one.severity == "fail")
    return f", then {after[0].name} ({after[0].code})" if after else ""


def _more(others: int) -> str:
    return f"; and {count(others, 'more finding')}" if others else ""


def _main_reason(report: Report) -> str:
    if not report.points:
        trouble = [reason for source in report.sources for reason in (source.error, *source.problems) if reason]
        return "no usable series" + (f" ({trouble[0]})" if trouble else "")
    groups = by_reason(report.not_run)
    # Whether the run learns is what the verdict lacks; that some other rule could not speak explains nothing.
    learning = (reason for reason, codes in groups if LEARNING in codes)
    spoke = "what the rules looked at does not say whether it learns" if report.passed else "no rule could judge"
    return next(learning, groups[0][0] if groups else spoke)


def by_reason(not_run: Iterable[NotRun]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(reason, codes) of what could not judge although its subject is there, the most frequent reason first."""
    groups: dict[str, list[str]] = {}
    for rule in not_run:
        if rule.applicable:
            groups.setdefault(rule.reason.rstrip(". "), []).append(rule.code)
    return tuple((reason, tuple(codes)) for reason, codes in sorted(groups.items(), key=lambda g: -len(g[1])))


def not_meant(not_run: Iterable[NotRun]) -> tuple[str, ...]:
    """Codes of rules whose subject this kind of run does not log."""
    return tuple(rule.code for rule in not_run if not rule.applicable)


def series_order(report: Report) -> tuple[SeriesSummary, ...]:
    """Series that findings speak of first, then losses, then the others as logged."""
    flagged = {metric for finding in told(report.findings) for metric in finding.metrics}
    return tuple(sorted(report.series, key=lambda s: (s.metric not in flagged, s.metric != "loss")))


def correction(change: Correction) -> str:
    """What a correction did, or that it was declined."""
    if not change.applied:
        suspected = f", factor {number(change.factor)} suspected" if change.factor not in (0.0, 1.0) else ""
        return f"left as logged{suspected}"
    return f"divided by {number(change.factor)}" if change.factor != 1 else "values unchanged"


def checked(reports: Sequence[Report]) -> str:
    """The last line: what was looked at, also when all is well."""
    series = sum(len(r.series) for r in reports)
    points = sum(r.points for r in reports)
    findings = sum(len(r.findings) for r in reports)
    parts = (count(len(reports), "run"), count(series, "series", "series"), count(points, "point"))
    return ", ".join((*parts, count(findings, "finding")))
