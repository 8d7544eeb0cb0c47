"""Which files are logs, by their names and by a look at them, and what their names tell of the run."""

from __future__ import annotations

import os
import re
from itertools import islice

from trainvitals.parsers import mlflow_folder
from trainvitals.parsers.compression import log_name
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, is_text, peek
from trainvitals.parsers.formats import FORMATS, UNSURE, model_card
from trainvitals.parsers.model import SPLIT_WORDS
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.run_folders import LOG_NAMES, is_wandb_folder
from trainvitals.parsers.text import unread

SUFFIXES = {
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".csv": "table",
    ".tsv": "table",
    ".log": "text",
    ".txt": "text",
    ".out": "text",
    ".err": "stderr",
    ".wandb": "wandb",
    ".parquet": "parquet",
    ".db": "database",
    ".sqlite": "database",
    ".sqlite3": "database",
}
"""Kind of file by suffix; one run has at most one of each kind under names of its own, besides event files."""

ALWAYS_LOGS = (".log", ".out")
"""Text under these suffixes is worth a report even if it holds no metric: it may hold the crash."""

NOT_LOGS = pattern(
    r"(readme|license|requirements|vocab|merges|tokenizer|special_tokens|added_tokens|generation_config|preprocessor"
    r"|chat_template|all_results|eval_results|train_results|adapter_config|dataset_info).*|.*\.index\.json",
    re.IGNORECASE,
)
CARD = "readme.md"
"""A page that is a log where the Hugging Face Trainer has put the table of its evaluations into it."""

UNREAD_LINES = 2
"""Lines that look like metrics from which on a text file counts as a log that nobody understands."""

_ROW_OF_AN_EPOCH = pattern(r"metrics_epoch_\d{1,9}\.json")
"""Files of AllenNLP, which together are the log of one run."""

_SIDECAR_ENDS = (
    "training_args.json",
    "training_args.yaml",
    "args.json",
    "args.yaml",
    "hparams.yaml",
    "config.yaml",
    "config.json",
    "opt.yaml",
    "hyp.yaml",
)
"""Ends of the names of hyperparameter files, which tell runs apart as those of logs do."""


def looks_like_log(path: str) -> bool:
    """Whether a file found in a folder is worth reading: by its name first, then by a look at its head and tail."""
    name = log_name(path).lower()
    if "tfevents" in name or mlflow_folder.run_folder(path, mlflow_folder.METRICS):
        return True
    suffix = os.path.splitext(name)[1]
    if name == CARD:
        return _is_card(path)
    if (suffix not in SUFFIXES and name not in LOG_NAMES) or NOT_LOGS.fullmatch(name) or _is_of_wandb_itself(path):
        return False
    # A file with the name of a log is worth a row even if nothing can be read from it: empty, or binary.
    if name in LOG_NAMES:
        return True
    try:
        seen = peek(path)
    except ReadError:
        return False
    # Which format it is does not matter yet: one that sees something of its own is enough, and the others cost time.
    if any(one.sniff(seen) > UNSURE for one in FORMATS):
        return True
    if not is_text(seen.head) or not seen.data.strip():
        return False
    # A table or a JSON file that no format reads is data; a text may be a log that nobody understands yet.
    return suffix in ALWAYS_LOGS or (SUFFIXES.get(suffix) == "text" and _has_unread_metrics(seen))


def _has_unread_metrics(seen: LogFile) -> bool:
    """Whether lines look like metrics that no format understands: a run that must not vanish without a word."""
    lines = (raw.decode("utf-8", "replace") for _, raw in seen.lines())
    return len(list(islice(filter(unread.looks_like_metrics, lines), UNREAD_LINES))) == UNREAD_LINES


def _is_of_wandb_itself(path: str) -> bool:
    """What W&B notes about its own work, beside the logs of the training."""
    folder, name = os.path.split(path)
    above, own = os.path.split(folder)
    return name.startswith("debug") and (own == "wandb" or (own == "logs" and is_wandb_folder(above)))


def _is_card(path: str) -> bool:
    try:
        return model_card.sniff(peek(path)) > UNSURE
    except ReadError:
        return False


def kind(path: str) -> str:
    """What a log is, for telling whether two of them can be of one run: its known name, or the kind of its suffix."""
    name = log_name(path).lower()
    if "tfevents" in name:
        return "events"
    return name if name in LOG_NAMES else SUFFIXES.get(os.path.splitext(name)[1], "")


def stem(path: str) -> str:
    """What tells the runs of one folder apart: the file name without a known log name and its suffix."""
    name = log_name(path)
    lower = name.lower()
    of_wandb = lower.endswith(".wandb") and is_wandb_folder(os.path.dirname(path))
    if of_wandb or mlflow_folder.run_folder(path, mlflow_folder.METRICS):
        return ""
    events = lower.find("events.out.tfevents")
    if events >= 0:
        return name[:events].rstrip("_-.")
    for known in (*LOG_NAMES, *_SIDECAR_ENDS):
        if lower == known or (lower.endswith(known) and lower[-len(known) - 1] in "_-."):
            return name[: -len(known)].rstrip("_-.")
    if _ROW_OF_AN_EPOCH.fullmatch(lower):
        return ""
    plain = os.path.splitext(name)[0]
    # `train.jsonl` beside `eval.jsonl` are two halves of one run.
    return "" if plain.lower() in SPLIT_WORDS else plain
