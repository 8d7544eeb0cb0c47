"""The lists of the HTML report below its findings and pictures: what was judged, read, learnt, and configured."""

from __future__ import annotations

import os
from collections.abc import Iterator

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.html_page import grid, items
from trainvitals.diagnostics.render.sanitise import setting_value, xml
from trainvitals.diagnostics.render.svg import spark
from trainvitals.diagnostics.report import Report, SourceSummary

MOST_SERIES = 60
MOST_SETTINGS = 300
MOST_LEARNT = 20


def folded(title: str, body: str, *, opened: bool = False, printed: bool = True) -> str:
    """A section that is shown when its title is clicked, and on paper; nothing without a body."""
    if not body:
        return ""
    kind = "" if printed else ' class="screen"'
    return f"<details{kind}{' open' if opened else ''}><summary>{xml(title)}</summary>{body}</details>\n"


def lists(report: Report) -> Iterator[str]:
    """All of them, each under its title; sources are open where not all of the log was understood."""
    trouble = not report.points or any(s.error or s.problems or s.unread_lines or s.learnt for s in report.sources)
    yield folded("Not judged", items(_not_judged(report)), opened=not report.points)
    yield folded("Passed", items(f"{r.code}: {r.summary}" if r.summary else r.code for r in report.passed))
    yield folded("Sources", _sources(report), opened=trouble)
    yield folded("Settings, and where they stand", _settings(report))
    yield folded(f"Series, read as {report.loss_type}", _series(report))


def _not_judged(report: Report) -> Iterator[str]:
    for reason, codes in words.by_reason(report.not_run):
        yield f"{' '.join(codes)}: {reason}"
    if others := words.not_meant(report.not_run):
        yield f"not meant for this kind of run: {' '.join(others)}"


def _sources(report: Report) -> str:
    rows = [
        (s.path, s.error or s.format, "" if s.error else str(s.lines), str(s.points), str(s.unread_lines or ""))
        for s in report.sources
    ]
    head = ("file", "format", "lines", "points", "not understood")
    return (grid(head, rows, (2, 3, 4)) if rows else "") + items(t for s in report.sources for t in _notes(s))


def _notes(source: SourceSummary) -> Iterator[str]:
    name = os.path.basename(source.path) or source.path
    yield from (f"{name}: {problem}" for problem in source.problems)
    yield from (f"{name}: learnt: {layout}" for layout in source.learnt[:MOST_LEARNT])
    if len(source.learnt) > MOST_LEARNT:
        yield f"{name}: and {len(source.learnt) - MOST_LEARNT} more layouts were learnt"
    yield from (f"{name}:{example.line}: not understood: {example.text}" for example in source.unread_examples)


def _settings(report: Report) -> str:
    shown = report.settings[:MOST_SETTINGS]
    rows = [(s.name, setting_value(s.name, s.value), f"{s.path}:{s.line}" if s.line else s.path) for s in shown]
    more = len(report.settings) - len(shown)
    return (grid(("setting", "value", "read from"), rows) if rows else "") + (f"<p>and {more} more</p>" if more else "")


def _series(report: Report) -> str:
    """A table of the series; its curves are drawn, so that it is no table of text."""
    rows = "".join(
        f"<tr><td>{xml(s.metric)}</td><td>{xml(s.split)}</td><td>{spark(s.spark)}</td>"
        f'<td class="n">{words.number(s.first)}</td><td class="n">{words.number(s.last)}</td>'
        f'<td class="n">{s.points}</td><td>{words.step(s.first_step)} to {words.step(s.last_step)}</td></tr>\n'
        for s in words.series_order(report)[:MOST_SERIES]
    )
    if not rows:
        return ""
    plain, right = ("<th>{}</th>", '<th class="n">{}</th>')
    head = "".join(plain.format(name) for name in ("metric", "split", "curve"))
    head += "".join(right.format(name) for name in ("first", "last", "points")) + plain.format("steps")
    more = len(report.series) - MOST_SERIES
    drawn = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>\n{rows}</tbody></table></div>'
    return drawn + (f"<p>and {more} more</p>" if more > 0 else "")
