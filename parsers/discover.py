"""From paths to runs: which files below a folder belong to one training."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, is_text, peek
from trainvitals.parsers.formats import FORMATS, UNSURE, model_card
from trainvitals.parsers.limits import MAX_FILES
from trainvitals.parsers.model import Split
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.sidecars import is_sidecar
from trainvitals.parsers.text import unread

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

SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})
EVENT_FOLDERS = frozenset({"runs", "logs", "tb", "tensorboard", "tb_logs", "tb_log"})
SPLIT_FOLDERS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "eval",
    "val": "eval",
    "eval": "eval",
    "test": "test",
}
_CHECKPOINT = pattern(r"(?:checkpoint|global_step)[-_]?(\d+)")


@dataclass(frozen=True, slots=True)
class RunFiles:
    """The files of one run: logs in reading order, and the hyperparameter files beside them."""

    name: str
    root: str
    paths: tuple[str, ...]
    sidecars: tuple[str, ...] = ()


def discover(paths: Sequence[str | os.PathLike[str]]) -> tuple[RunFiles, ...]:
    """The runs at these paths: a file is a run, a folder is one run or holds many.

    Raises:
        ReadError: a path that does not exist.
    """
    runs: list[RunFiles] = []
    for path in (os.fspath(p) for p in paths):
        if not os.path.lexists(path):
            raise ReadError(path, "does not exist")
        runs += _in_folder(os.path.normpath(path)) if os.path.isdir(path) else [_single(path)]
    return tuple(dict.fromkeys(runs))


def _single(path: str) -> RunFiles:
    folder = os.path.dirname(path) or "."
    beside = [os.path.join(folder, n) for n in _listing(folder) if n != os.path.basename(path) and is_sidecar(n)]
    stem = _stem(path)
    fitting = [s for s in beside if _stem(s) in ("", stem)]
    return RunFiles(os.path.normpath(path), folder, (path,), tuple(sorted(fitting)))


def _listing(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _in_folder(top: str) -> list[RunFiles]:
    logs: dict[str, list[str]] = defaultdict(list)
    sidecars: dict[str, list[str]] = defaultdict(list)
    for path in _walk(top):
        if is_sidecar(os.path.basename(path)):
            sidecars[run_root(path, top)].append(path)
        elif looks_like_log(path):
            logs[run_root(path, top)].append(path)
    found = [run for root in sorted(logs) for run in _group(root, logs[root], sidecars[root], top)]
    return sorted(found, key=lambda run: run.name)


def _walk(top: str) -> Iterator[str]:
    seen = 0
    for folder, subfolders, names in os.walk(top):
        subfolders[:] = sorted(s for s in subfolders if not s.startswith(".") and s not in SKIPPED_FOLDERS)
        for name in sorted(names):
            seen += 1
            if seen > MAX_FILES:
                return
            path = os.path.join(folder, name)
            # A link may lead out of the folder that the user pointed at.
            if not name.startswith(".") and os.path.isfile(path) and not _leaves(path, top):
                yield path


def _leaves(path: str, top: str) -> bool:
    return os.path.islink(path) and not Path(path).resolve().is_relative_to(Path(top).resolve())


def looks_like_log(path: str) -> bool:
    """Whether a file found in a folder is worth reading: by its name first, then by a look at its head and tail."""
    name = os.path.basename(path).lower()
    if "tfevents" in name:
        return True
    suffix = os.path.splitext(name)[1]
    if name == CARD:
        return _is_card(path)
    if (suffix not in SUFFIXES and name not in LOG_NAMES) or NOT_LOGS.fullmatch(name):
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


def _is_card(path: str) -> bool:
    try:
        return model_card.sniff(peek(path)) > UNSURE
    except ReadError:
        return False


def run_root(path: str, top: str) -> str:
    """The folder of the run that a file belongs to: above checkpoints, event folders and `train/`, `validation/`."""
    folder = os.path.dirname(path)
    while folder != top and len(folder) > len(top):
        parent, name = os.path.split(folder)
        if not (_CHECKPOINT.fullmatch(name) or _is_event_folder(folder) or _is_split_folder(folder)):
            break
        folder = parent
    return folder


def _is_event_folder(folder: str) -> bool:
    """`OUT/runs` and `OUT/runs/<date>_<host>`, where OUT holds what the Hugging Face Trainer leaves.

    A run folder that happens to lie in a folder called `runs` has logs of its own, and is none.
    """
    if any(n.lower() in LOG_NAMES or is_sidecar(n) for n in _listing(folder)):
        return False
    parent, name = os.path.split(folder)
    if name in EVENT_FOLDERS:
        return _is_output(parent)
    above, parent_name = os.path.split(parent)
    return parent_name in EVENT_FOLDERS and _is_output(above)


def _is_output(folder: str) -> bool:
    return any(is_sidecar(n) or n.lower() in LOG_NAMES or _CHECKPOINT.fullmatch(n) for n in _listing(folder))


def _is_split_folder(folder: str) -> bool:
    """`train/` beside `validation/`, both holding nothing but event files, as Keras and SummaryWriter write them."""
    parent, name = os.path.split(folder)
    if name.lower() not in SPLIT_FOLDERS:
        return False
    siblings = [n for n in _listing(parent) if n.lower() in SPLIT_FOLDERS]
    return len(siblings) > 1 and all(_only_events(os.path.join(parent, n)) for n in siblings)


def _only_events(folder: str) -> bool:
    names = _listing(folder)
    return bool(names) and all("tfevents" in n for n in names)


def _group(root: str, logs: list[str], sidecars: list[str], top: str) -> list[RunFiles]:
    """The runs among the log files of one root: one, unless two files of a kind show that there are several.

    A model card repeats what the logs beside it say, at the steps of the evaluations: alone, it stands for them.
    """
    logs = [path for path in _latest_checkpoint(logs) if os.path.basename(path).lower() != CARD] or logs
    by_stem: dict[str, list[str]] = defaultdict(list)
    for path in logs:
        by_stem[_stem(path)].append(path)
    name = os.path.basename(os.path.abspath(top)) if root == top else os.path.relpath(root, top)
    if len(by_stem) == 1 or _is_one_run(logs):
        return [RunFiles(name, root, tuple(_in_reading_order(logs)), tuple(sorted(sidecars)))]
    return [
        RunFiles(
            os.path.join(name, stem) if stem else name,
            root,
            tuple(_in_reading_order(paths)),
            tuple(sorted(s for s in sidecars if _stem(s) in ("", stem))),
        )
        for stem, paths in sorted(by_stem.items())
    ]


def _latest_checkpoint(logs: Iterable[str]) -> list[str]:
    """Of the trainer states in `checkpoint-N` only the last: each repeats the history of those before it."""
    numbered = {path: int(m[1]) for path in logs if (m := _CHECKPOINT.fullmatch(Path(path).parent.name))}
    last = max(numbered.values(), default=0)
    return [path for path in logs if numbered.get(path, last) == last]


def _is_one_run(logs: list[str]) -> bool:
    kinds = [_kind(path) for path in logs if _kind(path) != "events"]
    prefixes = {_stem(path) for path in logs if _kind(path) == "events"}
    return len(set(kinds)) == len(kinds) and len(prefixes) <= 1


def _kind(path: str) -> str:
    name = os.path.basename(path).lower()
    if "tfevents" in name:
        return "events"
    return name if name in LOG_NAMES else SUFFIXES.get(os.path.splitext(name)[1], "")


def _stem(path: str) -> str:
    """What tells the runs of one folder apart: the file name without a known log name and its suffix."""
    name = os.path.basename(path)
    lower = name.lower()
    events = lower.find("events.out.tfevents")
    if events >= 0:
        return name[:events].rstrip("_-.")
    for known in (*LOG_NAMES, *_SIDECAR_ENDS):
        if lower == known or (lower.endswith(known) and lower[-len(known) - 1] in "_-."):
            return name[: -len(known)].rstrip("_-.")
    stem = os.path.splitext(name)[0]
    # `train.jsonl` beside `eval.jsonl` are two halves of one run.
    return "" if stem.lower() in SPLIT_FOLDERS else stem


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


def _in_reading_order(paths: Iterable[str]) -> list[str]:
    """By name, which for event files is the time at which they were opened."""
    return sorted(paths, key=lambda path: (os.path.basename(path), path))
