"""Findings as cards: claim, picture, next action, evidence in the log, how it was decided, what it may come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice

import streamlit as st

from trainvitals.dashboard import drawing, runs
from trainvitals.dashboard.inert import inert
from trainvitals.dashboard.run import curves, log
from trainvitals.dashboard.style import EVIDENCE
from trainvitals.diagnostics import baseline, pictures, trial_ratio
from trainvitals.diagnostics.charts.ratios import ratio_chart
from trainvitals.diagnostics.charts.spec import Chart
from trainvitals.diagnostics.diagnosis import case_of
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.report import Finding, Report
from trainvitals.diagnostics.rules import RULES

SEVERITIES = {"fail": ":red[\u2716 fail]", "warn": ":orange[\u26a0 warn]", "info": ":blue[\u2139 info]"}
MOST_CHARTS = 2
MOST_CITED = 4
RATIO_HEIGHT = 190


def draw(one: Examined, contents: Mapping[str, bytes] | None = None) -> None:
    """All findings, worst first; of a healthy run what was looked at, and its loss. `contents`: those of an upload."""
    report, drawn = one.report, set[str]()
    for number, finding in enumerate(words.ranked(report.findings)):
        # A note needs no picture that has been shown already.
        metrics = [m for m in finding.metrics if finding.severity != "info" or m not in drawn]
        drawn.update(metrics[:MOST_CHARTS])
        with st.container(border=True):
            _card(replace(finding, metrics=tuple(metrics)), one, number, contents)
    if not report.findings:
        st.markdown(_nothing_found(report))
    if not any("loss" in finding.metrics for finding in report.findings):
        loss = pictures.picture("loss", one.normalised)
        if loss:
            curves.draw(loss, one.normalised.step_unit, "loss")


def _nothing_found(report: Report) -> str:
    if not report.points:
        return "No metric could be read from this run, so there is nothing to judge: see *Files* for the reason."
    if report.verdict == "unknown":
        return "No rule had enough to judge by: see *Rules* for what each one lacks."
    return f"{words.count(len(report.passed), 'rule')} looked and found nothing wrong."


def _card(finding: Finding, one: Examined, number: int, contents: Mapping[str, bytes] | None) -> None:
    report = one.report
    window = words.when(finding, report)
    title = f"{SEVERITIES[finding.severity]} &nbsp; **{inert(finding.code)} {inert(finding.name)}**"
    st.markdown(title + (f" &nbsp; :gray[{inert(window)}]" if window else ""))
    ratio = _ratio(finding, one)
    shown = [] if ratio else list(islice(pictures.of_finding(finding, one.normalised), MOST_CHARTS))
    told, drawn = st.columns([2, 3], gap="medium") if shown or ratio else (st.container(), st.container())
    with told:
        _words(finding, report, number)
    with drawn:
        if ratio:
            drawing.draw(ratio, f"ratio-of-{number}")
        for picture in shown:
            curves.draw(picture, one.normalised.step_unit, f"{number}-{picture.metric}", [finding])
    with st.expander("Evidence, how it was decided, and what it may come from"):
        if lines := log.quoted(finding.evidence, report, contents):
            st.code(lines, language=None)
        _reasons(finding)
    if finding.severity != "info":
        with st.popover("Accept this finding", type="tertiary", icon=":material/done_all:"):
            _accept(finding, report)


def _ratio(finding: Finding, one: Examined) -> Chart | None:
    """The chart of the ratio that a finding is about: over its bands, with the two losses below it."""
    case = case_of(one.normalised, runs.settings())
    ratio = pictures.ratio_of(finding, case.loss_type)
    now = trial_ratio.state(case, ratio) if ratio else None
    if now is None or isinstance(now, str):
        return None
    chart = ratio_chart(case, now, "step", log=True, height=RATIO_HEIGHT)
    return chart if chart.spec else None


def _words(finding: Finding, report: Report, number: int) -> None:
    st.markdown(inert(finding.message))
    if finding.remedy:
        st.markdown(f":material/arrow_forward: **Next:** {inert(finding.remedy)}")
    if finding.consequences:
        st.markdown("\n".join(f"- {inert(words.consequence(other, report))}" for other in finding.consequences))
    with st.container(gap=None):
        for index, cited in enumerate(finding.evidence[:MOST_CITED]):
            log.link(cited, report, f"{EVIDENCE}-{number}-{index}")
    hidden = len(finding.evidence) - MOST_CITED
    if hidden > 0:
        st.caption(f"and {words.count(hidden, 'more place')}: the report as HTML has them all")


def _reasons(finding: Finding) -> None:
    if finding.how:
        st.markdown(f"**How it was decided here:** {inert(finding.how)}")
    rule = next((rule for rule in RULES if rule.code == finding.code), None)
    if rule is None:
        return
    sections = rule.sections
    for title, heading in (
        ("What the rule does", "How it decides"),
        ("Why it matters", "Why it matters"),
        ("What it may come from, and what to try (hypotheses)", "What to try"),
        ("What it cannot see, and what would change the verdict", "Blind spots"),
    ):
        if heading in sections:
            st.markdown(f"**{title}:** {_with_code(sections[heading])}")
    if rule.thresholds:
        st.caption("Thresholds: " + inert(", ".join(f"{k} = {v}" for k, v in rule.thresholds.items())))


def _with_code(text: str) -> str:
    """Text of our own, in which names stand between backticks."""
    parts = text.split("`")
    return "".join(f"`{part}`" if number % 2 else inert(part) for number, part in enumerate(parts))


def _accept(finding: Finding, report: Report) -> None:
    st.markdown(
        "If this is as it should be, save this as a baseline, or add its entry to the one that there is: "
        "`trainvitals check RUNS --baseline FILE`, on the folder that the dashboard was opened on, then notes the "
        "finding and does not fail on it."
    )
    st.code(baseline.dumps([replace(report, findings=(finding,))]), language="json")
