"""From paths to runs: which files below a folder belong to one training."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainvitals.parsers import mlflow_folder
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.limits import MAX_FILES
from trainvitals.parsers.log_files import CARD, kind, looks_like_log, stem
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.run_folders import latest_checkpoint, listing, run_root
from trainvitals.parsers.sidecars import is_sidecar

_DIGITS = pattern(r"\d+", re.ASCII)
SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})

AIM = ".aim"
AIM_EXPORT = 'aim.Repo(path).query_metrics("").dataframe().to_csv("metrics.csv")'
"""What makes of Aim's store a file that is read (format `aim_csv`)."""


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
        ReadError: a path that does not exist, or a folder with more logs than can be looked at.
    """
    runs: list[RunFiles] = []
    for path in (os.fspath(p) for p in paths):
        if not os.path.lexists(path):
            raise ReadError(path, "does not exist")
        runs += _in_folder(os.path.normpath(path)) if os.path.isdir(path) else [_single(path)]
    return tuple(dict.fromkeys(runs))


def _single(path: str) -> RunFiles:
    folder = os.path.dirname(path) or "."
    beside = [os.path.join(folder, n) for n in listing(folder) if n != os.path.basename(path) and is_sidecar(n)]
    own = stem(path)
    fitting = [s for s in beside if stem(s) in ("", own)]
    return RunFiles(os.path.normpath(path), folder, (path,), tuple(sorted(fitting)))


def _in_folder(top: str) -> list[RunFiles]:
    if os.path.basename(os.path.abspath(top)) == AIM:
        # Its files are called `LOG` and `000005.log`, and are none.
        raise _of_aim(top)
    logs: dict[str, list[str]] = defaultdict(list)
    sidecars: dict[str, list[str]] = defaultdict(list)
    found_logs = 0
    for path in _walk(top):
        if is_sidecar(os.path.basename(path)) or mlflow_folder.run_folder(path, mlflow_folder.PARAMS):
            sidecars[run_root(path, top)].append(path)
        elif looks_like_log(path):
            logs[run_root(path, top)].append(path)
            found_logs += 1
            if found_logs > MAX_FILES:
                raise ReadError(top, f"holds more than {MAX_FILES} logs; name some of its folders instead")
    kept = [root for root in sorted(logs) if root == top or not mlflow_folder.is_deleted(root)]
    found = [run for root in kept for run in _group(root, logs[root], sidecars[root], top)]
    if not found and os.path.isdir(os.path.join(top, AIM)):
        raise _of_aim(top)
    return sorted(found, key=lambda run: run.name)


def _of_aim(top: str) -> ReadError:
    """What to say of a database of RocksDB that only Aim itself can open."""
    return ReadError(top, f"holds a store of Aim, which is not read; export it first: {AIM_EXPORT}")


def _walk(top: str) -> Iterator[str]:
    for folder, subfolders, names in os.walk(top):
        subfolders[:] = sorted(s for s in subfolders if not s.startswith(".") and s not in SKIPPED_FOLDERS)
        for name in sorted(names):
            path = os.path.join(folder, name)
            # A link may lead out of the folder that the user pointed at.
            if not name.startswith(".") and os.path.isfile(path) and not _leaves(path, top):
                yield path


def _leaves(path: str, top: str) -> bool:
    return os.path.islink(path) and not Path(path).resolve().is_relative_to(Path(top).resolve())


def _group(root: str, logs: list[str], sidecars: list[str], top: str) -> list[RunFiles]:
    """The runs among the log files of one root: one, unless two files of a kind show that there are several.

    A model card repeats what the logs beside it say, at the steps of the evaluations: alone, it stands for them.
    """
    logs = [path for path in latest_checkpoint(logs) if os.path.basename(path).lower() != CARD] or logs
    by_stem: dict[str, list[str]] = defaultdict(list)
    for path in logs:
        by_stem[stem(path)].append(path)
    name = _name(root, top)
    if len(by_stem) == 1 or _is_one_run(logs):
        return [RunFiles(name, root, tuple(_in_reading_order(logs)), tuple(sorted(sidecars)))]
    return [
        RunFiles(
            os.path.join(name, own) if own else name,
            root,
            tuple(_in_reading_order(paths)),
            tuple(sorted(s for s in sidecars if stem(s) in ("", own))),
        )
        for own, paths in sorted(by_stem.items())
    ]


def _name(root: str, top: str) -> str:
    """The path of a run below the folder that was named; MLflow's folders are numbers, which its own names replace."""
    if mlflow_folder.is_run(root):
        above = os.path.relpath(os.path.dirname(os.path.dirname(root)), top)
        return os.path.normpath(
            os.path.join("" if above.startswith(os.pardir) else above, mlflow_folder.run_label(root))
        )
    return os.path.basename(os.path.abspath(top)) if root == top else os.path.relpath(root, top)


def _is_one_run(logs: list[str]) -> bool:
    kinds = [kind(path) for path in logs if kind(path) != "events"]
    prefixes = {stem(path) for path in logs if kind(path) == "events"}
    return len(set(kinds)) == len(kinds) and len(prefixes) <= 1


def _in_reading_order(paths: Iterable[str]) -> list[str]:
    """By name, which for event files is the time at which they were opened; numbers in it by their value."""
    return sorted(paths, key=lambda path: (_DIGITS.sub(lambda found: found[0].zfill(20), os.path.basename(path)), path))
