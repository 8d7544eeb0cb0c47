"""`log` of Chainer's LogReport: a JSON array of rows, written anew each time."""

from __future__ import annotations

import json

from trainvitals.parsers.columns import Columns
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import row as json_row
from trainvitals.parsers.json_lines.scan import Scanner
from trainvitals.parsers.model import Parsed, Source
from trainvitals.parsers.patterns import pattern

NAME = "chainer_log"
SAMPLE = b"""\
[
    {
        "main/loss": 0.1933198869228363,
        "validation/main/loss": 0.09147150814533234,
        "iteration": 600,
        "elapsed_time": 16.052587032318115,
        "epoch": 1,
        "main/accuracy": 0.9421835541725159,
        "validation/main/accuracy": 0.9703000783920288
    }
]
"""

_ARRAY = pattern(rb"\s*\[\s*\{")
_MAIN = pattern(rb'"(?:validation/)?main/[^"\n]{1,100}"\s*:')
_OWN = (b'"iteration"', b'"epoch"', b'"elapsed_time"')


def sniff(file: LogFile) -> float:
    """Sure by an array of objects whose metrics belong to `main`; fairly so by LogReport's three own keys."""
    head = file.head
    if not _ARRAY.match(head):
        return 0.0
    if _MAIN.search(head):
        return 0.95
    return 0.8 if all(key in head for key in _OWN) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All rows, each with the line on which it starts; a torn end costs the row it tears.

    Raises:
        ReadError: the array is broken before its first row.
    """
    text = file.data.decode("utf-8", "replace")
    rows = Columns()
    problems: tuple[str, ...] = ()
    try:
        _read_rows(Scanner(text), rows)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
        if not len(rows):
            raise ReadError(file.path, f"is no JSON array of rows: {reason}") from error
        problems = (f"the array ends or breaks early: {reason}",)
    series = rows.series()
    lines = text.count("\n") + (not text.endswith("\n"))
    points = sum(map(len, series))
    source = Source(file.path, NAME, lines=lines, points=points, problems=problems, truncated=bool(problems))
    return (Parsed(source, series),)


def _read_rows(scanner: Scanner, rows: Columns) -> None:
    for line in scanner.elements():
        fields = scanner.value()
        row = json_row.interpret(fields) if isinstance(fields, dict) else None
        if row is not None and row.values:
            rows.add(line, row.values, step=row.step, epoch=row.epoch, time=row.time, split=row.split)
    scanner.end()


FORMAT = Format(
    NAME,
    "Chainer: log of LogReport, a JSON array",
    SAMPLE,
    sniff,
    read,
    precision=16,
    origin="documentation of chainer/chainerui",
    reads="step, epoch, time",
)
