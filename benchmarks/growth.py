"""Twice the rows must not take more than 2.1 times as long: no reader and no rule may be quadratic in anything.

    python benchmarks/growth.py [--rows 100000] [--rounds 5]

For each kind of log, with healthy and with broken rows: the processor time of reading n and 2n rows, and of judging
curves of n and 2n points, the smallest of some rounds each, and their ratio. It is no test, as a loaded machine makes
any ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator

import numpy as np

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.model import Floats, Run, Series, Source
from trainvitals.parsers.reading import read_log

AT_MOST = 2.1
BAR = "\r {0}%|###       | {0}/{1} [00:01<00:10, 1.0it/s, loss={2:.3f}]"

KINDS: dict[str, tuple[str, Callable[[int], str]]] = {
    "JSON lines": ("a.jsonl", lambda i: f'{{"step": {i}, "loss": {4 - i * 1e-6:.6f}}}\n'),
    "JSON lines, every other torn": ("a.jsonl", lambda i: f'{{"step": {i}, "loss": 1{"}" * (i % 2)}\n'),
    "JSON lines, all non-finite": ("a.jsonl", lambda i: f'{{"step": {i}, "loss": NaN}}\n'),
    "JSON lines, new keys": ("a.jsonl", lambda i: f'{{"step": {i}, "m{i}": 1.5}}\n'),
    "table": ("a.csv", lambda i: f"{i},{4 - i * 1e-6:.6f}\n" if i else "step,loss\n"),
    "table of broken rows": ("a.csv", lambda i: f'{i},"0.5\n' if i else "step,loss\n"),
    "table, names again and again": ("a.csv", lambda i: f"{i},1.5\n" if i % 2 else f"step,loss,m{i % 99}\n"),
    "dictionaries": ("a.log", lambda i: f"{{'loss': {4 - i * 1e-6:.4f}, 'learning_rate': 1e-05, 'epoch': {i}}}\n"),
    "long lines of bars": ("a.log", lambda i: BAR.format(i, 10**6, 1.5) + "\n" * (i % 1000 == 0)),
    "text": ("a.log", lambda i: f"worker {i} says hello to all the others\n"),
    "lines that look like metrics": ("a.log", lambda i: f"my loss of round {i} = 1.5 / {i}\n"),
    "tracebacks": ("a.log", lambda i: f'Traceback (most recent call last):\n  File "x.py", line {i}\n'),
    "dots and quotes": ("a.log", lambda i: f". .. ... '\"'\" {{{{ [( loss: {i}e1e1 " * 4 + "\n"),
}
"""Name: (file name, row by number)."""


Columns = dict[str, tuple[Floats, Floats]]
"""Steps and values of each metric."""


def falling(n: int) -> Floats:
    """A healthy loss, `(n,)`."""
    return (2 + 3 * np.exp(-np.linspace(0, 5, n))) * np.exp(0.05 * np.random.default_rng(0).standard_normal(n))


def healthy(n: int) -> Columns:
    """What trainers log, with evaluations every 20 rows."""
    step, rare = np.arange(1.0, n + 1), np.arange(20.0, n + 1, 20)
    norm = 1 + np.random.default_rng(1).exponential(size=n)
    rate = 1e-3 * (1 + np.cos(np.pi * step / n))
    rows = {"loss": falling(n), "grad_norm": norm, "learning_rate": rate, "accuracy": 1 / falling(n)}
    return {name: (step, column) for name, column in rows.items()} | {"eval_loss": (rare, falling(rare.size))}


def spoilt(every: int, rows: int, value: float, metric: str = "loss") -> Callable[[int], Columns]:
    """A run of which a metric takes another value, or a multiple of its own, for some rows again and again."""

    def make(n: int) -> Columns:
        made = healthy(n)
        step, column = made[metric]
        hit = np.arange(column.size) % every >= every - rows
        return {**made, metric: (step, np.where(hit, value * column if value > 1 else value, column))}

    return make


def resumed(n: int) -> Columns:
    """Every stretch of 300 rows goes back by 150."""
    at = np.arange(n)
    step = 150.0 * (at // 300) + at % 300
    return {name: (step, column[1]) for name, column in healthy(n).items() if column[1].size == n}


def alike(n: int) -> Columns:
    """Values that never change."""
    step = np.arange(1.0, n + 1)
    return {name: (step, np.full(n, 64.0)) for name in ("loss", "grad_norm", "learning_rate", "loss_scale")}


JUDGED: dict[str, Callable[[int], Columns]] = {
    "a healthy run": healthy,
    "spikes": spoilt(700, 40, 3.0),
    "zeros": spoilt(50, 4, 0.0),
    "non-finite values": spoilt(50, 4, np.nan),
    "gradients that vanish": spoilt(50, 4, 0.0, "grad_norm"),
    "a rate that comes and goes": spoilt(50, 25, 100.0, "learning_rate"),
    "resumes": resumed,
    "values that never change": alike,
}


def reading(name: str, data: bytes) -> Callable[[], object]:
    """The reading of a file, whatever comes of it."""

    def read() -> None:
        with contextlib.suppress(ReadError):
            read_log(LogFile(name, data))

    return read


def judging(columns: Columns) -> Callable[[], object]:
    """The judging of a run, each time of one that no rule has seen."""

    def judge() -> None:
        series = []
        for name, (step, value) in columns.items():
            nothing, rows = np.full(value.size, np.nan), np.arange(1, value.size + 1)
            series.append(Series(name, "", name, value, step, nothing, nothing, rows, np.zeros(value.size, np.int64)))
        diagnose(Run("run", (Source("log.jsonl", "jsonl"),), tuple(series)))

    return judge


def seconds(task: Callable[[], object], rounds: int) -> float:
    """Processor time of a task, the smallest of some."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        task()
        times.append(time.process_time() - started)
    return min(times)


def main() -> int:
    """Measure; exit code 1 where any kind grows faster than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    sizes = (chosen.rows, 2 * chosen.rows)
    worst = 0.0
    print("kind                                     seconds   twice  ratio")
    for kind, tasks in _tasks(sizes):
        once, twice = (seconds(task, chosen.rounds) for task in tasks)
        worst = max(worst, twice / once)
        print(f"{kind:39} {once:8.3f} {twice:7.3f}  {twice / once:5.2f}", flush=True)
    return int(worst > AT_MOST)


def _tasks(sizes: tuple[int, int]) -> Iterator[tuple[str, list[Callable[[], object]]]]:
    for kind, (name, row) in KINDS.items():
        lines = [row(i).encode() for i in range(max(sizes))]
        yield f"read {kind}", [reading(name, b"".join(lines[:n])) for n in sizes]
    for kind, make in JUDGED.items():
        yield f"judge {kind}", [judging(make(n)) for n in sizes]


if __name__ == "__main__":
    sys.exit(main())
