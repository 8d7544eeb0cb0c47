"""One JSON object of a log as one row: where its step, epoch, time and split stand, and which values are metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from trainvitals.parsers.model import SPLIT_WORDS, Bools, Floats, Split
from trainvitals.parsers.numbers import duration, fraction, number

NAN = float("nan")

STEP_KEYS = (
    "global_step/max_steps",
    "trainer/global_step",
    "train/global_step",
    "global_step",
    "step",
    "current_steps",
    "iteration",
    "num_updates",
    "iter",
    "_step",
    "time/total_timesteps",
    *(
        "steps",
        "Step",
        "train_step",
        "train/step",
        "Iteration",
        "iterations",
        "iter_num",
        "n_iter",
        "niter",
        "itr",
        "it",
    ),
    *("update", "updates"),
)
"""Where trainers log the optimizer step, best first; a row may hold several, and none of them is a metric."""

EPOCH_KEYS = ("epoch", "train/epoch", "Epoch", "epochs", "current_epoch", "ep")
PLAN_KEYS = ("total_steps", "max_steps")
CLOCK_KEYS = ("_timestamp", "timestamp", "wall_time", "ts")
"""Keys that hold a moment or the seconds since the start. `time` holds either, or the duration of a step."""

ELAPSED_KEYS = ("elapsed_time", "elapsed", "_runtime", "time/time_elapsed")
SPLIT_KEYS = ("mode", "split", "phase", "stage")
BOOKKEEPING = frozenset({"percentage", "remaining_time", "eta", "eta_seconds", "n_parameters", "_wandb"})
"""Progress displays and constants: numbers, but no metrics."""

SUMMARY_KEYS = frozenset({"train_runtime", "log_history", "model_parameter_info"})
"""Keys of rows that describe the whole run; their `train_loss` is a mean over it, not a point."""

PREDICTED = "predict_"


MAX_LIST = 64
"""Longer lists are no metric (token ids, embeddings); the known ones, such as COCO's, have 12 entries."""

MAX_NESTING = 8
MAX_SUMMARY_TEXT = 1000

_SINCE_1973, _UNIX_UNITS = 1e8, ((1e11, 1.0), (1e14, 1e3), (1e17, 1e6), (1e20, 1e9))
"""Unix times by magnitude: seconds, milliseconds, microseconds, nanoseconds; no two overlap between 1973 and 5138."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one object says. Numbers are NaN where it does not say; `plan` is the number of steps planned."""

    values: dict[str, float]
    step: float = NAN
    epoch: float = NAN
    time: float = NAN
    plan: float = NAN
    split: Split = ""


def interpret(fields: Mapping[str, Any], steps: tuple[str, ...] = STEP_KEYS) -> Row:
    """The row that an object stands for; `steps` are the keys that count optimizer steps, best first."""
    step, plan = _step(fields, steps)
    elsewhere = reserved(steps)
    values: dict[str, float] = {}
    for key, content in fields.items():
        if key in elsewhere or (key == "time" and is_moment(content)):
            continue
        if isinstance(content, (dict, list)):
            values.update(leaves(key, content))
        elif (value := scalar(content)) is not None:
            values[key] = value
    return Row(values, step, _first(fields, EPOCH_KEYS), _time(fields), plan, split_of(fields))


@lru_cache(maxsize=8)
def reserved(steps: tuple[str, ...]) -> frozenset[str]:
    """Keys that are never a metric."""
    return BOOKKEEPING.union(steps, EPOCH_KEYS, PLAN_KEYS, CLOCK_KEYS, ELAPSED_KEYS, SPLIT_KEYS)


def leaves(name: str, content: Any, depth: int = 0) -> Iterator[tuple[str, float]]:
    """(name, number) of every number in a value: `a/b` for objects in objects, `a[0]` for short lists of numbers."""
    if isinstance(content, dict):
        if depth < MAX_NESTING:
            for key, inner in content.items():
                yield from leaves(f"{name}/{key}", inner, depth + 1)
    elif isinstance(content, list):
        if len(content) <= MAX_LIST:
            numbers = ((i, scalar(item)) for i, item in enumerate(content))
            yield from ((f"{name}[{i}]", value) for i, value in numbers if value is not None)
    else:
        value = scalar(content)
        if value is not None:
            yield name, value


