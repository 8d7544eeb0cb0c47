"""What the tool knows: `formats`, `rules`, `rule CODE`, `loss-types`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from trainvitals.diagnostics.commands import console

if TYPE_CHECKING:
    from trainvitals.parsers.trial import Trial

WHOLE = 1000
"""Cells of a line that goes to a file or a pipe: nothing is cut."""


def _lines(rows: Sequence[Sequence[str]]) -> str:
    from trainvitals.diagnostics.render.page import Page

    width = console.width(sys.stdout) if sys.stdout.isatty() else WHOLE
    return "\n".join(line[2:] for line in Page(width).columns(rows)) + "\n"


@click.command(short_help="List the log formats, or try them on a file.")
@click.option(
    "--test",
    "tested",
    multiple=True,
    metavar="FILE",
    type=console.FILE,
    help="Say how a file would be read, and what not.",
)
@click.option("--isolated", is_flag=True, help="Read no settings file, and so no patterns.")
def formats(tested: tuple[str, ...], isolated: bool) -> int:
    """List the log formats that are read; or say how a file would be read.

    With --test: the format and how sure the others were, rows with the values that are taken from them, lines that look
    like metrics and are not understood, and doubtful ones with the reason. FILE may be - for standard input.

    Exit code: 0 everything is understood, 1 lines are not, 2 a file cannot be read, 5 it holds no values.
    """
    from trainvitals.parsers.formats import FORMATS

    if tested:
        return _test(tested, isolated=isolated)
    console.write(_lines([(known.name, known.title) for known in FORMATS]))
    return console.OK


def _test(paths: Sequence[str], *, isolated: bool) -> int:
    from trainvitals.diagnostics.commands.judge import STDIN, STDIN_NAME, read_stdin
    from trainvitals.diagnostics.render import trial
    from trainvitals.diagnostics.render.page import Page
    from trainvitals.parsers.trial import try_log

    patterns = console.patterns(paths, isolated=isolated)
    codes = []
    for path in paths:
        piped = path == STDIN
        found = try_log(STDIN_NAME if piped else path, read_stdin() if piped else None, patterns)
        console.write(trial.render(found, Page(console.width(sys.stdout))))
        if found.source.error:
            console.complain(f"{found.source.path}: {found.source.error}")
        codes.append(_code(found))
    # A file that cannot be read outranks lines that are not understood, and these a file without values.
    return next((code for code in (console.WRONG, console.FINDINGS, console.NOTHING) if code in codes), console.OK)


def _code(found: Trial) -> int:
    if found.source.error:
        return console.WRONG
    if found.source.unread_lines:
        return console.FINDINGS
    return console.OK if found.rows_read else console.NOTHING


@click.command(short_help="List the health rules.")
def rules() -> None:
    """List the health rules: code, usual severity, name, what each says; then what no rule can see."""
    from trainvitals.diagnostics.invisible import INVISIBLE
    from trainvitals.diagnostics.rules import RULES

    console.write(_lines([(rule.code, rule.severity, rule.name, rule.summary) for rule in RULES]))
    console.write("\nNo scalar shows these faults, whatever the verdict says:\n\n")
    console.write(_lines(INVISIBLE))


@click.command(short_help="Explain one rule.")
@click.argument("code")
@click.pass_context
def rule(context: click.Context, code: str) -> None:
    """Explain one rule: what it checks, why it is bad, what to try, and its thresholds.

    CODE is a code such as R102, or a name such as ratio-overfit.
    """
    from trainvitals.diagnostics.rules import RULES

    one = next((r for r in RULES if code.upper() == r.code or code.lower() == r.name), None)
    if one is None:
        wanted = code.upper() if any(c.isdigit() for c in code) else code.lower()
        console.unknown(f"no rule {code!r}", wanted, [n for r in RULES for n in (r.code, r.name)], context)
    lines = [f"{one.code} {one.name} (usually {one.severity})", "", one.docs]
    if one.thresholds:
        lines += ["", "Thresholds, as trainvitals.toml would set them:", "", f"    [rules.{one.code}]"]
        lines += [f"    {name} = {_toml(value)}" for name, value in one.thresholds.items()]
    console.write("\n".join(lines) + "\n")


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)


@click.command("loss-types", short_help="List the loss types.")
@click.option("--isolated", is_flag=True, help="Read no settings file.")
def loss_types(isolated: bool) -> None:
    """List the loss types and the metrics by which they are recognised, the user's own first."""
    from trainvitals.diagnostics.rules import RULES
    from trainvitals.diagnostics.settings import Settings, find

    settings = Settings() if isolated else find(os.curdir, RULES)[0]
    for known in settings.all_loss_types():
        console.write(f"{known.name}: {known.title}\n")
        for names in known.recognise:
            wanted = " + ".join(sorted(name for name in names if not name.startswith("!")))
            barred = " or ".join(sorted(name[1:].replace("*", "...") for name in names if name.startswith("!")))
            console.write(f"    {wanted}{f'  (and no {barred})' if barred else ''}\n")
