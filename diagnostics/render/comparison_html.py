"""A comparison as one HTML file to send: no script, nothing from the network, the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trainvitals.diagnostics.compare.model import Comparison, Pair
from trainvitals.diagnostics.render import comparison_rows as rows
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.html import document
from trainvitals.diagnostics.render.sanitise import for_terminal, xml
from trainvitals.diagnostics.render.svg import chart
from trainvitals.parsers.model import Series

MOST_CURVES = 4
"""Curves of one picture: as many colours can be told apart."""


def render(comparison: Comparison, curves: Sequence[tuple[str, Series]] = ()) -> str:
    """A page with the settings that differ, the losses of up to four runs, tables, and each group beside the first.

    Args:
        comparison: what is said.
        curves: names and series to draw, in the order of the groups.
    """
    shown = for_terminal(comparison)
    body = [
        f"<h1>{xml(' / '.join(group.name for group in shown.groups))}</h1>\n",
        f"<p class='headline'>{xml(rows.headline(shown))}</p>\n",
        _items(rows.group(group) for group in shown.groups),
        _settings(shown),
        _figure(curves),
        *(
            f"<h3>{xml(table.title)}</h3>{_table(table.columns, ([words.cell(c) for c in r] for r in table.rows))}"
            for table in shown.tables
        ),
        *(f'<section class="run">{"".join(_pair(pair, shown.axis))}</section>\n' for pair in shown.pairs),
    ]
    return document("comparison", "".join(body), rows.headline(shown))


def _settings(shown: Comparison) -> str:
    if not shown.differences:
        return "<p>No setting that the logs tell differs.</p>\n"
    head = ("setting", *(group.name for group in shown.groups))
    return f"<h3>Settings that differ</h3>{_table(head, ((d.name, *d.values) for d in shown.differences))}"


def _figure(curves: Sequence[tuple[str, Series]]) -> str:
    drawn = curves[:MOST_CURVES]
    if not drawn:
        return ""
    legend = "".join(f'<span class="key k{i}">{xml(name)}</span>' for i, (name, _) in enumerate(drawn))
    return f"<figure>{chart([s for _, s in drawn])}<figcaption>{legend}</figcaption></figure>\n"


def _pair(pair: Pair, axis: str) -> Iterator[str]:
    yield f"<h2>{xml(rows.pair_title(pair))}</h2>\n<p class='headline'>{xml(pair.evidence)}</p>\n"
    yield _items(f"⚠ {warning}" for warning in pair.warnings)
    yield _items(rows.verdicts(pair))
    if pair.rows:
        yield _table(rows.HEAD, map(rows.cells, pair.rows))
        yield f"<p class='how'>how it was decided: {xml(rows.how(pair, axis))}</p>\n"
    yield _items(rows.saving(one, pair, axis) for one in pair.savings)
    if pair.absent:
        yield f"<p>Only one side logs: {xml(', '.join(pair.absent))}</p>\n"


def _items(sentences: Iterable[str]) -> str:
    items = "".join(f"<li>{xml(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>\n" if items else ""


def _table(head: Sequence[str], body: Iterable[Sequence[str]]) -> str:
    top = "".join(f"<th>{xml(name)}</th>" for name in head)
    lines = "".join(f"<tr>{''.join(f'<td>{xml(cell)}</td>' for cell in row)}</tr>\n" for row in body)
    return f'<div class="wide"><table><tr>{top}</tr>\n{lines}</table></div>\n'
