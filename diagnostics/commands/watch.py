"""`watch`: follow live runs, and say what is found as it appears."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

import click

from trainvitals.diagnostics.commands import console
from trainvitals.diagnostics.commands.judge import STDIN, STDIN_NAME, exit_code, settings_of

if TYPE_CHECKING:
    from trainvitals.diagnostics.render.page import Page
    from trainvitals.diagnostics.report import Report
    from trainvitals.diagnostics.settings import Level
    from trainvitals.diagnostics.watching.news import Found, News
    from trainvitals.diagnostics.watching.notify import Webhook
    from trainvitals.diagnostics.watching.watcher import Watcher
    from trainvitals.parsers.following import Follower
    from trainvitals.parsers.text.template import Template

SHORTEST, LONGEST = 2.0, 30.0
"""Seconds between two looks, unless the user says how many."""

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+", re.ASCII)


class Seconds(click.ParamType[float]):
    """A duration: `90s`, `10m`, `2h`, `1h30m`, or seconds without a unit."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if isinstance(value, float):
            return value
        text = str(value).strip().lower()
        if re.fullmatch(r"\d+(?:\.\d+)?", text, re.ASCII):
            text += "s"
        if not _DURATION.fullmatch(text):
            self.fail(f"{value!r} is no duration such as 90s, 10m or 1h30m", param, ctx)
        seconds = sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)([smhd])", text))
        if not 0 < seconds < 1e9:
            self.fail(f"{value!r} is not a time to wait for", param, ctx)
        return seconds


@click.command(short_help="Follow a live run; say what is found as it appears.")
@click.argument("path", metavar="PATH", type=console.FILE)
@click.option("--until", type=Seconds(), metavar="DURATION", help="End after this time: 10m, 2h.")
@click.option("--interval", type=Seconds(), metavar="DURATION", help="Time between two looks [2 to 30 s, as needed].")
@click.option("--on-fail", metavar="COMMAND", help="Run this once, at the first failure that is sure.")
@click.option("--webhook", metavar="URL", help="Tell this address too; its host must be in the settings.")
@click.option("--fail-on", type=click.Choice(("warn", "fail")), help="Lowest severity that fails the run [fail].")
@click.option("--format", "form", type=click.Choice(("text", "jsonl")), default="text", help="Kind of output.")
@click.option("--select", multiple=True, metavar="CODES", help="Only these rules: R102, or R for a family.")
@click.option("--ignore", multiple=True, metavar="CODES", help="Not these rules.")
@click.option("--config", "assigned", multiple=True, metavar="KEY=VALUE", help="A setting: rules.L104.z=10.")
@click.option("--isolated", is_flag=True, help="Read no settings file.")
@click.option("--no-color", is_flag=True, help="No colours; so does NO_COLOR.")
def watch(path: str, form: Literal["text", "jsonl"], **options: Any) -> int:
    """Follow a live run, and say what is found as it appears.

    PATH is a log file, the folder of a run, a folder of runs, or - for standard input. It need not exist yet.

    It ends when the run says that it has finished, after --until, at the end of standard input, or with Ctrl-C; then it
    sums up. COMMAND sees TRAINVITALS_RUN, TRAINVITALS_CODE and TRAINVITALS_STEP in its environment; no shell is used.
    It is run at once for what is no number, has crashed or has stalled; any other failure has to stand until the log is
    a tenth longer.

    Exit code: 0 healthy, 1 findings, 2 wrong usage or a source that cannot be read, 5 nothing to judge.
    """
    from trainvitals.diagnostics.watching.watcher import Watcher

    settings = settings_of([path], options)
    teller = _Teller(form, settings.fail_on, options, settings.webhook_hosts)
    with _followed(path, settings.patterns) as (follower, ended):
        watcher = Watcher(follower, settings, time.monotonic)
        started = time.monotonic()
        try:
            _watch(watcher, teller, ended, until=options["until"], interval=options["interval"])
        except KeyboardInterrupt:
            console.complain("interrupted; one last look")
        for _ in range(2):  # the second one settles which format a log is of
            teller.tell(watcher.look(last=True), watcher.reports)
        teller.sum_up(watcher, time.monotonic() - started)
        if follower.trouble:
            console.complain(f"{path}: {follower.trouble}")
            return console.WRONG
        return exit_code(watcher.reports, settings.fail_on)


