"""`metrics_epoch_3.json` of AllenNLP, a file an epoch, and `metrics.json`, which repeats the last one at the end."""

from __future__ import annotations

import json

from trainvitals.parsers.columns import NAN, Columns
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import row as json_row
from trainvitals.parsers.json_lines.scan import Scanner
from trainvitals.parsers.model import ConfigValue, Parsed, Source
from trainvitals.parsers.numbers import duration

NAME = "allennlp_metrics"
SAMPLE = b"""\
{
  "best_epoch": 4,
  "peak_worker_0_memory_MB": 2729.524,
  "training_duration": "0:04:09.899715",
  "training_start_epoch": 0,
  "training_epochs": 4,
  "epoch": 4,
  "training_auc": 0.6722315767949663,
  "training_loss": 0.10509685198871457,
  "validation_auc": 0.6549340144689184
}
"""

_OWN = (b'"training_start_epoch"', b'"training_epochs"', b'"epoch"')
_FINAL = "metrics.json"
_EPOCH, _DURATION = "epoch", "training_duration"
_METRICS = ("training_", "validation_")
_COUNTERS = frozenset({"training_start_epoch", "training_epochs", _DURATION})


def sniff(file: LogFile) -> float:
    """Sure by the three counters that its trainer writes."""
    head = file.head.lstrip()
    return 0.95 if head[:1] == b"{" and all(key in head for key in _OWN) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """One row, at its epoch; what is no mean over the epoch, and all of the last file, describes the run.

    Raises:
        ReadError: it is no JSON object.
    """
    text = file.data.decode("utf-8", "replace")
    found: dict[str, tuple[float, int]] = {}
    time = NAN
    scanner = Scanner(text)
    try:
        for key in scanner.members():
            line, content = scanner.line, scanner.value()
            if key == _DURATION and isinstance(content, str):
                time = duration(content) or NAN
            found |= {name: (value, line) for name, value in json_row.leaves(key, content)}
        scanner.end()
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
        raise ReadError(file.path, f"is no JSON object: {reason}") from error
    return (_parsed(file, text, found, time),)


def _parsed(file: LogFile, text: str, found: dict[str, tuple[float, int]], time: float) -> Parsed:
    last = file.name == _FINAL
    rows = Columns()
    for name, (value, line) in found.items():
        if not last and name.startswith(_METRICS) and name not in _COUNTERS:
            rows.add(line, {name: value}, epoch=found.get(_EPOCH, (NAN, 0))[0], time=time)
    summary = {
        name: ConfigValue(value, file.path, line)
        for name, (value, line) in found.items()
        if last or not name.startswith(_METRICS)
    }
    series = rows.series()
    lines = text.count("\n") + (not text.endswith("\n"))
    problems = ("repeats the last epoch: a summary, no series",) if last else ()
    source = Source(file.path, NAME, lines=lines, points=sum(map(len, series)), problems=problems)
    return Parsed(source, series, summary=summary)


FORMAT = Format(
    NAME,
    "AllenNLP: metrics_epoch_N.json, metrics.json",
    SAMPLE,
    sniff,
    read,
    precision=16,
    origin="a public note on a model trained with AllenNLP",
    reads="epoch, time, split, the best epoch and its values",
)
