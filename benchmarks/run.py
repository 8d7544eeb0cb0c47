"""Measures trainvitals against other programs that read the same logs, and prints the ratios as a Markdown table.

python run.py --peers .venv-bench/bin/python [--quick] [--rounds 5] [--only jsonl,console] [--data FOLDER] [--write]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from measure import Cost, alternately, run
from suites import SUITES, Suite
from table import HEADER, Row, compared, load, write

HERE = Path(__file__).resolve().parent
STARTS = {"python -c pass": ["-c", "pass"], "import numpy": ["-c", "import numpy"]}


def main() -> None:
    """Run the suites that are asked for."""
    options = _options()
    # What is installed from the repository is compiled at its first start; with this setting, at every one.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    options.data.mkdir(parents=True, exist_ok=True)
    chosen = [s for s in SUITES if not options.only or s.name in options.only.split(",")]
    before, rows = load(), []
    print(*HEADER, sep="\n", flush=True)
    for suite in chosen:
        rows += _printed(_suite(suite, suite.quick if options.quick else suite.size, options))
    if not options.only or "start" in options.only.split(","):
        rows += _printed(_starts(options))
    if options.write:
        write(rows, options.rounds, "a twentieth of the size" if options.quick else "full size", (before, load()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="the Python that has the other programs")
    parser.add_argument("--data", type=Path, default=HERE / "data", help="where the workloads are kept")
    parser.add_argument("--quick", action="store_true", help="a twentieth of the size")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="names of suites, separated by commas")
    parser.add_argument("--write", action="store_true", help="put the table into the READMEs")
    return parser.parse_args()


def _workload(name: str, size: int, folder: Path) -> tuple[Path, int]:
    """The path of a workload, made if it is not there, and how many scalars it holds."""
    suffix = {"jsonl": ".jsonl", "console": ".log"}.get(name.split("_")[0], "")
    path, note = folder / f"{name}_{size}{suffix}", folder / f"{name}_{size}.count"
    if not note.exists():
        made = run([sys.executable, str(HERE / "workloads.py"), name, str(path), str(size)])
        note.write_text(made.output)
    return path, int(note.read_text())


def _suite(suite: Suite, size: int, options: argparse.Namespace) -> Iterator[Row]:
    path, count = _workload(suite.name, size, options.data)
    ours = [sys.executable, str(HERE / "ours.py"), str(path)]
    others = {name: _command(name, path, size, options) for name in suite.targets}
    usual = {name: command for name, command in others.items() if name not in suite.slow}
    costs = alternately({"ours": ours, **usual}, options.rounds)
    found = {cost.output for cost in costs["ours"]}
    if suite.name != "console" and found != {str(count)}:
        raise SystemExit(f"{suite.name}: read {found} scalars, there are {count}")
    if suite.slow:
        costs.update({name: alternately({name: others[name]}, 1)[name] for name in suite.slow})
    for name, target in suite.targets.items():
        title = suite.title.format(size=size)
        yield compared(title, name, costs["ours"], costs[name], (target, suite.memory.get(name)))
    if suite.judging is not None:
        yield _judging(suite, path, size, options.rounds)


def _judging(suite: Suite, path: Path, size: int, rounds: int) -> Row:
    """What all rules cost, over what reading costs in the same process."""
    printed = [run([sys.executable, str(HERE / "judged.py"), str(path)]).output.splitlines() for _ in range(rounds)]
    reading, judging = ([Cost(*map(float, line.split()), "") for line in part] for part in zip(*printed, strict=True))
    title = f"judging what was read: {suite.title.format(size=size)}"
    return compared(title, "reading it", judging, reading, (suite.judging, None))


def _command(name: str, path: Path, size: int, options: argparse.Namespace) -> list[str]:
    if name == "wc -l":
        return ["wc", "-l", str(path)]
    if name == "jsonl":
        return [sys.executable, str(HERE / "ours.py"), str(_workload(name, size, options.data)[0])]
    return [str(options.peers), str(HERE / "peers.py"), name, str(path)]


def _starts(options: argparse.Namespace) -> Iterator[Row]:
    """How long the command line takes to start, and to report on a small log."""
    path, _ = _workload("jsonl", 10_000, options.data)
    program = [str(Path(sys.executable).with_name("trainvitals"))]
    commands = {name: [sys.executable, *arguments] for name, arguments in STARTS.items()}
    commands["--help"] = [*program, "--help"]
    commands["report"] = [*program, "report", str(path)]
    costs = alternately(commands, options.rounds)
    yield compared("`trainvitals --help`", "python -c pass", costs["--help"], costs["python -c pass"], (5, None))
    for name in STARTS:
        yield compared("`trainvitals report` on 10,000 rows", name, costs["report"], costs[name], (None, None))


def _printed(rows: Iterator[Row]) -> list[Row]:
    found = []
    for row in rows:
        print(row.full, flush=True)
        found.append(row)
    return found


if __name__ == "__main__":
    main()
