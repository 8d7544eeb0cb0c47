"""Aim: metrics as its SDK exports them, `query_metrics(query).dataframe().to_csv(file)`: a row for each value."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from trainvitals.parsers.columns import NAN
from trainvitals.parsers.compression import log_name
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.limits import MAX_LINE_BYTES, MAX_RUNS
from trainvitals.parsers.model import SPLIT_WORDS, ConfigValue, Parsed, Split
from trainvitals.parsers.numbers import number
from trainvitals.parsers.secret_names import may_be_secret
from trainvitals.parsers.stored_runs import StoredRun, parsed_runs
from trainvitals.parsers.text.literals import literal

NAME = "aim_csv"
SAMPLE = b"""\
,idx,step,value,epoch,time,run.hash,run.hparams.bs,run.hparams.lr,metric.name,metric.context.subset,metric.context
0,0,5,1.1,1.0,2026-11-21 14:01:59.719888,de5f8ab6e2024374ba27bad3,8,0.001,loss,val,
0,0,1,5.1,0.0,2026-11-21 14:01:59.719187,de5f8ab6e2024374ba27bad3,8,0.001,loss,train,
1,1,2,inf,,2026-11-21 14:01:59.464751,f965c040ab394f538bf42c40,8,0.001,grad_norm,,<ObjectFlag>
"""

_COLUMNS = b"idx,step,value,epoch,time"
_RUN, _HASH, _METRIC = "run.", "run.hash", "metric.name"
_SUBSET, _CONTEXT = "metric.context.subset", "metric.context."

_CELL_LINES = 100
"""Lines of one row, at most."""

Cells = Mapping[str, str]


def sniff(file: LogFile) -> float:
    """Sure by the first columns, before which the index of the data frame may stand."""
    head = file.head.partition(b"\n")[0].rstrip(b"\r").removeprefix(b",")
    return 0.96 if head == _COLUMNS or head.startswith(_COLUMNS + b",") else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """Every run in the table, with the lines of the file; a metric without a name is called as the file is.

    Raises:
        ReadError: the columns are not those of Aim.
    """
    runs: dict[str, StoredRun] = {}
    default = os.path.splitext(log_name(file.path))[0]
    left_out = 0
    for line, cells in _rows(file):
        identity = (cells or {}).get(_HASH, "")
        if identity not in runs and len(runs) >= MAX_RUNS:
            left_out += 1
            continue
        run = runs.setdefault(identity, StoredRun(identity))
        if cells is None or not _add(run, line, cells, default):
            run.unread += 1
        elif not run.config:
            run.config.update(_settings(cells, file.path, line))
    problems = (f"rows of runs over the limit of {MAX_RUNS} left out: {left_out}",) if left_out else ()
    return parsed_runs(runs.values(), file.path, NAME, problems)


def _rows(file: LogFile) -> Iterator[tuple[int, Cells | None]]:
    """(line, cells by column) of every row; None for a row that does not fit the header."""
    lines = [raw for _, raw in file.lines()]
    header, at = _cells(lines[0] if lines else b"") or [], 1
    if not {"step", "value", "epoch", "time"}.issubset(header):
        raise ReadError(file.path, "has not the columns of what Aim exports")
    while at < len(lines):
        end = _end_of_row(lines, at)
        row = _cells(b"\n".join(lines[at:end]))
        if row != []:
            yield at + 1, dict(zip(header, row, strict=True)) if row and len(row) == len(header) else None
        at = end


def _cells(line: bytes) -> list[str] | None:
    # The limit is one for the whole process, and other readers rely on it.
    usual = csv.field_size_limit(MAX_LINE_BYTES)
    try:
        return next(csv.reader([line.decode("utf-8", "replace")]), [])
    except csv.Error:
        return None
    finally:
        csv.field_size_limit(usual)


def _end_of_row(lines: list[bytes], at: int) -> int:
    """The line after a row: texts among the parameters may have several lines, a quote that never ends has one."""
    open_quote = False
    for end in range(at, min(at + _CELL_LINES, len(lines))):
        open_quote ^= lines[end].count(b'"') % 2 == 1
        if not open_quote:
            return end + 1
    return at + 1


def _add(run: StoredRun, line: int, cells: Cells, default: str) -> bool:
    """Add the value of a row; False if it holds none. An empty cell is how pandas writes NaN."""
    value = number(cells["value"]) if cells["value"] else NAN
    if value is None:
        return False
    name, split = _metric(cells, default)
    step, epoch = (_optional(cells[key]) for key in ("step", "epoch"))
    run.rows.add(line, {name: value}, step=step, epoch=epoch, time=_time(cells["time"]), split=split)
    return True


def _metric(cells: Cells, default: str) -> tuple[str, Split]:
    """The name with what tells it apart from others of its name, and the split."""
    split = SPLIT_WORDS.get(cells.get(_SUBSET, "").lower(), "")
    apart = [
        f"{key.removeprefix(_CONTEXT)}={text}"
        for key, text in cells.items()
        if text and key.startswith(_CONTEXT) and not (split and key == _SUBSET)
    ]
    return " ".join((cells.get(_METRIC) or default, *apart)), split


def _optional(text: str) -> float:
    value = number(text) if text else None
    return NAN if value is None else value


def _time(text: str) -> float:
    try:
        # Local time without a zone: read as UTC, so that a file means the same on every machine.
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return NAN


def _settings(cells: Cells, path: str, line: int) -> dict[str, ConfigValue]:
    found = {
        key.removeprefix(_RUN).removeprefix("hparams."): text
        for key, text in cells.items()
        if text and key.startswith(_RUN) and key != _HASH and not may_be_secret(key)
    }
    return {name: ConfigValue(literal(text), path, line) for name, text in found.items()}


FORMAT = Format(
    name=NAME,
    title="Aim: metrics exported by its SDK as CSV",
    sample=SAMPLE,
    sniff=sniff,
    read=read,
    precision=16,
    origin="made with aim 3.29.1",
    reads="step, epoch, time, split, parameters and hashes of several runs",
)