def _watch(
    watcher: Watcher, teller: _Teller, ended: threading.Event, *, until: float | None, interval: float | None
) -> None:
    """Look, tell and wait, until there is a reason to end."""
    end = time.monotonic() + until if until else float("inf")
    pause = interval or SHORTEST
    while True:
        is_last = ended.is_set()
        began = time.monotonic()
        teller.tell(watcher.look(), watcher.reports)
        now = time.monotonic()
        if is_last or watcher.finished or now >= end:
            return
        if interval is None:
            pause = next_pause(pause, changed=watcher.changed, gap=watcher.gap, cost=now - began)
        ended.wait(min(pause, end - now))


def next_pause(pause: float, *, changed: bool, gap: float, cost: float) -> float:
    """Seconds until the next look: about one line of the log, longer while nothing comes, ten times a look's cost."""
    wanted = (gap if gap == gap else pause / 1.5) if changed else 1.5 * pause
    return min(max(wanted, 10 * cost, SHORTEST), LONGEST)


@contextmanager
def _followed(path: str, patterns: tuple[Template, ...]) -> Iterator[tuple[Follower, threading.Event]]:
    """What follows a path, and an event that is set when nothing more can come."""
    from trainvitals.parsers.discover import RunFiles
    from trainvitals.parsers.following import Follower

    ended = threading.Event()
    if path != STDIN:
        yield Follower(path, patterns=patterns), ended
        return
    # What cannot be read twice is kept on disk, as a log that grows.
    with tempfile.TemporaryDirectory(prefix="trainvitals-") as folder:
        kept = os.path.join(folder, "stdin.log")
        reader = threading.Thread(target=_keep, args=(kept, ended), daemon=True)
        with open(kept, "wb"):
            reader.start()
        files = RunFiles(STDIN_NAME, folder, (kept,))
        yield Follower(files, patterns=patterns, shown_as={kept: STDIN_NAME}), ended


def _keep(path: str, ended: threading.Event) -> None:
    try:
        with open(path, "ab", buffering=0) as file:
            while piece := os.read(sys.stdin.fileno(), 1 << 16):
                file.write(piece)
    except OSError as error:
        console.complain(f"{STDIN_NAME}: {error.strerror}")
    finally:
        ended.set()


class _Teller:
    """Prints news, runs the command once, and sends to the web address."""

    def __init__(
        self, form: Literal["text", "jsonl"], fail_on: Level, options: dict[str, Any], hosts: tuple[str, ...]
    ) -> None:
        from trainvitals.diagnostics.watching import notify
        from trainvitals.diagnostics.watching.confirmed import Failures

        self._form = form
        self._failures = Failures(("fail", "warn") if fail_on == "warn" else ("fail",))
        self._page = _page(no_color=options["no_color"])
        self._command = notify.command(options["on_fail"]) if options["on_fail"] else None
        self._webhook: Webhook | None = notify.Webhook(options["webhook"], hosts) if options["webhook"] else None

    def tell(self, news: tuple[News, ...], reports: tuple[Report, ...]) -> None:
        """Print news as they are, and pass findings on; `reports` are those after the same look."""
        from trainvitals.diagnostics.watching import lines
        from trainvitals.diagnostics.watching.news import Found

        for one in news:
            console.write(lines.news(one, self._form, self._page, several=len(reports) > 1))
            if isinstance(one, Found):
                self._send(one)
        self._failures.take(news, reports)
        self._act(reports)

    def sum_up(self, watcher: Watcher, seconds: float) -> None:
        """Act on what still stands, and print the summary."""
        from trainvitals.diagnostics.watching import lines

        self._act(watcher.reports, last=True)

        text = lines.summary(watcher.reports, self._form, self._page, seconds=seconds, looks=watcher.looks)
        console.write(text)

    def _act(self, reports: tuple[Report, ...], *, last: bool = False) -> None:
        """Run the command, once, for the first failure that is sure."""
        from trainvitals.diagnostics.watching import notify

        found = self._failures.sure(reports, last=last) if self._command else None
        if found is None or self._command is None:
            return
        words, self._command = self._command, None
        try:
            notify.run(words, found)
        except notify.NotifyError as error:
            console.complain(str(error))

    def _send(self, found: Found) -> None:
        """Tell the web address of a warning or a failure."""
        problem = self._webhook.tell(found) if self._webhook and found.finding.severity != "info" else ""
        if problem:
            console.complain(problem)


def _page(*, no_color: bool) -> Page:
    from trainvitals.diagnostics.render import page

    return page.Page(
        width=console.width(sys.stdout),
        colour=console.wants_colour(sys.stdout, os.environ, forbidden=no_color),
        glyphs=page.UNICODE
        if console.can_encode(sys.stdout, page.UNICODE.blocks + page.UNICODE.fail + page.UNICODE.arrow)
        else page.ASCII,
    )
