"""Any other JSON-lines metrics: one object a line, with a step or an epoch, or at least a loss."""

from __future__ import annotations

import re
from typing import Any

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import row as json_row
from trainvitals.parsers.json_lines import rows as json_rows
from trainvitals.parsers.model import Parsed
from trainvitals.parsers.patterns import pattern

NAME = "jsonl"
SAMPLE = b"""\
{"step": 1, "step_time_ms": 120000.0, "loss": 2.029, "val/loss": 2.31}
{"step": 2, "step_time_ms": 11840.5, "loss": 1.987}
"""

LONG_TEXT = 200
"""Characters of a text that belongs to a data set or a conversation, not to a row of metrics."""

_METRIC = pattern(r"(^|[/_. -])(loss|acc|accuracy|lr|learning_rate|ppl|perplexity|grad_norm)($|[/_. -])", re.IGNORECASE)


def sniff(file: LogFile) -> float:
    """Low, so that every other format goes first; 0 for data sets, conversations and single configuration objects."""
    rows = json_rows.sample_rows(file)
    logged = [row for row in rows if json_row.is_summary(row) or json_row.interpret(row).values]
    if 2 * len(logged) < len(rows) or not logged or (len(rows) == 1 and file.name.endswith(".json")):
        return 0.0
    placed = any(_is_placed(row) for row in logged)
    named = any(_METRIC.search(key) for row in logged for key in row)
    if any(map(_holds_prose, rows)) or not (named or placed):
        return 0.0
    if len(rows) == 1 and not (placed and named):
        return 0.0
    return 0.4 if placed and named else 0.3 if named else 0.2


def _is_placed(row: dict[str, Any]) -> bool:
    place = json_row.interpret(row)
    return place.step == place.step or place.epoch == place.epoch


def _holds_prose(row: dict[str, Any]) -> bool:
    return any(
        (isinstance(value, str) and len(value) > LONG_TEXT)
        or (isinstance(value, list) and any(isinstance(item, (str, dict)) for item in value))
        for value in row.values()
    )


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All rows that hold numbers."""
    return (json_rows.read(file, NAME),)


FORMAT = Format(
    NAME,
    "JSON lines: any file with one object of metrics a line",
    SAMPLE,
    sniff,
    read,
    origin="typed after a public JSON-lines log of a training script",
    reads="step, epoch, time, split, where keys say them",
    follow=json_rows.follow(NAME),
)
