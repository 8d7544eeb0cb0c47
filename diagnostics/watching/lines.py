"""News as lines: for people as they appear, or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Literal

from trainvitals import __version__
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.json import SCHEMA, inert, to_data
from trainvitals.diagnostics.render.page import Page
from trainvitals.diagnostics.render.sanitise import for_terminal, terminal
from trainvitals.diagnostics.report import Report
from trainvitals.diagnostics.watching.news import Found, Gone, News
from trainvitals.diagnostics.watching.notify import found_data
from trainvitals.diagnostics.watching.stall import duration

Form = Literal["text", "jsonl"]


def news(one: News, form: Form, page: Page, *, several: bool) -> str:
    """One piece of news, with a line end; `several` is whether a run has to be named."""
    if form == "jsonl":
        return _json(
            {"event": _event(one), **(found_data(one) if isinstance(one, Found | Gone) else {"text": one.text})}
        )
    return "".join(f"{line}\n" for line in _text(one, page, several=several))


def summary(reports: Sequence[Report], form: Form, page: Page, *, seconds: float, looks: int) -> str:
    """What is to be said at the end: each run with its verdict and its findings, and what was looked at."""
    if form == "jsonl":
        runs = [to_data(report) for report in reports]
        return _json({"event": "summary", "seconds": round(seconds), "looks": looks, "runs": runs})
    lines = ["", page.paint("=" * page.width, "dim")]
    for report in words.worst_first(for_terminal(report) for report in reports):
        stamp = page.paint(f"{page.glyphs.icon(report.verdict)} {report.verdict.upper()}", report.verdict)
        lines += [f"{stamp}  {words.name(report.run)}", *page.wrap(words.headline(report), "        ")]
        for finding in words.ranked(report.findings):
            about = " ".join(part for part in (finding.code, finding.name, words.when(finding, report)) if part)
            lines += page.wrap(about, f"        {page.glyphs.dot} ")
    watched = f"watched for {duration(seconds)}, {words.count(looks, 'look')}; "
    return "\n".join([*lines, "", *page.wrap(watched + words.checked(reports))]) + "\n"


def _event(one: News) -> str:
    if isinstance(one, Found):
        return "finding"
    return "gone" if isinstance(one, Gone) else one.kind


def _json(fields: dict[str, object]) -> str:
    head = {"schema": SCHEMA, "tool": f"trainvitals {__version__}"}
    return inert(json.dumps({**head, **fields}, allow_nan=False)) + "\n"


def _text(one: News, page: Page, *, several: bool) -> Iterator[str]:
    if not isinstance(one, Found | Gone):
        yield from page.wrap(terminal(one.text, 1000), "-- ")
        return
    finding = for_terminal(one.finding)
    known = f"{one.unit} {words.step(one.known_at)}" if one.known_at == one.known_at else "now"
    where = [f"known at {known}", *([", ".join(finding.metrics)] if finding.metrics else [])]
    where += [words.name(terminal(one.run))] if several else []
    tail = f" {page.glyphs.dot} ".join(where)
    if isinstance(one, Gone):
        yield from page.wrap(f"no longer: {finding.code} {finding.name}, {tail}", "-- ")
        return
    title = f"{page.glyphs.icon(finding.severity)} {finding.severity.upper()}  {finding.code} {finding.name}"
    first, *more = page.wrap(tail, f"{title}  ")
    yield page.paint(title, finding.severity) + page.paint(first[len(title) :], "dim")
    yield from (page.paint(line, "dim") for line in more)
    yield from page.wrap(finding.message, "  ")
    if finding.remedy:
        yield from page.wrap(finding.remedy, f"  {page.glyphs.arrow} ")
