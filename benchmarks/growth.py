"""Twice the rows must not take more than 2.1 times as long: no reader may be quadratic in what anybody writes.

    python benchmarks/growth.py [--rows 100000] [--rounds 5]

For each kind of log, with healthy and with broken rows: the processor time of reading n and 2n rows, the smallest of
some rounds each, and their ratio. It is no test, as a loaded machine makes any ratio.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile
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


def seconds(name: str, data: bytes, rounds: int) -> float:
    """Processor time of one reading, the smallest of some."""
    times = []
    for _ in range(rounds):
        started = time.process_time()
        with contextlib.suppress(ReadError):
            read_log(LogFile(name, data))
        times.append(time.process_time() - started)
    return min(times)


def main() -> int:
    """Measure; exit code 1 where any kind grows faster than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    worst = 0.0
    print("kind                            seconds   twice  ratio")
    for kind, (name, row) in KINDS.items():
        lines = [row(i).encode() for i in range(2 * chosen.rows)]
        once, twice = (seconds(name, b"".join(lines[:n]), chosen.rounds) for n in (chosen.rows, 2 * chosen.rows))
        worst = max(worst, twice / once)
        print(f"{kind:30} {once:8.3f} {twice:7.3f}  {twice / once:5.2f}", flush=True)
    return int(worst > AT_MOST)


if __name__ == "__main__":
    sys.exit(main())
