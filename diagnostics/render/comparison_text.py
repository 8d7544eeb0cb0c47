"""A comparison for a terminal: what differs in the settings, then each pair with its verdicts."""

from __future__ import annotations

from collections.abc import Iterator

from trainvitals.diagnostics.compare.model import Comparison, Pair
from trainvitals.diagnostics.render import comparison_rows as rows
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import Page
from trainvitals.diagnostics.render.sanitise import for_terminal

MOST_SETTINGS = 20
MOST_SENTENCES = 6


def render(comparison: Comparison, page: Page | None = None) -> str:
    """Settings that differ, one table of all runs where the loss type has one, then every group beside the first."""
    page = page or Page()
    shown = for_terminal(comparison)
    lines = [page.paint(line, "bold") for line in page.wrap(rows.headline(shown))]
    for number, group in enumerate(shown.groups):
        lines += page.wrap(rows.group(group), "  first  " if number == 0 else "  other  ", " " * 9)
    lines += ["", *_settings(shown, page)]
    for table in shown.tables:
        cells = [tuple(words.cell(cell) for cell in row) for row in table.rows]
        lines += ["", *page.wrap(table.title), *page.columns([table.columns, *cells], whole=range(7))]
    for pair in shown.pairs:
        lines += ["", *_pair(pair, shown.axis, page)]
    return "\n".join(lines) + "\n"


def _settings(shown: Comparison, page: Page) -> list[str]:
    if not shown.differences:
        return ["No setting that the logs tell differs."]
    most = len(shown.differences) if page.verbose else MOST_SETTINGS
    head = ("setting", *(group.name for group in shown.groups))
    body = [(d.name, *d.values) for d in shown.differences[:most]]
    hidden = len(shown.differences) - most
    return [
        "Settings that differ",
        *page.columns([head, *body]),
        *([f"  and {hidden} more, with -v"] if hidden > 0 else []),
    ]


def _pair(pair: Pair, axis: str, page: Page) -> Iterator[str]:
    yield page.paint(rows.pair_title(pair), "bold")
    yield from page.wrap(pair.evidence, "  ")
    for warning in pair.warnings:
        yield from page.wrap(warning, f"  {page.glyphs.warn} ")
    most = len(pair.rows) if page.verbose else MOST_SENTENCES
    for sentence in list(rows.verdicts(pair))[:most]:
        yield from page.wrap(sentence, f"  {page.glyphs.arrow} ")
    for one in pair.savings:
        yield from page.wrap(rows.saving(one, pair, axis), f"  {page.glyphs.dot} ")
    if pair.rows:
        yield ""
        yield from page.columns([rows.HEAD, *map(rows.cells, pair.rows)], whole=range(len(rows.HEAD)))
        yield from page.wrap(rows.how(pair, axis), "  how: ")
    if pair.absent:
        yield from page.wrap(", ".join(pair.absent), "  only one side logs: ")
