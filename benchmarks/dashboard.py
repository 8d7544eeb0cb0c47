"""The dashboard beside TensorBoard with its fast loader on 500 runs, and by itself on one run of ten million points.

    python benchmarks/dashboard.py --peers .venv-bench/bin/python [--quick] [--rounds 3] [--write]

Each round starts both servers on the same event files, one after the other. Ours is measured from its start to the
table with the verdicts of all runs, as it is sent to a browser; TensorBoard from its start until it has sent all points
of all runs, which is what its page draws. Nothing is drawn, so that no browser is measured. Memory is the most that all
processes of a server hold at once, what they share counted once. Ours begins with an empty cache, and is then started a
second time, which finds there what it said before; TensorBoard keeps nothing between two starts.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from servers import Server, served
from session import Answer, session
from table import load, number
from workloads import WORKLOADS

HERE = Path(__file__).resolve().parent
MARKED = re.compile(r"(?<=<!-- dashboard -->\n).*?(?=<!-- /dashboard -->)", re.DOTALL)
POINTS = 2_000
"""Of each of the many runs: ten metrics at 200 steps."""

TAGS, STEPS = 10, 200
HEADER = (
    "| what | ours | TensorBoard | ratio | at most |",
    "|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Overview:
    """How long a server took until all runs were there (s), its processor time (s), and its memory (MiB)."""

    wall: float
    cpu: float
    peak: float
    rest: float


def main() -> None:
    """Measure, print, and put the table where it is asked for."""
    options = _options()
    options.data.mkdir(parents=True, exist_ok=True)
    before, rows = load(), [*HEADER]
    print(*HEADER, sep="\n", flush=True)
    for row in (*_overviews(options), *_long_run(options)):
        print(row, flush=True)
        rows.append(row)
    if options.write:
        told = (
            f"Median of {options.rounds} round{'s' * (options.rounds > 1)}, with a load of {before} at the beginning "
            f"and {load()} at the end; lower is better."
        )
        write(told, rows)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, required=True, help="the Python that has TensorBoard")
    parser.add_argument("--data", type=Path, default=HERE / "data", help="where the workloads are kept")
    parser.add_argument("--quick", action="store_true", help="50 runs, and one of 500,000 points")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="put the table into the README beside this program")
    return parser.parse_args()


def workload(name: str, points: int, folder: Path) -> Path:
    """The folder of a workload, made if it is not there."""
    path = folder / f"{name}_{points}"
    note = folder / f"{name}_{points}.count"
    if not note.exists():
        note.write_text(str(WORKLOADS[name](path, points)))
    return path


def long_run(points: int, folder: Path) -> Path:
    """The folder of one run of twenty metrics, as CSV, made if it is not there."""
    import numpy as np
    import polars as pl

    path, dice = folder / f"long_{points}", np.random.default_rng(0)
    if not (path / "metrics.csv").exists():
        path.mkdir(parents=True, exist_ok=True)
        steps = np.arange(points // 20)
        falling = 2 / (1 + 9 * steps / steps.size)
        names = ("loss", "grad_norm", *(f"metric_{i}" for i in range(18)))
        values = {name: falling + dice.exponential(0.1, steps.size) for name in names}
        pl.DataFrame({"step": steps, **values}).write_csv(path / "metrics.csv", float_precision=5)
    return path


def _ours(folder: Path, cache: str) -> list[str]:
    program = str(Path(sys.executable).with_name("trainvitals"))
    return ["env", f"XDG_CACHE_HOME={cache}", program, "dashboard", str(folder), "--port", "{port}"]


def _overviews(options: argparse.Namespace) -> list[str]:
    runs = 50 if options.quick else 500
    folder = workload("events_many", runs * POINTS, options.data)
    theirs = [str(options.peers.with_name("tensorboard")), f"--logdir={folder}", "--host=127.0.0.1", "--port={port}"]
    theirs += ["--load_fast=true", "--reload_interval=1", "--samples_per_plugin=scalars=1000000"]
    ours: list[tuple[Overview, Overview]] = []
    again: list[tuple[Overview, Overview]] = []
    for turn in range(options.rounds):
        before = [_their_overview(theirs, runs)] if turn % 2 else []
        first, second = _our_overviews(folder, runs)
        other = before[0] if before else _their_overview(theirs, runs)
        ours.append((first, other))
        again.append((second, other))
    title = f"{runs} event files of {POINTS:,} points"
    limits = {"wall": ("s until all is shown", 0.45), "cpu": ("s of processor time", None)}
    limits |= {"rest": ("MiB once all is shown", 0.75), "peak": ("MiB at the most", None)}
    return [
        *(_row(f"{title}: {words}", ours, name, limit) for name, (words, limit) in limits.items()),
        *(_row(f"{title}, second start: {limits[name][0]}", again, name, None) for name in ("wall", "cpu")),
    ]


def _our_overviews(folder: Path, runs: int) -> tuple[Overview, Overview]:
    """Of a first start with an empty cache, and of a second one."""
    with tempfile.TemporaryDirectory() as cache:
        first = _our_overview(_ours(folder, cache), runs, Path(cache))
        return first, _our_overview(_ours(folder, cache), runs)


def _row(title: str, found: Sequence[tuple[Overview, Overview]], name: str, limit: float | None) -> str:
    ours, theirs = ([getattr(pair[side], name) for pair in found] for side in (0, 1))
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    return f"| {title} | {median(ours):.3g} | {median(theirs):.3g} | {number(ratio)} | {number(limit)} |"


def _our_overview(command: Sequence[str], runs: int, kept: Path | None = None) -> Overview:
    """Until the table is sent; the server is ended once something is in the folder `kept`."""
    with served(command) as server:
        server.wait("/_stcore/health")
        with session(server.port) as tab:
            rows = tab.open().rows
            if rows != runs:
                raise SystemExit(f"the overview has {rows} runs, there are {runs}")
            cost = _cost(server)
            while kept and not any(kept.rglob("*.runs")):
                if server.seconds > cost.wall + 30:
                    raise SystemExit("nothing was kept for the second start")
                time.sleep(0.1)
            return cost


def _their_overview(command: Sequence[str], runs: int) -> Overview:
    with served(command) as server:
        server.wait()
        tags: dict[str, dict[str, object]] = {}
        while sum(map(len, tags.values())) < runs * TAGS:
            tags = json.loads(_asked(server, "tags"))
            time.sleep(0.05)
        names = sorted(tags)
        for tag in sorted(tags[names[0]]):
            form = urllib.parse.urlencode([("tag", tag), *(("runs", name) for name in names)]).encode()
            # A point is a list of three numbers in a list: they are counted, as decoding them would take our time.
            while _asked(server, "scalars_multirun", form).count(b"], [") < runs * (STEPS - 1):
                time.sleep(0.05)
        return _cost(server)


def _asked(server: Server, what: str, form: bytes | None = None) -> bytes:
    address = f"http://127.0.0.1:{server.port}/data/plugin/scalars/{what}"
    with urllib.request.urlopen(urllib.request.Request(address, data=form), timeout=120) as answer:
        data: bytes = answer.read()
        return data


def _cost(server: Server) -> Overview:
    wall, cpu, rest = server.seconds, server.cpu, server.memory
    time.sleep(0.3)
    return Overview(wall, cpu, max(server.peak, rest), rest)


def _long_run(options: argparse.Namespace) -> list[str]:
    """One run of very many points: its pages, once it is read, and its smoothing slider."""
    points = 500_000 if options.quick else 10_000_000
    folder = long_run(points, options.data)
    with tempfile.TemporaryDirectory() as cache, served(_ours(folder, cache)) as server:
        server.wait("/_stcore/health")
        with session(server.port) as tab:
            tab.open()
            page = _timed(server, lambda: tab.open("run"))
            curves = tab.open("curves")
            again = _timed(server, lambda: tab.open("curves"))
            strengths = (0.5, 0.9, 0.6, 0.95, 0.3)
            moved = [_timed(server, partial(tab.move, curves, "strength", strength)) for strength in strengths]
    measured = (
        ("its page is sent", page, 2.0),
        ("its curves are sent", again, 2.0),
        ("its smoothing slider has moved", (median(wall for wall, _ in moved), median(cpu for _, cpu in moved)), 0.3),
    )
    title = f"one run of {points:,} points: s until"
    return [
        f"| {title} {words} | {wall:.2f} (processor: {cpu:.2f}) | | | {limit:g} s |"
        for words, (wall, cpu), limit in measured
    ]


def _timed(server: Server, ask: Callable[[], Answer]) -> tuple[float, float]:
    """Seconds until a page has answered, and the processor time that the server took for it."""
    before = server.cpu
    return ask().seconds, server.cpu - before


def write(told: str, rows: Sequence[str]) -> None:
    """Put the table between the marks of the README beside this program, and what is promised into the project's."""
    promised = [row for row in rows if not row.endswith("|  |")]
    for path, lines in ((HERE / "README.md", rows), (HERE.parent / "README.md", promised)):
        block = "\n".join([told, "", *lines, ""])
        changed, found = MARKED.subn(lambda _, block=block: block, path.read_text("utf-8"))  # type: ignore[misc]
        if found != 1:
            raise SystemExit(f"{path}: has {found} places for the table")
        path.write_text(changed, "utf-8")


if __name__ == "__main__":
    main()
