"""Markdown for pull requests and job summaries. Text from logs is shown literally, and the whole stays within a cap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import UNICODE
from trainvitals.diagnostics.render.sanitise import map_text, without_secrets
from trainvitals.diagnostics.render.sanitise import markdown_code as code
from trainvitals.diagnostics.render.sanitise import markdown_text as text
from trainvitals.diagnostics.report import Finding, Report, Severity, Table, Verdict

MAX_BYTES = 60_000
"""A comment on GitHub holds 65 536 characters."""
MAX_ROWS = 50
MAX_LEARNT = 4
SHOWN_EVIDENCE = 3


def render(reports: Sequence[Report], max_bytes: int = MAX_BYTES) -> str:
    """A table of the runs, then the details of those with findings; cut at a paragraph where the cap is reached."""
    hidden = (map_text(report, lambda _, value: without_secrets(value)) for report in reports)
    shown = words.worst_first(hidden)
    ending = f"{words.checked(shown)}\n"
    return capped(_blocks(shown), ending, max_bytes)


def capped(blocks: Iterable[str], ending: str, max_bytes: int) -> str:
    """The blocks that fit, as paragraphs, and the ending; a note where some do not."""
    kept: list[str] = []
    note = "**Cut here: the rest does not fit into this comment.** `trainvitals report` shows all of it.\n"
    room = max_bytes - len((note + ending).encode()) - 2
    for block in blocks:
        room -= len(block.encode()) + 2
        if room < 0:
            kept.append(note)
            break
        kept.append(block + "\n")
    return "\n".join([*kept, ending])


def _blocks(reports: Sequence[Report]) -> Iterator[str]:
    if len(reports) != 1:
        yield _overview(reports)
    for report in reports:
        if len(reports) == 1 or report.verdict in ("fail", "warn"):
            yield from _details(report)


def _stamp(word: Verdict | Severity) -> str:
    return f"{UNICODE.icon(word)} {word.upper()}"


def _overview(reports: Sequence[Report]) -> str:
    rows = [
        (_stamp(report.verdict), code(report.run, in_table=True), text(words.headline(report)))
        for report in reports[:MAX_ROWS]
    ]
    lines = grid(("verdict", "run", "what"), rows)
    return lines + (f"\n\nand {len(reports) - MAX_ROWS} more runs" if len(reports) > MAX_ROWS else "")


def _details(report: Report) -> Iterator[str]:
    yield f"### {_stamp(report.verdict)} {code(report.run)}"
    yield text(words.headline(report))
    for finding in words.ranked(report.findings):
        yield _finding(finding, report)
    for table in report.tables:
        yield _table(table)
    if report.series:
        yield _series(report)
    if report.corrections:
        yield "\n".join(("**Corrections**", "", *_corrections(report)))
    if report.not_run:
        yield "\n".join(("**Not judged**", "", *_not_judged(report)))
    if report.sources:
        yield "\n".join(("**Sources**", "", *_sources(report)))


def _finding(finding: Finding, report: Report) -> str:
    window = words.when(finding, report)
    about = ", ".join(part for part in (window, *map(code, finding.metrics)) if part)
    lines = [f"**{_stamp(finding.severity)} {text(finding.code)} {text(finding.name)}** {about}  ".rstrip() + "  "]
    lines += [text(finding.message)]
    lines += [f"- Next: {text(finding.remedy)}"] if finding.remedy else []
    lines += [f"- {text(words.consequence(other, report))}" for other in finding.consequences]
    for place in finding.evidence[:SHOWN_EVIDENCE]:
        where = f"{place.path}:{place.line}" if place.line else place.path
        lines.append(f"- {code(where)} {code(place.text) if place.text else ''}".rstrip())
    hidden = len(finding.evidence) - SHOWN_EVIDENCE
    lines += [f"- and {words.count(hidden, 'more place')}"] if hidden > 0 else []
    lines += [f"- How: {text(finding.how)}"] if finding.how else []
    return "\n".join(lines)


def _table(table: Table) -> str:
    rows = [tuple(text(words.cell(cell)) for cell in row) for row in table.rows[:MAX_ROWS]]
    cut = f"\n\nand {len(table.rows) - MAX_ROWS} more rows" if len(table.rows) > MAX_ROWS else ""
    return f"**{text(table.title.strip()) or 'Table'}**\n\n{grid([text(c) for c in table.columns], rows)}{cut}"


def _series(report: Report) -> str:
    ordered = words.series_order(report)
    rows = [
        (
            code(one.metric, in_table=True),
            one.split,
            words.number(one.first),
            words.number(one.last),
            str(one.points),
            f"{words.step(one.first_step)} to {words.step(one.last_step)}",
        )
        for one in ordered[:MAX_ROWS]
    ]
    cut = f"\n\nand {len(ordered) - MAX_ROWS} more series" if len(ordered) > MAX_ROWS else ""
    listed = grid(("series", "split", "first", "last", "points", "steps"), rows)
    return f"<details><summary>{words.count(len(ordered), 'series', 'series')}</summary>\n\n{listed}{cut}\n\n</details>"


def _corrections(report: Report) -> Iterator[str]:
    for change in report.corrections[:MAX_ROWS]:
        because = f": {text(change.evidence)}" if change.evidence else ""
        yield f"- {code(change.metric)} {words.correction(change)} ({change.confidence} confidence){because}"


def _not_judged(report: Report) -> Iterator[str]:
    for reason, codes in words.by_reason(report.not_run):
        yield f"- {text(' '.join(codes))}: {text(reason)}"
    if others := words.not_meant(report.not_run):
        yield f"- {text(' '.join(others))}: not meant for this kind of run"


def _sources(report: Report) -> Iterator[str]:
    for source in report.sources[:MAX_ROWS]:
        state = f"cannot be read: {text(source.error)}" if source.error else words.count(source.points, "point")
        unread = f", {words.count(source.unread_lines, 'line')} not understood" if source.unread_lines else ""
        yield f"- {code(source.path)} {state}{unread}"
        yield from (f"  - learnt: {code(layout)}" for layout in source.learnt[:MAX_LEARNT])


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
