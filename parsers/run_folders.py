"""Which folder is that of a run: logs lie in it, in its checkpoints, and in folders of event files below it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from trainvitals.parsers import mlflow_folder
from trainvitals.parsers.compression import log_name
from trainvitals.parsers.model import SPLIT_WORDS
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.sidecars import is_sidecar

LOG_NAMES = (
    "logging.jsonl",
    "trainer_log.jsonl",
    "trainer_state.json",
    "metrics.json",
    "metrics.jsonl",
    "metrics.csv",
    "results.csv",
    "history.csv",
    "training.csv",
    "log.txt",
    "stdout.log",
    "stdout.txt",
    "stderr.log",
    "train.log",
    "training.log",
    "output.log",
    "console.log",
    "run.log",
    "nohup.out",
    "log",
)
"""Names that trainers give their logs; what stands before one of them in a file name tells runs of one folder apart."""

EVENT_FOLDERS = frozenset({"runs", "logs", "log", "tb", "tensorboard", "tb_logs", "tb_log"})
_WANDB_RUN = pattern(r"(?:offline-)?run-\d{8}_\d{6}-\S+")
_CHECKPOINT = pattern(r"(?:checkpoint|global_step)[-_]?(\d+)")


def run_root(path: str, top: str) -> str:
    """The folder of the run that a file belongs to: above checkpoints, event folders and `train/`, `validation/`."""
    folder = os.path.dirname(path)
    if is_wandb_folder(os.path.dirname(folder)) and len(folder) > len(top):
        return os.path.dirname(folder)
    for part in (mlflow_folder.METRICS, mlflow_folder.PARAMS):
        stored = mlflow_folder.run_folder(path, part)
        if len(stored) >= len(top):
            return stored
    while folder != top and len(folder) > len(top):
        parent, name = os.path.split(folder)
        if not (_CHECKPOINT.fullmatch(name) or _is_event_folder(folder) or _is_split_folder(folder)):
            break
        folder = parent
    return folder


def is_wandb_folder(folder: str) -> bool:
    """Whether a folder is that of one run of W&B, whose console and settings lie in its `files`."""
    return bool(_WANDB_RUN.fullmatch(os.path.basename(folder)))


def _is_event_folder(folder: str) -> bool:
    """`OUT/runs` and `OUT/runs/<date>_<host>`, where OUT holds what the Hugging Face Trainer leaves.

    A run folder that happens to lie in a folder called `runs` has logs of its own, and is none.
    """
    if any(log_name(n).lower() in LOG_NAMES or is_sidecar(n) for n in listing(folder)):
        return False
    parent, name = os.path.split(folder)
    if name in EVENT_FOLDERS:
        return _is_output(parent)
    above, parent_name = os.path.split(parent)
    return parent_name in EVENT_FOLDERS and _is_output(above)


def _is_output(folder: str) -> bool:
    return any(is_sidecar(n) or log_name(n).lower() in LOG_NAMES or _CHECKPOINT.fullmatch(n) for n in listing(folder))


def _is_split_folder(folder: str) -> bool:
    """`train/` beside `validation/`, both holding nothing but event files, as Keras and SummaryWriter write them."""
    parent, name = os.path.split(folder)
    if name.lower() not in SPLIT_WORDS:
        return False
    siblings = [n for n in listing(parent) if n.lower() in SPLIT_WORDS]
    return len(siblings) > 1 and all(_only_events(os.path.join(parent, n)) for n in siblings)


def _only_events(folder: str) -> bool:
    names = listing(folder)
    return bool(names) and all("tfevents" in n for n in names)


def listing(folder: str) -> list[str]:
    """Names in a folder, sorted; none where it cannot be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def latest_checkpoint(logs: Iterable[str]) -> list[str]:
    """Of the trainer states in `checkpoint-N` only the last: each repeats the history of those before it."""
    numbered = {path: int(m[1]) for path in logs if (m := _CHECKPOINT.fullmatch(Path(path).parent.name))}
    last = max(numbered.values(), default=0)
    return [path for path in logs if numbered.get(path, last) == last]
