"""`compare`: runs side by side."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from trainvitals.diagnostics.commands import console

if TYPE_CHECKING:
    from trainvitals.diagnostics.case import Case
    from trainvitals.diagnostics.compare.model import Comparison
    from trainvitals.diagnostics.settings import Settings
    from trainvitals.parsers.model import Series

FORMATS = ("text", "json", "markdown", "html")
BY = ("tokens", "steps", "time")


@click.command(short_help="Put runs side by side, and say what differs.")
@click.argument("paths", metavar="PATH...", type=console.FILE, nargs=-1, required=True)
@click.option("--group", "groups", multiple=True, metavar="PATTERN", help="Runs that are one method: 'base-*'.")
@click.option("--metric", "asked", multiple=True, metavar="NAME", help="Only this: loss, 'eval loss', 'pck*'.")
@click.option("--by", type=click.Choice(BY), help="Match by this, not by the first that all have.")
@click.option("--last", type=click.FloatRange(0.05, 1), default=0.3, help="Share of the common range, its end [0.3].")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="Kind of output.")
@click.option(
    "-o", "--output", "target", metavar="FILE", type=console.FILE, help="Write there instead of to standard output."
)
@click.option("--isolated", is_flag=True, help="Read no settings file.")
@click.option("--no-color", is_flag=True, help="No colours; so does NO_COLOR.")
@click.option("-v", "--verbose", is_flag=True, help="All settings and all sentences.")
def compare(
    paths: tuple[str, ...],
    groups: tuple[str, ...],
    asked: tuple[str, ...],
    by: str | None,
    last: float,
    form: str,
    target: str | None,
    **options: Any,
) -> int:
    """Compare the first run with the others: settings first, then each metric over the end of what they share.

    Runs whose paths differ only in a seed (seed0, s1, -seed-3) are one group, and so are those that --group names.
    No smoothing; each verdict says how much its evidence can mean.

    Exit code: 0 compared, 2 wrong usage or a source that cannot be read, 5 nothing is comparable.
    """
    from trainvitals.diagnostics.compare.comparing import compare as compared
    from trainvitals.diagnostics.render.comparison_rows import why_nothing

    cases, unreadable = _cases(paths, _settings(paths, isolated=options["isolated"]))
    usable = [case for case in cases if case.run.points]
    for case in cases:
        if not case.run.points:
            console.complain(f"{case.run.name}: no usable series")
    if len(usable) < 2:
        console.complain(f"a comparison needs two runs; found {len(usable)}")
        return console.WRONG if unreadable else console.NOTHING
    _known(usable, asked)
    found = compared(usable, groups, by or "", last, asked)
    console.write(_text(found, _drawn(usable, asked), form, target, options), target)
    if not found.rows:
        console.complain(why_nothing(found))
    if unreadable:
        return console.WRONG
    return console.OK if found.rows else console.NOTHING


def _known(cases: Sequence[Case], asked: Sequence[str]) -> None:
    """Refuse a metric that no run has: a misspelt name must not end as "nothing differs".

    Raises:
        click.BadParameter: naming those that come close.
    """
    import difflib

    from trainvitals.diagnostics.compare.metrics import label, named

    for name in asked:
        if not named(cases, name):
            names = dict.fromkeys(label(s.metric, s.split) for case in cases for s in case.run.series)
            close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or list(names)[:5]
            raise click.BadParameter(f"no run has {name!r}; there is {', '.join(close)}", param_hint="'--metric'")


def _drawn(cases: Sequence[Case], asked: Sequence[str]) -> list[tuple[str, Series]]:
    """Runs with the curve to draw of each: the first metric that was asked for, or the loss."""
    from trainvitals.diagnostics.compare.metrics import named

    key = named(cases, asked[0])[0] if asked else None
    found = [(case.run.name, case.get(*key) if key else case.loss) for case in cases]
    return [(name, series) for name, series in found if series is not None]


def _settings(paths: tuple[str, ...], *, isolated: bool) -> Settings:
    from trainvitals.diagnostics.rules import RULES
    from trainvitals.diagnostics.settings import Settings, find

    return Settings() if isolated else find(os.curdir, RULES, paths)[0]


def _cases(paths: tuple[str, ...], settings: Settings) -> tuple[list[Case], bool]:
    """(the runs in the order in which they were named, whether something could not be read)."""
    from trainvitals.diagnostics.diagnosis import case_of
    from trainvitals.diagnostics.normalisation import normalise
    from trainvitals.parsers import discover, read_all

    cases, unreadable = [], False
    for path in paths:
        if not os.path.lexists(path):
            console.complain(f"{path}: does not exist")
            unreadable = True
            continue
        for files in console.progress(discover([path]), "reading runs:"):
            for run in read_all(files, patterns=settings.patterns):
                for source in run.sources:
                    if source.error and source.format != "hyperparameters":
                        console.complain(f"{source.path}: {source.error}")
                        unreadable = True
                cases.append(case_of(normalise(run), settings))
    return cases, unreadable


def _text(
    found: Comparison, curves: list[tuple[str, Series]], form: str, target: str | None, options: dict[str, Any]
) -> str:
    from trainvitals.diagnostics.render import comparison_html, comparison_json, comparison_markdown

    if form == "json":
        return comparison_json.render(found)
    if form == "markdown":
        return comparison_markdown.render(found)
    if form == "html":
        return comparison_html.render(found, curves)
    return _page(found, target, options)


def _page(found: Comparison, target: str | None, options: dict[str, Any]) -> str:
    from trainvitals.diagnostics.render import comparison_text, page

    to_file = target not in (None, "-")
    plain = to_file or console.can_encode(sys.stdout, page.UNICODE.arrow + page.UNICODE.dot)
    return comparison_text.render(
        found,
        page.Page(
            width=console.PLAIN_WIDTH if to_file else console.width(sys.stdout),
            colour=not to_file and console.wants_colour(sys.stdout, os.environ, forbidden=options["no_color"]),
            glyphs=page.UNICODE if plain else page.ASCII,
            verbose=options["verbose"],
        ),
    )
