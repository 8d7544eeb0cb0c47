"""Runs another program on the logs named on standard input, in its own environment; one JSON object a log.

python peer.py trainproof|runmedic|losslint|trainspotter < paths

Its own command line is called with the arguments that its documentation names for one log, in one process for all logs.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

COMMANDS = {
    "trainproof": ["epoch", "{}", "--json"],
    "runmedic": ["diagnose", "{}", "--json"],
    "losslint": ["check", "{}", "--format", "json"],
    "trainspotter": ["analyze", "{}", "--output", "json"],
}
NOTES = ("info", "pass", "note")


def main() -> None:
    """Answer for each path."""
    name = sys.argv[1]
    for path in sys.stdin.read().splitlines():
        said = _called(name, path)
        print(json.dumps({"path": path, "findings": list(_findings(name, said))}), flush=True)


def _called(name: str, path: str) -> Any:
    """What the program printed, decoded; None where it crashed or printed no JSON."""
    program = importlib.import_module(f"{name}.cli")
    sys.argv = [name, *(part.format(path) for part in COMMANDS[name])]
    out = io.StringIO()
    quiet = contextlib.redirect_stderr(io.StringIO())
    # A program that fails on a log says nothing about it; the others go on.
    with contextlib.redirect_stdout(out), quiet, contextlib.suppress(Exception, SystemExit):
        program.main()
    with contextlib.suppress(ValueError):
        return json.loads(out.getvalue())
    return None


def _findings(name: str, said: Any) -> Iterator[dict[str, Any]]:
    if said is None:
        return
    inside = said["reports"] if name == "trainproof" else said
    for report in inside if isinstance(inside, list) else [inside]:
        for found in report.get("findings", []):
            yield _finding(found)


def _finding(found: Mapping[str, Any]) -> dict[str, Any]:
    check = found.get("id") or found.get("check") or found.get("detector") or ""
    severity = str(found.get("level") or found.get("severity") or "").lower()
    # Titles and one-sentence messages; longer texts speak of causes and cures, whose words would match anything.
    text = found.get("title") or (found.get("message", "") if "id" in found else "")
    return {"check": check, "alarm": severity not in NOTES, "text": text}


if __name__ == "__main__":
    main()
