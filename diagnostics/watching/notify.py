"""Telling somebody: a command that is run once, and a web address that the user has allowed.

Nothing that stands in a log is ever part of a command line, or chooses where anything is sent.
"""

from __future__ import annotations

import http.client
import json
import os
import shlex
import ssl
import subprocess
import sys
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

from trainvitals import __version__
from trainvitals.diagnostics.render.json import inert, to_data
from trainvitals.diagnostics.render.sanitise import for_terminal, json_text, terminal, without_secrets
from trainvitals.diagnostics.watching.news import Found, Gone
from trainvitals.parsers.errors import TrainvitalsError

LOCAL = ("127.0.0.1", "localhost", "::1")
"""Hosts on this machine, which need no encryption."""

TIMEOUT = 5.0
"""Seconds to wait for a host, for each step of the conversation."""

PATIENCE = 10.0
"""Seconds that a look may be held up by a host, all in all."""


class NotifyError(TrainvitalsError):
    """A command or an address that cannot be used."""


def command(text: str) -> tuple[str, ...]:
    """The words of a command line; no shell will see them.

    Raises:
        NotifyError: there are none, or a quote is not closed.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise NotifyError(f"--on-fail: {error}") from error
    if not words:
        raise NotifyError("--on-fail: names no command")
    return tuple(words)


def run(words: Sequence[str], found: Found) -> subprocess.Popen[bytes]:
    """Start a command, and wait for nothing; what it is about stands in its environment. Its output goes to stderr.

    Raises:
        NotifyError: it cannot be started.
    """
    step = f"{found.known_at:.17g}" if found.known_at == found.known_at else ""
    about = {
        "TRAINVITALS_RUN": terminal(found.run, 1000),
        "TRAINVITALS_CODE": found.finding.code,
        "TRAINVITALS_STEP": step,
    }
    try:
        return subprocess.Popen(  # noqa: S603 (the user's own command)
            list(words), env={**os.environ, **about}, stdin=subprocess.DEVNULL, stdout=sys.__stderr__
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise NotifyError(f"--on-fail: {words[0]}: {reason}") from error


class Webhook:
    """A web address that is told of findings, if the user's own settings name its host."""

    def __init__(self, url: str, hosts: Sequence[str]) -> None:
        parts = urlsplit(url)
        try:
            self._host, self._port = (parts.hostname or "").lower(), parts.port
        except ValueError as error:
            raise NotifyError("--webhook: the port is no number") from error
        if parts.username is not None or parts.password is not None:
            raise NotifyError("--webhook: names and passwords do not belong into an address")
        if self._host not in hosts:
            raise NotifyError(f"--webhook: {self._host or 'no host'} is not among the webhook-hosts of the settings")
        self._plain = parts.scheme == "http"
        if parts.scheme != "https" and not (self._plain and self._host in LOCAL):
            raise NotifyError("--webhook: must begin with https://")
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        if not self._path.isascii() or not self._path.isprintable() or " " in self._path:
            raise NotifyError("--webhook: the address has characters that have to be escaped")

    def tell(self, found: Found) -> str:
        """Send a finding; what went wrong, or nothing. A redirection is not followed."""
        answer: list[str] = []
        body = payload(found)
        sender = threading.Thread(target=lambda: answer.append(self._post(body)), daemon=True)
        sender.start()
        sender.join(PATIENCE)
        return answer[0] if answer else f"--webhook: {self._host} takes longer than {PATIENCE:g} s"

    def _post(self, body: bytes) -> str:
        connection = (
            http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT)
            if self._plain
            else http.client.HTTPSConnection(
                self._host, self._port, timeout=TIMEOUT, context=ssl.create_default_context()
            )
        )
        try:
            headers = {"Content-Type": "application/json", "User-Agent": f"trainvitals/{__version__}"}
            connection.request("POST", self._path, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            return f"--webhook: {self._host}: {type(error).__name__}: {error}"
        finally:
            connection.close()
        return "" if 200 <= status < 300 else f"--webhook: {self._host} answers {status}"


def payload(found: Found) -> bytes:
    """A finding as JSON in ASCII, without secrets; a number that is not finite is a text, as in the JSON report."""
    return inert(json.dumps(found_data(found), allow_nan=False)).encode("ascii")


def found_data(found: Found | Gone) -> dict[str, object]:
    """The fields of a finding as in the JSON report, with its run and the step at which it was first known."""
    known = found.known_at if found.known_at == found.known_at else None
    run = json_text(without_secrets(terminal(found.run)))
    return {"run": run, "known_at": known, "step_unit": found.unit, **to_data(for_terminal(found.finding))}
