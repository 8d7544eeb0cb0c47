"""A generated log: rows of numbers, hyperparameters, and how they are written to a file."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from curves import Floats

Row = dict[str, Any]
WRITERS = ("jsonl", "csv", "trainer_state")
"""What all of the compared programs read."""

PLAIN = {"loss": "train_loss", "eval_loss": "val_loss", "learning_rate": "lr"}
"""Names in hand-written loops, where they differ from those of the Hugging Face Trainer."""


@dataclass(frozen=True, slots=True)
class Log:
    """One run.

    Attributes:
        rows: what was logged, in the order of the file.
        config: hyperparameters that stand beside the log.
        tail: what stands after the last row of the file; empty for most.
        text: a whole console log, where the rows are printed and not stored.
        writer: the file it must be written as, where that matters; "" for any.
    """

    rows: Sequence[Row]
    config: Mapping[str, Any] = field(default_factory=dict)
    tail: str = ""
    text: str = ""
    writer: str = ""

    def also(self, **changes: Any) -> Log:
        """The same log with other fields."""
        return replace(self, **changes)


def table(columns: Mapping[str, Floats]) -> list[Row]:
    """Rows from columns of one length."""
    names = list(columns)
    return [
        dict(zip(names, values, strict=True)) for values in zip(*(c.tolist() for c in columns.values()), strict=True)
    ]


def merged(train: Mapping[str, Floats], evaluation: Mapping[str, Floats] | None = None) -> list[Row]:
    """Rows of training with those of the evaluations after the step at which they happened."""
    rows = [*table(train), *(table(evaluation) if evaluation else [])]
    return sorted(rows, key=lambda row: row["step"])


def write(log: Log, folder: Path, rng: np.random.Generator, digits: int | None = None) -> Path:
    """Write a log into a new folder, as one of `WRITERS` with either naming; the path of the log.

    `digits` are those after the point; None keeps all.
    """
    folder.mkdir(parents=True)
    if log.config:
        (folder / "args.json").write_text(json.dumps(dict(log.config)))
    if log.text:
        path = folder / "train.log"
        path.write_text(log.text)
        return path
    writer = log.writer or str(rng.choice(WRITERS))
    rows = [_rounded(row, digits) for row in log.rows]
    if writer == "trainer_state":
        path = folder / "trainer_state.json"
        path.write_text(json.dumps({"log_history": rows, "max_steps": _planned(log), "global_step": _last(log)}))
    elif writer == "csv":
        path = folder / "metrics.csv"
        _write_csv(path, [_renamed(row) for row in rows] if rng.random() < 0.5 else rows)
    else:
        path = folder / "metrics.jsonl"
        named = [_renamed(row) for row in rows] if rng.random() < 0.5 else rows
        path.write_text("".join(json.dumps(row) + "\n" for row in named) + log.tail)
    return path


def _last(log: Log) -> int:
    return int(max((row["step"] for row in log.rows if "step" in row), default=0))


def _planned(log: Log) -> int:
    return int(log.config.get("max_steps", _last(log)))


def _rounded(row: Row, digits: int | None) -> Row:
    """Numbers rounded to significant places after the point, as trainers do; rates and steps stay."""
    if digits is None:
        return row
    kept = ("step", "epoch", "learning_rate", "lr")
    return {
        k: round(v, digits) if isinstance(v, float) and k not in kept and abs(v) >= 0.05 else v for k, v in row.items()
    }


def _renamed(row: Row) -> Row:
    return {PLAIN.get(name, name): value for name, value in row.items()}


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
