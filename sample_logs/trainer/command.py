"""What `trainvitals train` does: a training with its fault into a folder, or the whole corpus."""

from __future__ import annotations

import dataclasses
import importlib
import json
import platform
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Protocol

from trainvitals.sample_logs.trainer import claims, corpus, faults, seeds
from trainvitals.sample_logs.trainer.corpus import Case
from trainvitals.sample_logs.trainer.loop import Settings, options
from trainvitals.sample_logs.trainer.writers import Output


class Task(Protocol):
    """A module that is one training: its settings, and `train`, which leaves the logs in the output's folder."""

    Settings: Callable[..., Settings]

    def train(self, settings: Any, output: Output) -> None:
        """Run to the last step."""
        ...


TASKS = ("article", "spatial", "eos", "causal_lm", "softce")
"""The modules, one for each type; each is imported when it is trained, as transformers alone takes seconds."""

PACKAGES = ("torch", "transformers")


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for on the command line; `steps` is 0 for the type's own number."""

    kind: str
    fault: str
    seed: int
    steps: int = 0


def task_of(kind: str) -> Any:
    """The module of a type, which is a `Task`."""
    assert kind in TASKS
    return importlib.import_module(f"{__package__}.{kind}")


def train(request: Request, output: Output) -> None:
    """Run one training; beside its logs lie `args.json` with its settings and `command.txt`."""
    task = task_of(request.kind)
    changes = dict(faults.find(request.kind, request.fault).changes)
    if request.steps:
        changes["max_steps"] = request.steps
    settings = task.Settings(seed=request.seed, **changes)
    output.folder.mkdir(parents=True, exist_ok=True)
    _write(output.folder / "args.json", json.dumps(options(settings), indent=1) + "\n")
    seeds.seed_all(request.seed)
    task.train(settings, output)


def record(case: Case) -> str:
    """The text of `command.txt`: how to make a case again, and on what it was made."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return f"{case.command}\ndevice {seeds.device_name()}\npython {platform.python_version()}, {versions}\n"


def train_corpus(root: Path, kind: str | None, say: Callable[[str], None]) -> tuple[str, ...]:
    """Train all cases, or those of one type, into their folders below `root`, with their expectations.

    Returns:
        The commands of the cases that ended in an error; the others went on.
    """
    chosen = (case for case in corpus.CASES if kind in (None, case.kind))
    failed = tuple(case.command for case in chosen if not _train_case(root, case, say))
    if kind is None and (root / "README.md").is_file():
        list_cases(root)
    return failed


def _train_case(root: Path, case: Case, say: Callable[[str], None]) -> bool:
    folder = root / case.folder
    say(case.command)
    try:
        train(Request(case.kind, case.fault, case.seed), Output(folder, case.forms))
    except Exception as error:  # noqa: BLE001 (whatever ends one training, the others are still to be had)
        say(f"{case.command} ended: {type(error).__name__}: {error}")
        return False
    for checkpoint in folder.glob("*.pt"):
        checkpoint.unlink()
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)
    _write(folder / "command.txt", record(case))
    expect(root, [case])
    return True


def expect(root: Path, cases: Iterable[Case]) -> None:
    """Write the expectations of the cases, without training."""
    for case in cases:
        if (root / case.folder).is_dir():
            _write(root / case.folder / "expected.toml", corpus.expectation(case))


def list_cases(root: Path) -> None:
    """Write the tables of all cases and of the claims into the README of the corpus, between their marks."""
    readme = root / "README.md"
    shown = corpus.table(corpus.CASES, {case.folder.as_posix(): _device(root / case.folder) for case in corpus.CASES})
    text = readme.read_text("utf-8")
    for name, lines in (("cases", shown), ("claims", claims.section(root))):
        begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
        text = f"{text.partition(begin)[0]}{begin}\n{lines}{end}{text.partition(end)[2]}"
    _write(readme, text)


def _device(folder: Path) -> str:
    path = folder / "command.txt"
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return next((line.removeprefix("device ") for line in lines if line.startswith("device ")), "")


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8", newline="\n")


def settings_names(kind: str) -> frozenset[str]:
    """The names of a type's settings."""
    return frozenset(one.name for one in dataclasses.fields(task_of(kind).Settings))
