"""What a diagnosis says, as plain frozen data: every output is a rendering of it, and it survives pickling and JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Severity = Literal["fail", "warn", "info"]
Verdict = Literal["fail", "warn", "pass", "unknown"]
Confidence = Literal["high", "medium"]
Cell = str | float | int | None

SEVERITIES: tuple[Severity, ...] = ("fail", "warn", "info")
"""Most severe first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A place in a log that anyone can look up; `line` is a record number in a binary file, 0 where unknown."""

    path: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's claim that something is wrong, or worth knowing.

    Attributes:
        message: the claim with its numbers, one sentence.
        remedy: the one next action.
        how: how it was decided: statistic, threshold, amount of evidence.
        step_start, step_end: the window it speaks of, in steps of its series; NaN where the log has no steps.
        consequences: findings that this one explains, earliest first; they have none themselves.
    """

    code: str
    name: str
    severity: Severity
    metrics: tuple[str, ...]
    message: str
    remedy: str = ""
    step_start: float = float("nan")
    step_end: float = float("nan")
    evidence: tuple[Evidence, ...] = ()
    how: str = ""
    consequences: tuple[Finding, ...] = ()

    def at(self, severity: Severity) -> Finding:
        """The same finding with another severity."""
        return replace(self, severity=severity)


@dataclass(frozen=True, slots=True)
class Pass:
    """A rule looked and found nothing wrong; `summary` says what it looked at, in a few words."""

    code: str
    summary: str = ""


@dataclass(frozen=True, slots=True)
class NotRun:
    """A rule could not judge, and why. Silence is never health.

    `applicable` is False where the subject of the rule is absent from this kind of run (a loss type without ratios, no
    perplexity); True where the run lacks what it should have, or has too little of it.
    """

    code: str
    reason: str
    applicable: bool = True


@dataclass(frozen=True, slots=True)
class Correction:
    """A change that normalising made to a series, or declined to make.

    `factor` is what the logged values were divided by; `applied` is False where the evidence does not suffice, and
    then the series stands as logged. `kind` is `grad_accum`, `resume_overlap`, `merge` ...
    """

    kind: str
    metric: str
    factor: float
    confidence: Confidence
    evidence: str
    applied: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """A status table; rows are tuples as long as `columns`. A column named `status` holds status words."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class SeriesSummary:
    """One line about a series, with a thinned copy of it for a sparkline."""

    metric: str
    split: str
    logged_as: str
    points: int
    first_step: float
    last_step: float
    first: float
    last: float
    minimum: float
    scale: float
    spark: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceSummary:
    """One line about a file of the run."""

    path: str
    format: str
    lines: int
    points: int
    unread_lines: int
    unread_examples: tuple[Evidence, ...] = ()
    problems: tuple[str, ...] = ()
    error: str = ""
    learnt: tuple[str, ...] = ()
    """Layouts that no format knows and that the lines themselves told, with the number of lines of each."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A hyperparameter as read, and where it stood."""

    name: str
    value: str
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is said about one run; `step_unit` is `step`, or `epoch` or `row` where the log has no steps."""

    run: str
    verdict: Verdict
    loss_type: str
    sources: tuple[SourceSummary, ...] = ()
    series: tuple[SeriesSummary, ...] = ()
    corrections: tuple[Correction, ...] = ()
    tables: tuple[Table, ...] = ()
    findings: tuple[Finding, ...] = ()
    passed: tuple[Pass, ...] = ()
    not_run: tuple[NotRun, ...] = ()
    settings: tuple[Setting, ...] = ()
    step_unit: str = "step"

    @property
    def points(self) -> int:
        """Scalars that were judged."""
        return sum(s.points for s in self.series)


def told(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """All findings in the order in which they are told: each before its consequences."""
    return tuple(each for finding in findings for each in (finding, *finding.consequences))


def worst(findings: tuple[Finding, ...]) -> Severity | None:
    """The most severe severity among findings."""
    return next((s for s in SEVERITIES if any(f.severity == s for f in findings)), None)
