"""`trainer_state.json` of the Hugging Face Trainer: one object, whose `log_history` is the log."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from trainvitals.parsers.columns import Columns
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import row as json_row
from trainvitals.parsers.json_lines.scan import Scanner
from trainvitals.parsers.model import ConfigValue, Parsed, Source
from trainvitals.parsers.patterns import pattern

NAME = "trainer_state"
SAMPLE = b"""\
{
  "best_metric": null,
  "epoch": 10.0,
  "eval_steps": 500,
  "global_step": 5490,
  "is_world_process_zero": true,
  "log_history": [
    {"epoch": 0.91, "grad_norm": 2.757, "learning_rate": 1.8e-05, "loss": 1.1409, "step": 500},
    {"epoch": 1.0, "eval_gen_len": 140.5, "eval_loss": 0.6598, "eval_rouge-1": 46.5, "step": 549},
    {"epoch": 1.0, "predict_gen_len": 141.2, "predict_loss": 0.63},
    {"epoch": 10.0, "step": 5490, "total_flos": 3.7e+16, "train_loss": 0.4479, "train_runtime": 64358.1}
  ],
  "logging_steps": 500,
  "max_steps": 5490,
  "num_train_epochs": 10,
  "save_steps": 500,
  "train_batch_size": 6
}
"""

SETTINGS = (
    "max_steps",
    "num_train_epochs",
    "train_batch_size",
    "logging_steps",
    "eval_steps",
    "save_steps",
    "global_step",
)
MANY_EPOCHS = 1e6
"""Streaming data sets make the Trainer write the largest integer as the number of epochs."""

_HISTORY = pattern(rb'"log_history"\s*:')
_OWN_KEYS = (b'"is_world_process_zero"', b'"is_hyper_param_search"', b'"total_flos"', b'"global_step"')


def sniff(file: LogFile) -> float:
    """Sure by `log_history` among the Trainer's own keys; ms-swift repeats the list at the end of its log."""
    head = file.head
    if head.lstrip()[:1] != b"{" or b'"model_parameter_info"' in head:
        return 0.0
    if not _HISTORY.search(head):
        return 0.0
    return 0.97 if any(key in head for key in _OWN_KEYS) else 0.7


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All rows of `log_history`, each with the line on which it starts.

    Raises:
        ReadError: the document is broken before its first row, or holds no `log_history`.
    """
    text = file.data.decode("utf-8", "replace")
    state = _State(file.path)
    problems: tuple[str, ...] = ()
    try:
        _walk(Scanner(text), state)
    except (ValueError, RecursionError) as error:
        if not len(state.rows):
            raise ReadError(file.path, f"is no complete JSON document: {_reason(error)}", _line(error)) from error
        problems = (f"the document ends or breaks early (line {_line(error)}): {_reason(error)}",)
    if not state.has_history:
        raise ReadError(file.path, "holds no log_history")
    series = state.rows.series()
    lines = text.count("\n") + (not text.endswith("\n"))
    points = sum(map(len, series))
    source = Source(file.path, NAME, lines=lines, points=points, problems=problems, truncated=bool(problems))
    return (Parsed(source, series, state.config, state.summary),)


@dataclass(slots=True)
class _State:
    """What has been read so far; it outlives the error at a torn end."""

    path: str
    rows: Columns = field(default_factory=Columns)
    config: dict[str, ConfigValue] = field(default_factory=dict)
    summary: dict[str, ConfigValue] = field(default_factory=dict)
    has_history: bool = False


def _walk(scanner: Scanner, state: _State) -> None:
    for key in scanner.members():
        line = scanner.line
        if key == "log_history" and scanner.next_is("["):
            state.has_history = True
            _read_history(scanner, state)
            continue
        value = scanner.value()
        absurd = key == "num_train_epochs" and isinstance(value, (int, float)) and value > MANY_EPOCHS
        if key in SETTINGS and value is not None and not absurd:
            state.config[key] = ConfigValue(value, state.path, line)
    scanner.end()


def _read_history(scanner: Scanner, state: _State) -> None:
    for line in scanner.elements():
        fields = scanner.value()
        if not isinstance(fields, dict):
            continue
        if json_row.is_summary(fields):
            found = json_row.summarise(fields)
            state.summary.update({key: ConfigValue(value, state.path, line) for key, value in found.items()})
            continue
        row = json_row.interpret(fields)
        if row.values:
            state.rows.add(line, row.values, step=row.step, epoch=row.epoch, time=row.time, split=row.split)


def _line(error: Exception) -> int | None:
    return error.lineno if isinstance(error, json.JSONDecodeError) else None


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply or a number is too long"


FORMAT = Format(
    NAME,
    "Hugging Face Trainer: trainer_state.json",
    SAMPLE,
    sniff,
    read,
    precision=16,
    origin="a public trainer_state.json, quoted in part; real ones of zhl-2022/x-algorithm are tested",
    reads="step, epoch, settings, the summary of the run",
)
