"""Builds a `Run` or a `Case` from plain arrays, for tests that judge curves and not files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import GENERIC, LossType
from trainvitals.diagnostics.report import Correction
from trainvitals.parsers.model import ConfigValue, Note, NoteKind, Run, Series, Source, Split

PATH = "made.jsonl"
NAN = float("nan")

Values = Sequence[float] | np.ndarray | tuple[Any, ...]
"""Values alone (steps 1, 2, 3 ...), or a tuple (steps, values) or (steps, values, epochs)."""


def run(
    series: Mapping[str, Values],
    *,
    config: Mapping[str, Any] | None = None,
    summary: Mapping[str, Any] | None = None,
    notes: Iterable[Note] = (),
    sources: tuple[Source, ...] = (Source(PATH, "made"),),
    name: str = "made",
) -> Run:
    """A run whose series are keyed by metric, with `eval/` or `test/` before those of held-out data.

    Rows of one split and step share a line number, as in a log that writes one line per step and split.
    """
    columns = {key: _columns(values) for key, values in series.items()}
    rows = sorted({(step, _name(key)[1]) for key, (steps, _, _) in columns.items() for step in steps})
    line = {row: number for number, row in enumerate(rows, start=1)}
    made = tuple(_series(key, *parts, line) for key, parts in columns.items())
    return Run(name, sources, made, _settings(config), _settings(summary), tuple(notes))


def case(
    series: Mapping[str, Values],
    *,
    config: Mapping[str, Any] | None = None,
    summary: Mapping[str, Any] | None = None,
    notes: Iterable[Note] = (),
    sources: tuple[Source, ...] = (Source(PATH, "made"),),
    loss_type: LossType = GENERIC,
    corrections: tuple[Correction, ...] = (),
    raw: Run | None = None,
    step_unit: str = "step",
) -> Case:
    """A case around `run(...)`; `raw` is the same run where nothing else is given."""
    made = run(series, config=config, summary=summary, notes=notes, sources=sources)
    return Case(made, raw or made, loss_type, corrections, step_unit)


def note(kind: NoteKind, text: str, *, line: int = 1, step: float = NAN, epoch: float = NAN, source: int = 0) -> Note:
    """A noted line of the first source."""
    return Note(kind, text, source, line, step, epoch)


def _name(key: str) -> tuple[str, Split]:
    for split in ("train", "eval", "test"):
        if key.startswith(split + "/"):
            return key.removeprefix(split + "/"), split
    return key, "train"


def _columns(values: Values) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    if isinstance(values, tuple) and len(values) in (2, 3) and all(np.ndim(part) == 1 for part in values):
        steps, column, *epochs = (np.asarray(part, np.float64) for part in values)
    else:
        column, epochs = np.asarray(values, np.float64), []
        steps = np.arange(1.0, column.size + 1)
    assert steps.size == column.size, "steps and values are of one length"
    return steps, column, epochs[0] if epochs else np.full(column.size, NAN)


def _series(
    key: str, steps: np.ndarray, values: np.ndarray, epochs: np.ndarray, line: Mapping[tuple[float, str], int]
) -> Series:
    metric, split = _name(key)
    lines = np.array([line[step, split] for step in steps], np.int64)
    nothing = np.full(values.size, NAN)
    return Series(metric, split, key, values, steps, epochs, nothing, lines, np.zeros(values.size, np.int64))


def _settings(values: Mapping[str, Any] | None) -> dict[str, ConfigValue]:
    return {name: ConfigValue(value, PATH) for name, value in (values or {}).items()}
