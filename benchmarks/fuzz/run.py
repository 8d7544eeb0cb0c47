"""Fuzzes targets one after the other and tells of each: executions, coverage, findings.

Usage: `python benchmarks/fuzz/run.py [--minutes 10] [--folder FOLDER] [TARGET ...]`
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMES = (
    "events",
    "json_lines",
    "tables",
    "console",
    "trainer_state",
    "documents",
    "yaml",
    "json_settings",
    "wandb",
    "databases",
    "following",
    "anything",
)
PROGRESS = re.compile(r"#(\d+)\s+\w+\s+cov: (\d+) ft: (\d+) corp: (\d+)")


def main() -> int:
    """Run; exit code 1 where anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=list(NAMES))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--folder", type=Path, default=HERE.parent / "data" / "fuzz")
    chosen = parser.parse_args()
    print("target           executions  edges  features  inputs  findings", flush=True)
    return max(_one(name, chosen.folder / name, chosen.minutes) for name in chosen.targets)


def _one(name: str, folder: Path, minutes: float) -> int:
    limits = (f"-max_total_time={int(60 * minutes)}", "-timeout=60", "-rss_limit_mb=3000", "-max_len=4096")
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, str(HERE / "fuzz.py"), name, str(folder), *limits, f"-artifact_prefix={folder}/"]
    with (folder / "log.txt").open("wb") as log:
        code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    last = PROGRESS.findall((folder / "log.txt").read_text("utf-8", "replace"))[-1:]
    executions, edges, features, inputs = last[0] if last else ("?",) * 4
    found = len(list((folder / "findings").glob("*.bin")))
    note = f"  ended with {code}: see {folder}/log.txt" if code else ""
    print(f"{name:15}  {executions:>10}  {edges:>5}  {features:>8}  {inputs:>6}  {found:>8}{note}", flush=True)
    return int(bool(found or code))


if __name__ == "__main__":
    sys.exit(main())
