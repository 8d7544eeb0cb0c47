"""The kinds of output of `report` and `check`, each imported only when it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainvitals.diagnostics.commands import console
from trainvitals.diagnostics.report import Report

if TYPE_CHECKING:
    from trainvitals.diagnostics.pipeline import Examined
    from trainvitals.diagnostics.settings import Level

FORMATS = ("text", "json", "jsonl", "markdown", "html", "junit", "sarif", "github", "gitlab")


@dataclass(frozen=True, slots=True)
class Style:
    """What the user asked for: a format, a file or None for standard output, and how the text looks."""

    form: str
    target: str | None
    fail_on: Level
    no_color: bool = False
    verbose: bool = False


def rendered(examined: Iterable[Examined], style: Style) -> tuple[str, tuple[Report, ...]]:
    """The output, and the reports in it. The series of a run are held no longer than its picture takes."""
    reports: list[Report] = []
    if style.form == "html":
        from trainvitals.diagnostics.render import html

        return html.render((one.report, one.normalised) for one in _noted(examined, reports)), tuple(reports)
    reports += [one.report for one in examined]
    return _text(tuple(reports), style), tuple(reports)


def _noted(examined: Iterable[Examined], reports: list[Report]) -> Iterator[Examined]:
    for one in examined:
        reports.append(one.report)
        yield one


def _text(reports: tuple[Report, ...], style: Style) -> str:
    if style.form == "text":
        return _page(reports, style)
    if style.form == "junit":
        from trainvitals.diagnostics.render import junit

        return junit.render(reports, style.fail_on)
    if style.form == "sarif":
        from trainvitals.diagnostics.render import sarif
        from trainvitals.diagnostics.rules import RULES

        return sarif.render(reports, RULES)
    from trainvitals.diagnostics.render import github, gitlab, json, jsonl, markdown

    plain: dict[str, Callable[[tuple[Report, ...]], str]] = {
        "json": json.render,
        "jsonl": jsonl.render,
        "markdown": markdown.render,
        "github": github.render,
        "gitlab": gitlab.render,
    }
    return plain[style.form](reports)


def _page(reports: tuple[Report, ...], style: Style) -> str:
    from trainvitals.diagnostics.render import page, text

    to_file = style.target not in (None, "-")
    blocks = page.UNICODE.blocks + page.UNICODE.fail + page.UNICODE.arrow
    return text.render(
        reports,
        page.Page(
            width=console.PLAIN_WIDTH if to_file else console.width(sys.stdout),
            colour=not to_file and console.wants_colour(sys.stdout, os.environ, forbidden=style.no_color),
            glyphs=page.UNICODE if to_file or console.can_encode(sys.stdout, blocks) else page.ASCII,
            verbose=style.verbose,
        ),
    )
