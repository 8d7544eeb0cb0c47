"""What all HTML pages share: the document around a body, tables, lists and pictures with their keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trainvitals import __version__
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import UNICODE
from trainvitals.diagnostics.render.sanitise import xml
from trainvitals.diagnostics.render.status import meaning
from trainvitals.diagnostics.render.style import STYLE
from trainvitals.diagnostics.report import Cell, Severity, Table, Verdict

MOST_ROWS = 60


def document(title: str, body: str, footer: str, style: str = "") -> str:
    """A page around a body that is HTML already; nothing in it may run or load anything. Titles are text."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>trainvitals: {xml(title)}</title><style>{STYLE}{style}</style></head><body>\n{body}"
        f"<footer>{xml(footer)} · trainvitals {__version__}</footer></body></html>\n"
    )


def stamp(word: Verdict | Severity) -> str:
    """A verdict or a severity with its icon."""
    return f'<span class="stamp {word}">{UNICODE.icon(word)} {word.upper()}</span>'


def items(sentences: Iterable[str]) -> str:
    """A list of sentences; nothing for none."""
    lines = "".join(f"<li>{xml(sentence)}</li>" for sentence in sentences)
    return f"<ul>{lines}</ul>\n" if lines else ""


def figure(drawing: str, names: Sequence[str], *, raw: bool = False) -> str:
    """A drawing with a key of its curves, in their order."""
    key = "".join(f'<span class="key k{i}">{xml(name)}</span>' for i, name in enumerate(names[:4]))
    key += '<span class="key kraw">as logged</span>' if raw else ""
    return f"<figure>{drawing}<figcaption>{key}</figcaption></figure>\n"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A table of text; the columns `right` hold numbers."""
    flush = set(right)
    top = "".join(f"<th{_number(i in flush)}>{xml(name)}</th>" for i, name in enumerate(head))
    body = "".join(
        f"<tr>{''.join(f'<td{_number(i in flush)}>{xml(cell)}</td>' for i, cell in enumerate(row))}</tr>\n"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table></div>\n'


def table(one: Table, above: str = "") -> str:
    """A status table under its title and what is drawn `above`; words that are good or bad have their colour."""
    right = {i for i in range(len(one.columns)) if any(isinstance(row[i], int | float) for row in one.rows)}
    status = one.columns.index("status") if "status" in one.columns else -1
    top = "".join(f"<th{_number(i in right)}>{xml(name)}</th>" for i, name in enumerate(one.columns))
    body = "".join(
        f"<tr>{''.join(_cell(cell, i in right, i == status) for i, cell in enumerate(row))}</tr>\n"
        for row in one.rows[:MOST_ROWS]
    )
    more = f"<p>and {len(one.rows) - MOST_ROWS} more rows</p>" if len(one.rows) > MOST_ROWS else ""
    drawn = f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>\n{body}</tbody></table></div>'
    return f"<h3>{xml(one.title)}</h3>{above}{drawn}{more}\n"


def _cell(cell: Cell, right: bool, status: bool) -> str:
    text = words.cell(cell)
    kind = meaning(text) if status else ""
    return f'<td class="{kind}">{xml(text)}</td>' if kind else f"<td{_number(right)}>{xml(text)}</td>"


def _number(right: bool) -> str:
    return ' class="n"' if right else ""
