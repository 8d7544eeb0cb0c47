"""A landscape as one HTML file: sentences, pictures and tables, without a script and without the network."""

from __future__ import annotations

from trainvitals import __version__
from trainvitals.diagnostics.landscape.picture import Landscape
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.landscape import svg
from trainvitals.diagnostics.render.landscape.layout import drawing
from trainvitals.diagnostics.render.sanitise import xml
from trainvitals.diagnostics.render.style import STYLE
from trainvitals.diagnostics.report import Table


def render(landscape: Landscape) -> str:
    """The page."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>trainvitals: {xml(landscape.name)}</title><style>{STYLE}{svg.STYLE}</style></head><body>\n"
        f"<h1>{xml(landscape.title)}</h1>\n{section(landscape)}"
        f"<footer>trainvitals {__version__}</footer></body></html>\n"
    )


def section(landscape: Landscape) -> str:
    """What stands below the heading, for a page that has both styles."""
    told = "".join(f"<li>{xml(sentence)}</li>" for sentence in landscape.sentences)
    pictures = "".join(f"<figure>{svg.inline(drawing(panel))}</figure>\n" for panel in landscape.panels)
    return f"<ul>{told}</ul>\n{pictures}{''.join(map(_table, landscape.tables))}"


def _table(table: Table) -> str:
    head = "".join(f"<th>{xml(column)}</th>" for column in table.columns)
    rows = "".join(f"<tr>{''.join(f'<td>{xml(words.cell(c))}</td>' for c in row)}</tr>\n" for row in table.rows)
    return f'<h3>{xml(table.title)}</h3><div class="wide"><table><tr>{head}</tr>\n{rows}</table></div>\n'
