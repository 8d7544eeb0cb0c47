"""The contract of a rule: a pure function of a `Case`, with its thresholds as keyword-only parameters."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.report import Evidence, Finding, NotRun, Pass, Severity
from trainvitals.parsers.model import Series

Result = Finding | tuple[Finding, ...] | Pass | NotRun


@dataclass(frozen=True, slots=True)
class Rule:
    """A check with its permanent code, its name (of the fault, not of the cure) and its usual severity.

    `check(case, *, threshold=...)` returns a `Result`; its docstring is what `trainvitals rule CODE` prints.
    """

    code: str
    name: str
    severity: Severity
    check: Callable[..., Result]

    @property
    def docs(self) -> str:
        """The text of `trainvitals rule CODE`."""
        return inspect.getdoc(self.check) or ""

    @property
    def summary(self) -> str:
        """The first line of the docs."""
        return self.docs.partition("\n")[0]

    @property
    def sections(self) -> Mapping[str, str]:
        """The paragraphs of the docs that have a heading, each in one line: `What to try`, `Blind spots` ..."""
        paragraphs = (" ".join(part.split()).partition(": ") for part in self.docs.split("\n\n")[1:])
        return {heading: text for heading, colon, text in paragraphs if colon}

    @property
    def thresholds(self) -> Mapping[str, Any]:
        """Names and defaults of the keyword-only parameters."""
        parameters = inspect.signature(self.check).parameters.values()
        return {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}


def evidence(case: Case, series: Series, index: int) -> Evidence:
    """Cite one point of a series: its file and line, and its value in words."""
    source = case.run.sources[int(series.source[index])]
    step = series.step[index]
    where = f"step {step:.9g}: " if step == step else ""
    return Evidence(source.path, int(series.line[index]), f"{where}{series.logged_as} = {series.value[index]:.6g}")
