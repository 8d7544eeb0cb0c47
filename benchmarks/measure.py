"""Runs commands alternately and takes their processor time and memory."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Cost:
    """One run of a command: seconds of processor time (user and system, with all child processes), MiB at its peak."""

    cpu: float
    memory: float
    output: str


def run(command: Sequence[str]) -> Cost:
    """Run a command to its end.

    Raises:
        CalledProcessError: it failed.
    """
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        assert process.stdout
        output = process.stdout.read().decode()
        # A process starts with the peak of the one that started it: the measuring one must import nothing large.
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    return Cost(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output.strip())


def alternately(commands: Mapping[str, Sequence[str]], rounds: int) -> dict[str, list[Cost]]:
    """The costs of each command by round; each round runs all of them, beginning with another one."""
    names = list(commands)
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for turn in range(rounds):
        at = turn % len(names)
        for name in names[at:] + names[:at]:
            costs[name].append(run(commands[name]))
    return costs


def ratio(ours: Sequence[Cost], other: Sequence[Cost]) -> float:
    """How many times the processor time of the other one we take: the median over the rounds."""
    return median(a.cpu / max(b.cpu, 1e-3) for a, b in zip(ours, other, strict=True))


def memory_ratio(ours: Sequence[Cost], other: Sequence[Cost]) -> float:
    """The same for the peak of memory."""
    return median(a.memory / b.memory for a, b in zip(ours, other, strict=True))
