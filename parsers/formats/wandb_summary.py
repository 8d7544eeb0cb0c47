"""`wandb-summary.json`: the last value of every metric of a W&B run. It describes the run and is no series."""

from __future__ import annotations

import json
from typing import Any

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import row as json_row
from trainvitals.parsers.json_lines.scan import Scanner
from trainvitals.parsers.model import ConfigValue, Parsed, Source

NAME = "wandb_summary"
SAMPLE = b"""\
{"_runtime": 4, "_step": 4, "_timestamp": 1644345412, "_wandb": {"runtime": 3}, "loss": 0.041, "val": 525}
"""

_FILE_NAME = "wandb-summary.json"
_OWN = (b'"_step"', b'"_runtime"', b'"_wandb"')
_MEDIA = "_type"
_INTERNAL = "_wandb"


def sniff(file: LogFile) -> float:
    """Sure by its name, or by W&B's own keys in the only object of a file."""
    head = file.head.strip()
    if head[:1] != b"{":
        return 0.0
    if file.name.endswith(_FILE_NAME):
        return 0.96
    return 0.96 if all(head.count(key) == 1 for key in _OWN) and len(file.data) == len(file.head) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All numbers as summary values, nested ones as `a/b`; media are left out.

    Raises:
        ReadError: it is no JSON object.
    """
    text = file.data.decode("utf-8", "replace")
    summary: dict[str, ConfigValue] = {}
    scanner = Scanner(text)
    try:
        for key in scanner.members():
            line = scanner.line
            summary |= {name: ConfigValue(value, file.path, line) for name, value in _numbers(key, scanner.value())}
        scanner.end()
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
        raise ReadError(file.path, f"is no JSON object: {reason}") from error
    lines = text.count("\n") + (not text.endswith("\n"))
    note = "holds the last value of every metric: a summary, no series"
    return (Parsed(Source(file.path, NAME, lines=lines, problems=(note,)), summary=summary),)


def _numbers(key: str, content: Any) -> list[tuple[str, float]]:
    if key == _INTERNAL or (isinstance(content, dict) and _MEDIA in content):
        return []
    return list(json_row.leaves(key, content))


FORMAT = Format(
    NAME,
    "W&B: wandb-summary.json (last values)",
    SAMPLE,
    sniff,
    read,
    precision=16,
    origin="documentation of W&B (run.summary)",
    reads="last values only: a summary of the run",
)
