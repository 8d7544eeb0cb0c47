"""A landscape in words: its title, its sentences and its tables."""

from __future__ import annotations

from collections.abc import Iterator

from trainvitals.diagnostics.landscape.picture import Landscape
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import Page
from trainvitals.diagnostics.render.sanitise import SENTENCE_CELLS, terminal
from trainvitals.diagnostics.report import Table


def render(landscape: Landscape, page: Page) -> str:
    """The text, ending with a line feed."""
    lines = page.wrap(terminal(landscape.title, SENTENCE_CELLS))
    lines.append("")
    for sentence in landscape.sentences:
        lines += page.wrap(terminal(sentence, SENTENCE_CELLS), f"{page.glyphs.dot} ", "  ")
    for table in landscape.tables:
        lines += ["", page.paint(table.title, "bold"), *_table(table, page)]
    return "".join(f"{line}\n" for line in lines)


def _table(table: Table, page: Page) -> Iterator[str]:
    right = range(len(table.columns))
    head, *body = page.columns([table.columns, *([words.cell(c) for c in row] for row in table.rows)], right)
    yield page.paint(head, "dim")
    yield from body
