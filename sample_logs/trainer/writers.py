"""Where a run's numbers go: one interface, one writer per output.

A task gives each writer the shape of its lines, so that a log looks like those of its kind of trainer. The same run
read from any of the outputs gives the same series.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

Form = Literal["jsonl", "text", "events"]
FORMS: tuple[Form, ...] = ("jsonl", "text", "events")

DIGITS = 6
"""Significant digits that are kept: those of a 32-bit float, so that an event file can say the same."""


class Row(NamedTuple):
    """What is logged at once. `split` is `train` or `eval`; `epoch` counts from 0 and has fractions."""

    values: Mapping[str, float]
    step: int
    epoch: float
    split: str


class Writer(Protocol):
    """An output of a run; every row is on the disk when `write` returns."""

    def write(self, row: Mapping[str, float], *, step: int, epoch: float, split: str) -> None:
        """Append the metrics of one step."""
        ...

    def close(self) -> None:
        """Nothing comes after this."""
        ...


def rounded(value: float) -> float:
    """A value with the digits that are kept; NaN and infinities stay what they are.

    >>> rounded(2.05432871)
    2.05433
    """
    return float(f"{value:.{DIGITS}g}")


class Lines:
    """A text file, a line at a time; an existing file is continued, as after a resume."""

    def __init__(self, path: Path, shape: Callable[[Row], Iterable[str]]) -> None:
        self._file = path.open("a", encoding="utf-8", newline="\n")
        self._shape = shape

    def write(self, row: Mapping[str, float], *, step: int, epoch: float, split: str) -> None:
        """Append the lines of one row in one piece, so that an interruption cannot tear them apart."""
        values = {name: rounded(value) for name, value in row.items()}
        lines = self._shape(Row(values, step, rounded(epoch), split))
        self._file.write("".join(f"{line}\n" for line in lines))
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def json_lines(path: Path, shape: Callable[[Row], Mapping[str, Any]]) -> Lines:
    """One JSON object a row; NaN and infinities are written as Python writes them, as trainers do."""
    return Lines(path, lambda row: (json.dumps(shape(row), ensure_ascii=False),))


class EventFile:
    """A TensorBoard event file: scalars `train/loss`, `eval/loss` ... with the epoch beside them."""

    def __init__(self, folder: Path, held_out: str = "eval") -> None:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        self._event, self._summary = Event, Summary
        self._folder, self._splits = folder, {"eval": held_out}
        self._before = set(folder.glob("events.*")) if folder.exists() else set()
        self._writer = EventFileWriter(str(folder))

    def write(self, row: Mapping[str, float], *, step: int, epoch: float, split: str) -> None:
        """One event that holds all scalars of the row."""
        prefix, values = self._splits.get(split, split), {**row, "epoch": epoch}
        scalars = [self._summary.Value(tag=f"{prefix}/{name}", simple_value=value) for name, value in values.items()]
        event = self._event(wall_time=time.time(), step=step, summary=self._summary(value=scalars))
        self._writer.add_event(event)
        self._writer.flush()

    def close(self) -> None:
        """Close the file; the name of this machine, which TensorBoard puts into the file's, is taken out of it."""
        self._writer.close()
        for path in set(self._folder.glob("events.*")) - self._before:
            seconds = path.name.split(".")[3]
            os.replace(path, path.with_name(f"events.out.tfevents.{seconds}.host.{len(self._before)}"))


@dataclass(frozen=True, slots=True)
class Output:
    """Where a run goes: its folder, the kinds of files that are wanted, and whether it goes on from a checkpoint.

    `weights` is the number of snapshots of the weights alone that are kept.
    """

    folder: Path
    forms: tuple[Form, ...] = FORMS
    resume: bool = False
    weights: int = 0


@dataclass(frozen=True, slots=True)
class Shapes:
    """How a type of training writes its rows: file names, what a row becomes in each, how event files call `eval`."""

    json: Callable[[Row], Mapping[str, Any]]
    text: Callable[[Row], Iterable[str]]
    json_name: str = "log.jsonl"
    text_name: str = "train.log"
    held_out: str = "eval"


def open_writers(output: Output, shapes: Shapes) -> tuple[Writer, ...]:
    """The writers that are wanted; without a resume, files of an earlier run are removed first."""
    output.folder.mkdir(parents=True, exist_ok=True)
    if not output.resume:
        for pattern in (shapes.json_name, shapes.text_name, "events.out.tfevents.*", "*.pt"):
            for path in output.folder.glob(pattern):
                path.unlink()
    made: dict[Form, Callable[[], Writer]] = {
        "jsonl": lambda: json_lines(output.folder / shapes.json_name, shapes.json),
        "text": lambda: Lines(output.folder / shapes.text_name, shapes.text),
        "events": lambda: EventFile(output.folder, shapes.held_out),
    }
    return tuple(made[form]() for form in output.forms)
