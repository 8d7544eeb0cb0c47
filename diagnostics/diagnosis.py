"""From a `Run` to a `Report`: normalise, recognise the loss type, ask every rule, and sum up."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import recognise
from trainvitals.diagnostics.normalisation import Normalised, normalise
from trainvitals.diagnostics.report import (
    Evidence,
    Finding,
    NotRun,
    Pass,
    Report,
    SeriesSummary,
    Setting,
    SourceSummary,
    Verdict,
    told,
    worst,
)
from trainvitals.diagnostics.rule import Result, Rule
from trainvitals.diagnostics.rules import RULES
from trainvitals.diagnostics.settings import Settings
from trainvitals.diagnostics.statistics import even_medians, finite
from trainvitals.diagnostics.stories import tell
from trainvitals.diagnostics.tables import status_tables
from trainvitals.parsers.model import Floats, Run, Series, Source

JUDGING_FAMILIES = "RLVEDPGMC"
"""Families whose rules say that training goes well; a run on which none of them could speak is not called healthy."""

COMPARING_FAMILY = "C"
"""The family of rules that hold a run against others."""

NO_PROGRESS = frozenset(
    {"L104", "L105", "L106", "L107", "L108", "V104", "G101", "G102", "G103", "G104", "C102", "C103"}
)
"""Passes that say nothing of learning: no spikes or swings, a level (at the start, in its band), evaluations, gradients
that neither grow nor vanish (of a policy, whose loss is not judged, nothing else may be known), equal settings, kept
tolerances."""

SPARK_POINTS = 32
TORN = "it ends in the middle of a line or record, which is left out: a writer is active, or was killed"
STRICT = "TRAINVITALS_STRICT"
"""When set, a rule that crashes raises instead of becoming `not run (crashed)`: the tests set it."""


@np.errstate(all="ignore")
def diagnose(run: Run, settings: Settings | None = None) -> Report:
    """Judge a run as read. Values near the limits of a double overflow to infinities, without a warning."""
    return judge(normalise(run), settings)


@np.errstate(all="ignore")
def judge(normalised: Normalised, settings: Settings | None = None, baselines: tuple[Case, ...] = ()) -> Report:
    """Judge a run that is normalised already, for those who also draw it; `baselines` are healthy runs of its kind."""
    settings = settings or Settings()
    run = normalised.run
    case = replace(case_of(normalised, settings), baselines=baselines)
    results = [_ask(rule, case, settings) for rule in RULES if settings.runs(rule.code) and _is_meant(rule, case)]
    findings = tell([f for r in results for f in _findings(r)])
    passed = tuple(r for r in results if isinstance(r, Pass))
    return Report(
        run=run.name,
        verdict=_verdict(case, findings, passed),
        loss_type=case.loss_type.name,
        step_unit=case.step_unit,
        sources=tuple(_source(s) for s in run.sources),
        series=tuple(_summary(s, normalised) for s in run.series),
        corrections=normalised.corrections,
        tables=status_tables(case),
        findings=findings,
        passed=passed,
        not_run=tuple(r for r in results if isinstance(r, NotRun)),
        settings=tuple(Setting(name, str(value.value), value.path, value.line) for name, value in run.config.items()),
    )


def _is_meant(rule: Rule, case: Case) -> bool:
    """Whether what a rule needs besides the log was asked for: rules about baselines say nothing unless it was."""
    return rule.code[0] != COMPARING_FAMILY or bool(case.baselines or case.tolerances)


def case_of(normalised: Normalised, settings: Settings) -> Case:
    """What the rules see of a normalised run."""
    return Case(
        run=normalised.run,
        raw=normalised.raw,
        loss_type=recognise(normalised.run, settings.all_loss_types()),
        corrections=normalised.corrections,
        step_unit=normalised.step_unit,
        tolerances=settings.tolerances,
    )


def _ask(rule: Rule, case: Case, settings: Settings) -> Result:
    thresholds = settings.thresholds.get(rule.code, {})
    try:
        return _with_severity(rule.check(case, **thresholds), case, settings)
    except Exception as error:
        if os.environ.get(STRICT):
            raise
        return NotRun(rule.code, f"crashed: {type(error).__name__}: {error}")


def _with_severity(result: Result, case: Case, settings: Settings) -> Result:
    def adjusted(finding: Finding) -> Finding:
        chosen = settings.severities.get(finding.code) or case.loss_type.severities.get(finding.code)
        return finding.at(chosen) if chosen else finding

    if isinstance(result, Finding):
        return adjusted(result)
    return tuple(map(adjusted, result)) if isinstance(result, tuple) else result


def _findings(result: Result) -> tuple[Finding, ...]:
    if isinstance(result, Finding):
        return (result,)
    return result if isinstance(result, tuple) else ()


def _verdict(case: Case, findings: tuple[Finding, ...], passed: tuple[Pass, ...]) -> Verdict:
    found = worst(findings)
    if found in ("fail", "warn"):
        return "fail" if found == "fail" else "warn"
    spoke = {r.code for r in passed} | {f.code for f in told(findings)}
    judged = any(code[0] in JUDGING_FAMILIES for code in spoke - NO_PROGRESS)
    return "pass" if case.run.points and judged else "unknown"


def _summary(series: Series, normalised: Normalised) -> SeriesSummary:
    values = finite(series.value)
    return SeriesSummary(
        metric=series.metric,
        split=series.split,
        logged_as=series.logged_as,
        points=len(series),
        first_step=float(series.step[0]),
        last_step=float(series.step[-1]),
        first=float(series.value[0]),
        last=float(series.value[-1]),
        minimum=float(values.min()) if values.size else float("nan"),
        scale=_scale(series, normalised),
        spark=tuple(map(float, thin(series))),
    )


def _scale(series: Series, normalised: Normalised) -> float:
    """What the logged values of this series were divided by."""
    applied = (c for c in normalised.corrections if c.applied and c.kind == "grad_accum")
    return next((c.factor for c in applied if c.metric == series.metric and series.split == "train"), 1.0)


def thin(series: Series, count: int = SPARK_POINTS) -> Floats:
    """A few values that show the shape: medians of equal-count pieces, or the first that is not finite."""
    values = series.value
    if len(series) <= count:
        return values
    shape = even_medians(values, count)
    broken = np.flatnonzero(~np.isfinite(values))
    if broken.size:
        size, longer = divmod(len(series), count)
        split = longer * (size + 1)
        pieces = np.where(broken < split, broken // (size + 1), longer + (broken - split) // size)
        pieces, first = np.unique(pieces, return_index=True)
        shape[pieces] = values[broken[first]]
    return shape


def _source(source: Source) -> SourceSummary:
    return SourceSummary(
        path=source.path,
        format=source.format,
        lines=source.lines,
        points=source.points,
        unread_lines=source.unread_lines,
        unread_examples=tuple(Evidence(source.path, e.line, e.text) for e in source.unread_examples),
        problems=(*source.problems, *((TORN,) if source.truncated else ())),
        error=source.error,
        learnt=source.learnt,
    )
