"""`report` and `check`: judge runs, and end with a code that scripts can act on."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from trainvitals.diagnostics.commands import console, output
from trainvitals.diagnostics.report import SEVERITIES, Report, worst

if TYPE_CHECKING:
    from trainvitals.diagnostics.baseline import Accepted
    from trainvitals.diagnostics.case import Case
    from trainvitals.diagnostics.pipeline import Examined
    from trainvitals.diagnostics.settings import Settings

STDIN = "-"
STDIN_NAME = "<stdin>"

Command = Callable[..., Any]


def _shared_options(command: Command) -> Command:
    """What `report` and `check` have in common."""
    options = (
        click.argument("paths", metavar="PATH...", type=console.FILE, nargs=-1, required=True),
        click.option("--format", "form", type=click.Choice(output.FORMATS), default="text", help="Kind of output."),
        click.option(
            "-o",
            "--output",
            "target",
            metavar="FILE",
            type=console.FILE,
            help="Write there instead of to standard output.",
        ),
        click.option("--also", multiple=True, metavar="FORMAT=FILE", help="A further output of the same runs."),
        click.option("--select", multiple=True, metavar="CODES", help="Only these rules: R102, or R for a family."),
        click.option("--ignore", multiple=True, metavar="CODES", help="Not these rules."),
        click.option("--config", "assigned", multiple=True, metavar="KEY=VALUE", help="A setting: rules.L104.z=10."),
        click.option("--isolated", is_flag=True, help="Read no settings file."),
        click.option("--no-color", is_flag=True, help="No colours; so does NO_COLOR."),
        click.option("-v", "--verbose", is_flag=True, help="Details of all runs, and everything in full."),
    )
    return functools.reduce(lambda wrapped, option: option(wrapped), reversed(options), command)


@click.command(short_help="Say whether runs are healthy, and why.")
@_shared_options
def report(paths: tuple[str, ...], form: str, target: str | None, **options: Any) -> int:
    """Say whether runs are healthy, since when not, why, and what to change.

    PATH is a log file, the folder of a run, a folder of runs, or - for standard input.

    Exit code: 0 healthy, 1 findings, 2 wrong usage or a source that cannot be read, 5 nothing to judge.
    """
    return _run(paths, form, target, options)


@click.command(short_help="The same for scripts and CI.")
@_shared_options
@click.option("--fail-on", type=click.Choice(("warn", "fail")), help="Lowest severity that fails the check [fail].")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 also when there are findings.")
@click.option("--strict", is_flag=True, help="Fail also for runs about which nothing can be said.")
@click.option(
    "--baseline", metavar="FILE", type=console.FILE, help="Findings that are accepted: they are notes and fail nothing."
)
@click.option(
    "--write-baseline", metavar="FILE", type=console.FILE, help="Accept all findings of today: leave them there."
)
@click.option(
    "--against",
    multiple=True,
    metavar="PATH",
    type=console.FILE,
    help="Healthy runs of the same kind to hold them against.",
)
@click.option("--statistics", is_flag=True, help="How many findings of each rule, in place of the findings.")
def check(paths: tuple[str, ...], form: str, target: str | None, exit_zero: bool, strict: bool, **options: Any) -> int:
    """Judge runs as report does, for scripts and CI.

    PATH is a log file, the folder of a run, a folder of runs, or - for standard input.

    Exit code: 0 nothing at or above the level, 1 findings, 2 wrong usage or a source that cannot be read,
    5 nothing to judge.
    """
    code = _run(paths, form, target, options, strict=strict)
    return console.OK if exit_zero and code == console.FINDINGS else code


def _run(paths: Sequence[str], form: str, target: str | None, options: dict[str, Any], *, strict: bool = False) -> int:
    settings = settings_of(paths, options)
    paths = _expanded(paths)
    present = tuple(path for path in paths if path == STDIN or os.path.lexists(path))
    style = output.Style(
        form,
        target,
        settings.fail_on,
        options["no_color"],
        options["verbose"],
        options.get("statistics", False),
        tuple(map(_also, options["also"])),
    )
    accepted = _baseline(options.get("baseline"))
    against = _against(options.get("against", ()), settings)
    examined = _accepted(_examined(present, settings, against), accepted)
    texts, reports = output.rendered(examined, style, settings, against)
    if present and not reports:
        console.complain(f"no log was found in {', '.join(present)}")
    for text, file in texts:
        console.write(text, file)
    _after(reports, accepted, options)
    for path in paths:
        if path not in present:
            console.complain(f"{path}: does not exist")
    return exit_code(reports, settings.fail_on, strict=strict) if len(present) == len(paths) else console.WRONG


def _expanded(paths: Sequence[str]) -> tuple[str, ...]:
    """The paths, with patterns that no shell has expanded (quoted ones, and those in a workflow file) expanded."""
    import glob

    found = ((path,) if _is_plain(path) else sorted(glob.glob(path, recursive=True)) or (path,) for path in paths)
    return tuple(path for group in found for path in group)


def _is_plain(path: str) -> bool:
    return path == STDIN or os.path.lexists(path) or not any(character in path for character in "*?[")


def _also(text: str) -> tuple[str, str]:
    form, _, file = text.partition("=")
    if form not in output.FORMATS or not file:
        raise click.BadParameter(f"{text!r} is not FORMAT=FILE with one of {', '.join(output.FORMATS)}")
    return form, file


def _baseline(path: str | None) -> tuple[Accepted, ...]:
    """The accepted findings of a file; none without one."""
    if path is None:
        return ()
    from trainvitals.diagnostics.baseline import load

    return load(path)


def _against(paths: Sequence[str], settings: Settings) -> tuple[Case, ...]:
    """The healthy runs at these paths.

    Raises:
        click.UsageError: none of them can be used.
    """
    if not paths:
        return ()
    from trainvitals.diagnostics.pipeline import cases

    found = tuple(case for case in cases(_expanded(paths), settings) if case.run.points)
    if not found:
        raise click.UsageError(f"--against: no run was found in {', '.join(paths)}")
    return found


def _accepted(examined: Iterator[Examined], accepted: tuple[Accepted, ...]) -> Iterator[Examined]:
    if not accepted:
        return examined
    from trainvitals.diagnostics.baseline import accept

    return (replace(one, report=accept(one.report, accepted)) for one in examined)


def _after(reports: Sequence[Report], accepted: tuple[Accepted, ...], options: dict[str, Any]) -> None:
    """Say what of a baseline has expired, and write one if that is asked for."""
    from trainvitals.diagnostics import baseline

    for one in baseline.expired(reports, accepted):
        console.complain(f"{options['baseline']}: no longer found, take it out: {one.code} in {one.run}")
    if options.get("write_baseline"):
        console.write(baseline.dumps(reports), options["write_baseline"])


def exit_code(reports: Sequence[Report], fail_on: str, *, strict: bool = False) -> int:
    """The exit code for these reports; a log that could not be read outranks what was found in the others."""
    if any(source.error and source.format != "hyperparameters" for report in reports for source in report.sources):
        return console.WRONG
    if not any(report.points for report in reports) and not _found(reports, fail_on):
        return console.NOTHING
    inconclusive = strict and any(report.verdict == "unknown" for report in reports)
    return console.FINDINGS if inconclusive or _found(reports, fail_on) else console.OK


def _found(reports: Sequence[Report], fail_on: str) -> bool:
    counted = SEVERITIES[: SEVERITIES.index("fail" if fail_on == "fail" else "warn") + 1]
    return any(worst(report.findings) in counted for report in reports)


def settings_of(paths: Sequence[str], options: dict[str, Any]) -> Settings:
    """The settings of the nearest file, with what the command line says on top of them."""
    from trainvitals.diagnostics.rules import RULES
    from trainvitals.diagnostics.settings import Settings, assigned, codes, find, override

    settings, passed_over = (Settings(), ()) if options["isolated"] else find(os.curdir, RULES, paths)
    if settings.origin:
        console.complain(f"settings from {os.path.relpath(settings.origin)}")
    for path in passed_over:
        console.complain(f"{os.path.relpath(path)} is not used: it lies inside the logs that it would judge")
    chosen = {
        key: codes(_split(options[key]), RULES, "command line", f"--{key}") if options[key] else None
        for key in ("select", "ignore")
    }
    settings = assigned(settings, options["assigned"], RULES)
    return override(settings, fail_on=options.get("fail_on"), **chosen)


def _split(given: Sequence[str]) -> list[str]:
    return [code for text in given for code in text.split(",") if code.strip()]


def _examined(paths: Sequence[str], settings: Settings, against: tuple[Case, ...]) -> Iterator[Examined]:
    """Each run as it is judged, with progress; what could not be read is said at once."""
    for one in console.progress(_examine(paths, settings, against), "reading runs:"):
        for source in one.report.sources:
            if source.error:
                console.complain(f"{source.path}: {source.error}")
        yield one


def _examine(paths: Sequence[str], settings: Settings, against: tuple[Case, ...]) -> Iterator[Examined]:
    from trainvitals.diagnostics.pipeline import examine, examine_runs
    from trainvitals.parsers.reading import read_bytes

    yield from examine([path for path in paths if path != STDIN], settings, against)
    if STDIN in paths:
        yield from examine_runs(read_bytes(STDIN_NAME, read_stdin(), patterns=settings.patterns), settings, against)


def read_stdin() -> bytes:
    """All of standard input.

    Raises:
        ReadError: it is larger than a log may be.
    """
    from trainvitals.parsers.errors import ReadError
    from trainvitals.parsers.limits import MAX_FILE_BYTES

    data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise ReadError(STDIN_NAME, f"has more than the limit of {MAX_FILE_BYTES} bytes")
    return data
