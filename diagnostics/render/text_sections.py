"""The sections below the findings: tables, curves, corrections, what was not judged, sources and settings."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from trainvitals.diagnostics.normalisation.hyperparameters import ALIASES
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import Page
from trainvitals.diagnostics.render.sanitise import setting_value
from trainvitals.diagnostics.report import Correction, Report, SourceSummary, Table, told

SHOWN_SERIES = 12
"""Series listed unless all are asked for; those that findings speak of come first."""
SHOWN_ROWS = 30
SHOWN_SOURCES = 12
SHOWN_LEARNT = 4


def sections(report: Report, page: Page) -> Iterator[str]:
    """Lines of all sections that have something to say."""
    for table in report.tables:
        yield from _section(table.title, _table(table, page), page)
    yield from _section(f"Series, read as {report.loss_type}", _series(report, page), page)
    yield from _section("Corrections", _corrections(report, page), page)
    yield from _section("Not judged", _not_judged(report, page), page)
    yield from _section("Passed", _passed(report, page), page)
    yield from _section("Sources", _sources(report, page), page)
    yield from _section("Settings", _settings(report, page), page)


def _section(title: str, lines: Iterator[str], page: Page) -> Iterator[str]:
    body = list(lines)
    if body:
        yield from ("", *(page.paint(line, "bold") for line in page.wrap(title)), *body)


def _rest(total: int, shown: int, page: Page) -> Iterator[str]:
    if total > shown:
        yield page.paint(f"  and {total - shown} more (--verbose shows all)", "dim")


def _table(table: Table, page: Page) -> Iterator[str]:
    rows = table.rows if page.verbose else table.rows[:SHOWN_ROWS]
    right = [i for i in range(len(table.columns)) if any(isinstance(row[i], int | float) for row in rows)]
    head, *body = page.table(table.columns, [[words.cell(c) for c in row] for row in rows], right)
    yield from (page.paint(line, "dim") for line in head)
    yield from chain.from_iterable(body)
    yield from _rest(len(table.rows), len(rows), page)


def _series(report: Report, page: Page) -> Iterator[str]:
    if not report.series:
        return
    ordered = words.series_order(report)
    shown = ordered if page.verbose else ordered[:SHOWN_SERIES]
    arrow = page.glyphs.arrow
    head, *body = page.columns(
        [
            ("metric", "curve", f"first {arrow} last", "points", "steps"),
            *(
                (
                    one.metric if one.split == "train" else f"{one.metric} [{one.split}]",
                    page.spark(one.spark, 32 if page.width >= 100 else 16),
                    f"{words.number(one.first)} {arrow} {words.number(one.last)}",
                    str(one.points),
                    f"{words.step(one.first_step)}..{words.step(one.last_step)}",
                )
                for one in shown
            ),
        ],
        right=(3,),
        whole=(1, 2, 4),
    )
    yield page.paint(head, "dim")
    yield from body
    yield from _rest(len(ordered), len(shown), page)


def _corrections(report: Report, page: Page) -> Iterator[str]:
    for change in report.corrections:
        kind = change.kind.replace("_", " ")
        yield from page.wrap(
            f"{change.metric}: {words.correction(change)} ({kind}, {change.confidence} confidence)", "  "
        )
        yield from _raw_beside_normalised(change, report, page)
        # A finding about it has said why already.
        if change.evidence and not any(change.evidence in f.how for f in told(report.findings)):
            yield from page.wrap(change.evidence, "    because ", "    ")


def _raw_beside_normalised(change: Correction, report: Report, page: Page) -> Iterator[str]:
    scaled = (s for s in report.series if s.metric == change.metric and s.scale != 1)
    one = next(scaled, None) if change.applied else None
    if one is not None:
        arrow = page.glyphs.arrow
        raw = f"{words.number(one.first * one.scale)} {arrow} {words.number(one.last * one.scale)}"
        normalised = f"{words.number(one.first)} {arrow} {words.number(one.last)}"
        yield from page.wrap(f"as logged {raw}, normalised {normalised}", "    ")


def _not_judged(report: Report, page: Page) -> Iterator[str]:
    for reason, codes in words.by_reason(report.not_run):
        yield from page.wrap(f"{' '.join(codes)}: {reason}", "  ", "    ")
    if page.verbose:
        for rule in report.not_run:
            if not rule.applicable:
                yield from page.wrap(f"{rule.code}: {rule.reason}", "  ", "    ")
    elif others := words.not_meant(report.not_run):
        yield from page.wrap(f"not meant for this run: {' '.join(others)}", "  ", "    ")


def _passed(report: Report, page: Page) -> Iterator[str]:
    if page.verbose:
        for rule in report.passed:
            yield from page.wrap(f"{rule.code}: {rule.summary or 'nothing found'}", "  ", "    ")
    elif report.passed:
        yield from page.wrap(" ".join(rule.code for rule in report.passed), "  ")


def _sources(report: Report, page: Page) -> Iterator[str]:
    shown = report.sources if page.verbose else _with_trouble_first(report)[:SHOWN_SOURCES]
    for source in shown:
        yield from _source(source, page)
    yield from _rest(len(report.sources), len(shown), page)


def _with_trouble_first(report: Report) -> tuple[SourceSummary, ...]:
    return tuple(sorted(report.sources, key=lambda s: not (s.error or s.problems or s.unread_lines)))


def _source(source: SourceSummary, page: Page) -> Iterator[str]:
    if source.error:
        mark = page.paint("cannot be read", "fail")
        yield f"  {source.path}  {mark}"
        yield from page.wrap(source.error, "    ")
        return
    parts = [source.format or "unknown format", words.count(source.lines, "line"), words.count(source.points, "point")]
    if source.unread_lines:
        parts.append(f"{words.count(source.unread_lines, 'line')} not understood")
    yield from page.wrap(f"{source.path}: {', '.join(parts)}", "  ", "    ")
    for problem in source.problems:
        yield from page.wrap(problem, "    ")
    learnt = source.learnt if page.verbose else source.learnt[:SHOWN_LEARNT]
    for layout in learnt:
        yield page.clip(f"    learnt: {layout}", page.width)
    if len(learnt) < len(source.learnt):
        yield page.paint(f"    and {len(source.learnt) - len(learnt)} more layouts (--verbose shows all)", "dim")
    for example in source.unread_examples:
        yield page.clip(f"    line {example.line}: {example.text}", page.width)


def _settings(report: Report, page: Page) -> Iterator[str]:
    known = [s for s in report.settings if page.verbose or s.name in ALIASES]
    shown = [f"{s.name}={page.clip(setting_value(s.name, s.value), 40)}" for s in known]
    others = len(report.settings) - len(known)
    if shown:
        yield from page.wrap(", ".join(shown) + (f" and {others} more" if others else ""), "  ")