def scalar(content: Any) -> float | None:
    """A number, also where it is logged as text (`"2.03"`, `"NaN"`); None for booleans, null and everything else."""
    if isinstance(content, str):
        return number(content)
    if isinstance(content, (int, float)) and not isinstance(content, bool):
        return float(content)
    return None


def counter(content: Any) -> tuple[float, float]:
    """(value, plan) of a step: a number, or text such as `"120/3000"`; NaN for what it does not say."""
    pair = fraction(content) if isinstance(content, str) else None
    if pair:
        return pair
    value = scalar(content)
    return (NAN if value is None else value), NAN


def seconds(content: Any) -> float:
    """Seconds since 1970 or since the start, from a number, a duration or an ISO date; NaN if it is none of these."""
    value = scalar(content)
    if value is not None:
        return _unix(value)
    if not isinstance(content, str) or len(content) > 40:
        return NAN
    elapsed = duration(content)
    return _iso(content) if elapsed is None else elapsed


def is_moment(content: Any) -> bool:
    """Whether a number can be a Unix time of this age, in seconds or smaller units."""
    value = scalar(content)
    return value is not None and _SINCE_1973 <= value < _UNIX_UNITS[-1][0]


def are_moments(column: Floats) -> Bools:
    """`is_moment` of a whole column of numbers, shape `(n,)`."""
    return (column >= _SINCE_1973) & (column < _UNIX_UNITS[-1][0])


def moments(column: Floats) -> Floats:
    """`seconds` of a whole column of numbers, shape `(n,)`."""
    column = column.copy()
    for limit, unit in _UNIX_UNITS[1:]:
        column[(column >= limit / 1e3) & (column < limit)] /= unit
    return column


def _unix(value: float) -> float:
    unit = next((unit for limit, unit in _UNIX_UNITS if value < limit), 1.0)
    return value / unit


def _iso(text: str) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return NAN
    # Logs without a zone are read as UTC, so that a file means the same on every machine.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _step(fields: Mapping[str, Any], steps: tuple[str, ...]) -> tuple[float, float]:
    found = [counter(fields[key]) for key in steps if key in fields]
    plans = [plan for _, plan in found] + [counter(fields[key])[0] for key in PLAN_KEYS if key in fields]
    return _known(step for step, _ in found), _known(plans)


def _first(fields: Mapping[str, Any], keys: tuple[str, ...]) -> float:
    return _known(counter(fields[key])[0] for key in keys if key in fields)


def _time(fields: Mapping[str, Any]) -> float:
    found = [seconds(fields[key]) for key in (*CLOCK_KEYS, *ELAPSED_KEYS) if key in fields]
    if is_moment(fields.get("time")):
        found.append(seconds(fields["time"]))
    return _known(found)


def _known(numbers: Any) -> float:
    return next((n for n in numbers if n == n), NAN)


def split_of(fields: Mapping[str, Any]) -> Split:
    """The split that a row names (`"mode": "val"`); empty where it names none."""
    named = (fields.get(key) for key in SPLIT_KEYS)
    return next((SPLIT_WORDS[n.lower()] for n in named if isinstance(n, str) and n.lower() in SPLIT_WORDS), "")


def is_summary(fields: Mapping[str, Any], steps: tuple[str, ...] = STEP_KEYS) -> bool:
    """Whether an object describes the whole run: the Trainer's last row, or a prediction that belongs to no step."""
    if not SUMMARY_KEYS.isdisjoint(fields) and "loss" not in fields:
        return True
    return not any(key in fields for key in steps) and any(key.startswith(PREDICTED) for key in fields)


def summarise(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers and short texts of a summary row; its lists (`log_history` repeats the whole log) are left out."""
    kept = {}
    for key, content in fields.items():
        if key in BOOKKEEPING or key in ELAPSED_KEYS or (isinstance(content, str) and fraction(content)):
            continue
        if isinstance(content, str):
            value = number(content)
            text = content[:MAX_SUMMARY_TEXT].encode("utf-8", "replace").decode()
            kept[key] = text if value is None else value
        elif isinstance(content, (int, float)):
            kept[key] = content
    return kept
