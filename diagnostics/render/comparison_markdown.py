"""A comparison as Markdown, for pull requests and notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trainvitals.diagnostics.compare.model import Comparison, Pair
from trainvitals.diagnostics.render import comparison_rows as rows
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.markdown import MAX_BYTES, capped, grid
from trainvitals.diagnostics.render.sanitise import map_text, without_secrets
from trainvitals.diagnostics.render.sanitise import markdown_code as code
from trainvitals.diagnostics.render.sanitise import markdown_text as text
from trainvitals.diagnostics.report import Table

MAX_ROWS = 50


def render(comparison: Comparison, max_bytes: int = MAX_BYTES) -> str:
    """Settings that differ, tables, and each group beside the first; cut at a paragraph where the cap is reached."""
    shown = map_text(comparison, lambda _, value: without_secrets(value))
    return capped(_blocks(shown), f"{text(rows.headline(shown))}\n", max_bytes)


def _blocks(shown: Comparison) -> Iterator[str]:
    yield f"### {text(' / '.join(group.name for group in shown.groups))}"
    if shown.differences:
        head = ("setting", *(text(group.name) for group in shown.groups))
        body = ((code(d.name, in_table=True), *map(text, d.values)) for d in shown.differences[:MAX_ROWS])
        more = len(shown.differences) - MAX_ROWS
        yield "**Settings that differ**\n\n" + grid(head, body) + (f"\n\nand {more} more" if more > 0 else "")
    else:
        yield "No setting that the logs tell differs."
    for table in shown.tables:
        yield _table(table)
    for pair in shown.pairs:
        yield from _pair(pair, shown.axis)


def _table(table: Table) -> str:
    body = ([text(words.cell(cell)) for cell in row] for row in table.rows[:MAX_ROWS])
    return f"**{text(table.title)}**\n\n{grid([text(c) for c in table.columns], body)}"


def _pair(pair: Pair, axis: str) -> Iterator[str]:
    yield f"**{text(rows.pair_title(pair))}**"
    yield text(pair.evidence)
    if pair.warnings:
        yield _list(pair.warnings, "⚠ ")
    if pair.rows:
        yield _list(tuple(rows.verdicts(pair)))
        body = ([code(cells[0], in_table=True), *map(text, cells[1:])] for cells in map(rows.cells, pair.rows))
        yield grid(rows.HEAD, body)
        yield text(f"How: {rows.how(pair, axis)}")
    if pair.savings:
        yield _list([rows.saving(one, pair, axis) for one in pair.savings])
    if pair.absent:
        yield text(f"Only one side logs: {', '.join(pair.absent)}")


def _list(sentences: Sequence[str] | Iterable[str], mark: str = "") -> str:
    return "\n".join(f"- {mark}{text(sentence)}" for sentence in sentences)
