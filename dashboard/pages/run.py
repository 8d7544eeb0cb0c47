"""One run: the verdict, what was found and why, the status tables, the curves, and what was not judged."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from trainvitals.dashboard import runs
from trainvitals.dashboard.inert import inert
from trainvitals.diagnostics.charts import Curve, curves_chart
from trainvitals.diagnostics.normalisation import Normalised
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import setting_value, terminal
from trainvitals.diagnostics.report import Finding, NotRun, Report, Table, told
from trainvitals.parsers.model import Series

WORDS = {
    "fail": ":red[\u2716 **fail**]",
    "warn": ":orange[\u26a0 **warn**]",
    "pass": ":green[\u2714 **pass**]",
    "unknown": ":gray[? **unknown**]",
}
SEVERITY = {"fail": ":red[\u2716 fail]", "warn": ":orange[\u26a0 warn]", "info": ":blue[info]"}
MAX_CURVES = 8


def show() -> None:
    """Draw the run that the URL names, or the sickest one."""
    found = runs.catalogue()
    one = found.get(st.query_params.get("run", "")) or next(iter(found.values()))
    report = one.report
    st.markdown(f"### {WORDS[report.verdict]} &nbsp; {inert(report.run)}")
    st.caption(_what_was_checked(report))
    for finding in report.findings:
        _finding(finding, report)
    if not report.findings:
        st.markdown(_no_finding(report))
    for table in report.tables:
        _table(table)
    _curves(one)
    _details(report)


def _what_was_checked(report: Report) -> str:
    counts = f"{len(report.series)} series, {report.points:,} points, {_count(len(report.findings), 'finding')}"
    return f"loss type {inert(report.loss_type)} \u00b7 {counts}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _no_finding(report: Report) -> str:
    if not report.points:
        return "No metric could be read from this run, so there is nothing to judge."
    if report.verdict == "unknown":
        return "No rule had enough to judge by: see what did not run, below."
    return f"{_count(len(report.passed), 'rule')} looked and found nothing wrong."


def _finding(finding: Finding, report: Report) -> None:
    with st.container(border=True):
        st.markdown(f"{SEVERITY[finding.severity]} &nbsp; **{finding.code} {inert(finding.name)}**")
        st.markdown(inert(finding.message))
        if finding.remedy:
            st.markdown(f"**Next:** {inert(finding.remedy)}")
        for other in finding.consequences:
            st.markdown(f"- {inert(words.consequence(other, report))}")
        with st.expander("evidence and how it was decided"):
            if finding.how:
                st.markdown(inert(finding.how))
            lines = [f"{terminal(e.path)}:{e.line}  {terminal(e.text)}" for e in finding.evidence]
            st.code("\n".join(lines) or "no single line", language=None)


def _table(table: Table) -> None:
    st.markdown(f"**{inert(table.title)}**")
    frame = pd.DataFrame([[_cell(c) for c in row] for row in table.rows], columns=list(table.columns))
    st.dataframe(frame, hide_index=True, alt=terminal(table.title))


def _cell(value: object) -> object:
    return terminal(value) if isinstance(value, str) else value


def _curves(one: Examined) -> None:
    series = one.normalised.run.series
    if not series:
        return
    st.markdown("**Curves**")
    metrics = list(dict.fromkeys(s.metric for s in series))
    left, middle, right = st.columns([4, 2, 1], vertical_alignment="bottom")
    chosen = left.multiselect(
        "metrics", metrics, default=_first(metrics), format_func=terminal, max_selections=MAX_CURVES
    )
    axes = [
        a
        for a in ("step", "epoch", "time")
        if any(getattr(s, a).size and (getattr(s, a) == getattr(s, a)).any() for s in series)
    ]
    axis = middle.segmented_control("x axis", axes, default="step") or "step"
    log = right.toggle("log y")
    for metric in chosen:
        _chart(metric, one, axis, log)


def _first(metrics: Sequence[str]) -> list[str]:
    return [m for m in ("loss", "article_loss", "other_loss", "grad_norm") if m in metrics][:3] or list(metrics[:1])


def _chart(metric: str, one: Examined, axis: str, log: bool) -> None:
    curves = [Curve(_label(s), s) for s in one.normalised.run.series if s.metric == metric and _placed(s, axis)]
    if not curves:
        st.caption(f"{inert(metric)} has no {axis}.")
        return
    findings = [f for f in told(one.report.findings) if metric in f.metrics]
    curves += _as_logged(metric, one.normalised)
    st.altair_chart(
        curves_chart(curves, axis=axis, unit=one.normalised.step_unit, log=log, findings=findings),
        key=f"curve-{metric}",
        alt=f"Curve of {terminal(metric)}",
    )


def _placed(series: Series, axis: str) -> bool:
    return bool((getattr(series, axis) == getattr(series, axis)).any())


def _as_logged(metric: str, normalised: Normalised) -> list[Curve]:
    """The raw series, where a correction changed its values."""
    changed = any(c.applied and c.metric == metric and c.factor != 1 for c in normalised.corrections)
    raw = normalised.raw.get(metric) if changed else None
    return [Curve(f"{_label(raw)} (as logged)", raw, dashed=True)] if raw else []


def _label(series: Series) -> str:
    return terminal(f"{series.split} {series.metric}")


def _details(report: Report) -> None:
    if report.corrections:
        with st.expander(
            _count(len(report.corrections), "correction"), expanded=any(c.applied for c in report.corrections)
        ):
            for correction in report.corrections:
                done = "applied" if correction.applied else "not applied"
                st.markdown(f"- **{inert(correction.kind)}** ({done}): {inert(correction.evidence)}")
    with st.expander(f"{_count(len(report.not_run), 'rule')} did not run"):
        st.markdown("\n".join(_reasons(report.not_run)) or "All rules ran.")
    with st.expander(_count(len(report.sources), "file")):
        st.dataframe(pd.DataFrame([_source(s) for s in report.sources]), hide_index=True)
    if report.settings:
        with st.expander(_count(len(report.settings), "hyperparameter")):
            rows = [
                {
                    "name": terminal(s.name),
                    "value": terminal(setting_value(s.name, s.value)),
                    "read from": terminal(s.path),
                }
                for s in report.settings
            ]
            st.dataframe(pd.DataFrame(rows), hide_index=True)


def _reasons(not_run: Sequence[NotRun]) -> list[str]:
    lines = [f"- {', '.join(codes)}: {inert(reason)}" for reason, codes in words.by_reason(not_run)]
    others = words.not_meant(not_run)
    return [*lines, f"- not meant for this kind of run: {', '.join(others)}"] if others else lines


def _source(source: object) -> dict[str, object]:
    fields = ("path", "format", "points", "lines", "unread_lines", "error")
    return {f: _cell(getattr(source, f)) for f in fields}
