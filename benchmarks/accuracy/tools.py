"""What each program says of a folder of runs, in one form: a list of findings per run."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
PEERS = ("trainproof", "runmedic", "losslint", "trainspotter")
OURS = "trainvitals"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a program says of a run: the name of its check, whether that is an alarm or a note, and its sentence."""

    check: str
    alarm: bool
    text: str = ""


def ours(root: Path, whole: bool = True) -> dict[str, tuple[Finding, ...]]:
    """Findings of `trainvitals report` on a log or a folder of runs, by the name of the run.

    Raises:
        ValueError: `whole`, and a folder in it has no report.
    """
    program = "from trainvitals.diagnostics.cli import main; main()"
    command = [sys.executable, "-c", program, "report", str(root), "--format", "json", "--isolated"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    runs = json.loads(done.stdout)["runs"]
    found = {run["run"].split(":")[0]: tuple(map(_finding, run["findings"])) for run in runs}
    missing = {path.name for path in root.iterdir() if path.is_dir()} - set(found) if whole else set()
    if missing:
        raise ValueError(f"no report on {sorted(missing)[:5]}: {done.stderr[-500:]}")
    return found


def _finding(entry: Mapping[str, str]) -> Finding:
    return Finding(entry["code"], entry["severity"] != "info", entry["message"])


def theirs(name: str, python: Path, logs: Sequence[Path]) -> dict[str, tuple[Finding, ...]]:
    """Findings of another program on each log, by the name of the run's folder; a crash is no finding."""
    command = [str(python), str(HERE / "peer.py"), name]
    done = subprocess.run(command, input="\n".join(map(str, logs)), capture_output=True, text=True, check=True)
    lines = map(json.loads, done.stdout.splitlines())
    return {
        Path(line["path"]).parent.name: tuple(Finding(f["check"], f["alarm"], f["text"]) for f in line["findings"])
        for line in lines
    }
