"""The report for a terminal: what is wrong, since when, why, and what to do, before everything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import Page
from trainvitals.diagnostics.render.sanitise import cells, for_terminal
from trainvitals.diagnostics.render.text_sections import sections
from trainvitals.diagnostics.report import Evidence, Finding, Report

SHOWN_EVIDENCE = 3
"""Places cited per finding unless all are asked for."""


def render(reports: Sequence[Report], page: Page | None = None) -> str:
    """One line per run, worst first; then the details of the runs with findings, or of all if `page.verbose`."""
    page = page or Page()
    shown = words.worst_first(for_terminal(report) for report in reports)
    lines: list[str] = []
    if len(shown) == 1:
        lines += [*_verdict(shown[0], page), *_details(shown[0], page)]
    else:
        lines += _overview(shown, page)
        for report in shown:
            if page.verbose or report.verdict in ("fail", "warn"):
                lines += ["", page.paint("=" * page.width, "dim")]
                lines += [*_verdict(report, page), *_details(report, page)]
    lines += ["", *page.wrap(words.checked(shown))]
    return "\n".join(lines) + "\n"


def _verdict(report: Report, page: Page) -> list[str]:
    stamp = _stamp(report, page)
    indent = " " * (cells(_plain_stamp(report, page)) + 2)
    first, *rest = page.wrap(words.headline(report), indent)
    if report.verdict in ("fail", "warn"):
        first = indent + page.paint(first.strip(), "bold")
    name = page.clip_middle(words.name(report.run), page.width - cells(indent))
    return [f"{stamp}  {name}", first, *rest]


def _plain_stamp(report: Report, page: Page) -> str:
    return f"{page.glyphs.icon(report.verdict)} {report.verdict.upper()}"


def _stamp(report: Report, page: Page, width: int = 0) -> str:
    text = _plain_stamp(report, page)
    return page.paint(text, report.verdict) + " " * (width - cells(text))


def _overview(reports: Sequence[Report], page: Page) -> list[str]:
    if not reports:
        return []
    names = [words.name(report.run) for report in reports]
    stamp = max(cells(_plain_stamp(report, page)) for report in reports)
    column = min(max(map(cells, names)), max(page.width * 2 // 5, 16))
    lines = []
    for report, name in zip(reports, names, strict=True):
        shown = page.clip_middle(name, column)
        room = page.width - stamp - column - 4
        headline = page.clip(words.headline(report), room) if room > 8 else ""
        lines.append(f"{_stamp(report, page, stamp)}  {shown}{' ' * (column - cells(shown))}  {headline}".rstrip())
    return lines


def _details(report: Report, page: Page) -> Iterator[str]:
    for finding in words.ranked(report.findings):
        yield ""
        yield from _finding(finding, report, page)
    yield from sections(report, page)


def _finding(finding: Finding, report: Report, page: Page) -> Iterator[str]:
    glyphs = page.glyphs
    title = f"{glyphs.icon(finding.severity)} {finding.severity.upper()}  {finding.code} {finding.name}"
    about = [words.when(finding, report), ", ".join(finding.metrics)]
    tail = f" {glyphs.dot} ".join(part for part in about if part)
    first, *more = page.wrap(tail, f"{title}  ") if tail else [title]
    yield page.paint(title, finding.severity) + page.paint(first[len(title) :], "dim")
    yield from (page.paint(line, "dim") for line in more)
    yield from page.wrap(finding.message, "  ")
    if finding.remedy:
        yield from page.wrap(finding.remedy, f"  {glyphs.arrow} ")
    for other in finding.consequences:
        yield from page.wrap(words.consequence(other, report), f"  {glyphs.dot} ", "    ")
    yield from _evidence(finding.evidence, page)
    if finding.how:
        yield from (page.paint(line, "dim") for line in page.wrap(finding.how, "  how: "))


def _evidence(evidence: Sequence[Evidence], page: Page) -> Iterator[str]:
    shown = evidence if page.verbose else evidence[:SHOWN_EVIDENCE]
    for place in shown:
        where = f"  {place.path}:{place.line}" if place.line else f"  {place.path}"
        if not place.text:
            yield where
        elif cells(where) + 2 + cells(place.text) <= page.width or cells(where) < page.width // 2:
            yield f"{where}  {page.clip(place.text, max(page.width - cells(where) - 2, 8))}"
        else:
            yield where
            yield f"    {page.clip(place.text, page.width - 4)}"
    if len(shown) < len(evidence):
        yield f"  and {words.count(len(evidence) - len(shown), 'more place')}"
