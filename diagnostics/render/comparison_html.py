"""A comparison as one HTML file to send: no script, nothing from the network, the same bytes for the same input."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trainvitals.diagnostics.compare.metrics import label
from trainvitals.diagnostics.compare.model import Comparison, Pair
from trainvitals.diagnostics.render import comparison_rows as rows
from trainvitals.diagnostics.render.html_page import document, figure, grid, items, table
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
    head = f"<h1>{xml(' / '.join(group.name for group in shown.groups))}</h1>\n"
    return document("comparison", f"{head}{section(comparison, curves)}", rows.headline(shown))


def section(comparison: Comparison, *pictures: Sequence[tuple[str, Series]]) -> str:
    """The same without a page around it; each picture has curves of one metric."""
    shown = for_terminal(comparison)
    nothing = "" if shown.rows else f"<p>Nothing could be compared: {xml(rows.why_nothing(shown))}.</p>\n"
    body = [
        f"<p class='headline'>{xml(rows.headline(shown))}</p>\n{nothing}",
        items(rows.group(group) for group in shown.groups),
        _settings(shown),
        *map(_figure, pictures),
        *map(table, shown.tables),
        *(f'<section class="pair">{"".join(_pair(pair, shown.axis))}</section>\n' for pair in shown.pairs),
    ]
    return "".join(body)


def _settings(shown: Comparison) -> str:
    if not shown.differences:
        return "<p>No setting that the logs tell differs.</p>\n"
    head = ("setting", *(group.name for group in shown.groups))
    return f"<h3>Settings that differ</h3>{grid(head, ((d.name, *d.values) for d in shown.differences))}"


def _figure(curves: Sequence[tuple[str, Series]]) -> str:
    drawn = curves[:MOST_CURVES]
    named = [f"{name}: {label(series.metric, series.split)}" for name, series in drawn]
    return figure(chart([s for _, s in drawn]), named) if drawn else ""


def _pair(pair: Pair, axis: str) -> Iterator[str]:
    yield f"<h3>{xml(rows.pair_title(pair))}</h3>\n<p class='about'>{xml(pair.evidence)}</p>\n"
    yield items(f"⚠ {warning}" for warning in pair.warnings)
    yield items(rows.verdicts(pair))
    if pair.rows:
        yield grid(rows.HEAD, map(rows.cells, pair.rows), range(1, len(rows.HEAD) - 1))
        yield f"<p class='how'>how it was decided: {xml(rows.how(pair, axis))}</p>\n"
    yield items(rows.saving(one, pair, axis) for one in pair.savings)
    if pair.absent:
        yield f"<p>Only one side logs: {xml(', '.join(pair.absent))}</p>\n"
