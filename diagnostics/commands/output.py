"""The kinds of output of `report` and `check`, each imported only when it is asked for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trainvitals.diagnostics.commands import console
from trainvitals.diagnostics.report import Report

if TYPE_CHECKING:
    from trainvitals.diagnostics.case import Case
    from trainvitals.diagnostics.pipeline import Examined
    from trainvitals.diagnostics.settings import Level, Settings

FORMATS = ("text", "json", "jsonl", "markdown", "html", "junit", "sarif", "github", "gitlab")


@dataclass(frozen=True, slots=True)
class Style:
    """What the user asked for: a format, a file or None for standard output, and how the text looks.

    `also` are further pairs of format and file, of the same runs.
    """

    form: str
    target: str | None
    fail_on: Level
    no_color: bool = False
    verbose: bool = False
    statistics: bool = False
    also: tuple[tuple[str, str], ...] = ()

    @property
    def outputs(self) -> tuple[tuple[str, str | None], ...]:
        """All pairs of format and file, the main one first."""
        return ((self.form, self.target), *self.also)


def rendered(
    examined: Iterable[Examined], style: Style, settings: Settings, baselines: Sequence[Case] = ()
) -> tuple[tuple[tuple[str, str | None], ...], tuple[Report, ...]]:
    """Pairs of text and file for all outputs, and the reports in them; `baselines` are shown beside each run.

    The series of a run are held no longer than its picture takes.
    """
    reports: list[Report] = []
    page = ""
    if any(form == "html" for form, _ in style.outputs):
        from trainvitals.diagnostics.render import html

        pairs = ((one.report, one.normalised) for one in _noted(examined, reports))
        page = html.render(pairs, settings.all_loss_types(), baselines)
    else:
        reports += [one.report for one in examined]
    made = tuple(reports)
    texts = ((page if form == "html" else _text(made, form, target, style), target) for form, target in style.outputs)
    return tuple(texts), made


def _noted(examined: Iterable[Examined], reports: list[Report]) -> Iterator[Examined]:
    for one in examined:
        reports.append(one.report)
        yield one


def _text(reports: tuple[Report, ...], form: str, target: str | None, style: Style) -> str:
    if form == "text":
        return _statistics(reports) if style.statistics else _page(reports, target, style)
    if form == "junit":
        from trainvitals.diagnostics.render import junit

        return junit.render(reports, style.fail_on)
    if form == "sarif":
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
    return plain[form](reports)


def _statistics(reports: tuple[Report, ...]) -> str:
    """One line per rule with findings: how many, of which severity, in how many runs; then what was checked."""
    from trainvitals.diagnostics.render import page, words
    from trainvitals.diagnostics.report import SEVERITIES, told

    found: dict[tuple[int, str, str], list[int]] = {}
    for number, report in enumerate(reports):
        for f in told(report.findings):
            found.setdefault((SEVERITIES.index(f.severity), f.code, f.name), []).append(number)
    rows = [
        (str(len(runs)), SEVERITIES[severity], code, name, words.count(len(set(runs)), "run"))
        for (severity, code, name), runs in sorted(found.items(), key=lambda item: (item[0][0], -len(item[1]), item[0]))
    ]
    lines = page.Page(console.PLAIN_WIDTH).columns(rows, right=(0,)) if rows else []
    return "".join(f"{line[2:]}\n" for line in lines) + f"{words.checked(reports)}\n"


def _page(reports: tuple[Report, ...], target: str | None, style: Style) -> str:
    from trainvitals.diagnostics.render import page, text

    to_file = target not in (None, "-")
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
