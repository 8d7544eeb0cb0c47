"""What all commands share: exit codes, where output goes, progress, and mistakes that are answered with a guess."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, TypeVar

import click

from trainvitals.diagnostics.render.sanitise import terminal

if TYPE_CHECKING:
    from trainvitals.parsers.text.template import Template

T = TypeVar("T")

OK, FINDINGS, WRONG, NOTHING = 0, 1, 2, 5
"""Exit codes: nothing at or above the level; findings; wrong usage, settings or source; nothing to judge."""
INTERRUPTED, BROKEN_PIPE = 130, 141
"""As shells report a program that was ended by SIGINT or SIGPIPE."""

PLAIN_WIDTH = 80
"""Width of output that goes to a file or a pipe."""
MAX_WIDTH = 120
"""Sentences wider than this are hard to read."""

FILE = click.Path(readable=False)
"""Names of files and folders, which shells then complete; whether they exist, the commands say."""


class Program(click.Group):
    """The group of all commands: answers mistypings with a guess, and exits as documented."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is meant; the error for an unknown one names the closest."""
        if args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            unknown(f"no command {args[0]!r}", args[0], self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and turn every way to end into its exit code."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except (KeyboardInterrupt, click.Abort):
            code = INTERRUPTED
        except click.ClickException as error:
            code = _explain(error)
        except Exception as error:  # noqa: BLE001 (a fault of ours must not end with the code for findings)
            code = _fail(error)
        sys.exit(code if isinstance(code, int) else OK)


def _explain(error: click.ClickException) -> int:
    context = getattr(error, "ctx", None)
    if context is not None:
        click.echo(context.get_usage(), err=True)
    complain(error.format_message())
    if context is not None:
        click.echo(f"Try '{context.command_path} --help' for help.", err=True)
    return WRONG


def _fail(error: Exception) -> int:
    import traceback

    from trainvitals.parsers.errors import TrainvitalsError

    if isinstance(error, TrainvitalsError):
        complain(str(error))
    else:
        for line in "".join(traceback.format_exception(error)).splitlines():
            click.echo(terminal(line, limit=1000), err=True)
        complain("internal error; please report it with the lines above")
    return WRONG


def _discard_output() -> None:
    # The interpreter flushes once more on its way out, and must not fail there.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def unknown(problem: str, given: str, known: Iterable[str], context: click.Context | None = None) -> NoReturn:
    """End with a usage error that names the closest of what is known."""
    import difflib

    close = difflib.get_close_matches(given, tuple(known), n=1, cutoff=0.5)
    raise click.UsageError(problem + (f"; did you mean {close[0]!r}?" if close else ""), ctx=context)


def complain(message: str) -> None:
    """A message about what went wrong, on standard error; file names in it are made inert."""
    click.echo(f"trainvitals: {terminal(message, limit=1000)}", err=True)


def write(text: str, path: str | None = None) -> None:
    """Data, to standard output or to a file.

    Raises:
        click.FileError: the file cannot be written.
    """
    if path is None or path == "-":
        # Names of runs may hold what the terminal's encoding has not.
        reconfigure = getattr(sys.stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()
            raise click.exceptions.Exit(BROKEN_PIPE) from None
        return
    try:
        with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise click.FileError(path, error.strerror or str(error)) from error


def patterns(paths: Sequence[str], *, isolated: bool) -> tuple[Template, ...]:
    """The line patterns of the nearest settings, for commands that need nothing else of them.

    Raises:
        SettingsError: the settings cannot be used.
    """
    from trainvitals.diagnostics.rules import RULES
    from trainvitals.diagnostics.settings import find

    return () if isolated else find(os.curdir, RULES, paths)[0].patterns


def progress(reports: Iterable[T], what: str) -> Iterator[T]:
    """The same items; while they come, a line on standard error counts them if that is a terminal."""
    live = sys.stderr.isatty()
    try:
        for index, report in enumerate(reports, 1):
            if live:
                sys.stderr.write(f"\r{what} {index}")
                sys.stderr.flush()
            yield report
    finally:
        if live:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def wants_colour(stream: TextIO, environment: Mapping[str, str], *, forbidden: bool = False) -> bool:
    """Whether to colour: only on a terminal that can, and where neither the user nor `NO_COLOR` forbids it."""
    if forbidden or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return stream.isatty()


def can_encode(stream: TextIO, text: str) -> bool:
    """Whether a stream's encoding has all of these characters."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def width(stream: TextIO) -> int:
    """Cells of a line: those of the terminal within reason, a fixed number elsewhere."""
    if not stream.isatty():
        return PLAIN_WIDTH
    return max(40, min(shutil.get_terminal_size((PLAIN_WIDTH, 24)).columns, MAX_WIDTH))
