"""Processes of our own kind that work for this one: they answer on a connection, and end when it is closed."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe, get_context
from multiprocessing.connection import Connection
from typing import Any

MOST = 7
"""Processes beside this one: each takes 60 MB."""

PATIENCE = 1.0
"""Seconds that a process has to finish by itself once its connection is closed."""


def most_processes() -> int:
    """How many can work beside this one; 0 where they cannot be started in this way."""
    return max(0, min((os.cpu_count() or 1) - 1, MOST)) if os.name == "posix" else 0


@dataclass(frozen=True, slots=True, eq=False)
class Process:
    """A process at the other end of `connection`.

    Attributes:
        wait: wait so many seconds at most for its end; whether it has ended.
        kill: end it at once.
    """

    connection: Connection
    wait: Callable[[float], bool]
    kill: Callable[[], None]

    def end(self) -> None:
        """Let it finish by itself within a second, else end it."""
        self.connection.close()
        if not self.wait(PATIENCE):
            self.kill()
            self.wait(PATIENCE)


def started(module: str) -> Process:
    """A module run as a program, with the descriptor of its end of the connection as its only argument.

    Raises:
        OSError: no process can be started.
    """
    ours, theirs = Pipe()
    number = theirs.fileno()
    # -P: the folder in which this process was started may hold a module of any name.
    command = [sys.executable, "-P", "-m", module, str(number)]
    # A session of its own: Ctrl-C is for this process, whose end closes the connection, which ends the other.
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "pass_fds": (number,), "start_new_session": True}
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    try:
        process = subprocess.Popen(command, env=environment, **options)  # noqa: S603 (our own program)
    finally:
        theirs.close()

    def wait(seconds: float) -> bool:
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        return process.returncode is not None

    return Process(ours, wait, process.kill)


def forked(work: Callable[[Connection], None]) -> Process:
    """A twin of this process, which has loaded what this one has, and works until its connection is closed.

    Only while this process has one thread: what others hold would never be let go of in the twin.

    Raises:
        OSError: no process can be started.
    """
    ours, theirs = Pipe()
    process = get_context("fork").Process(target=_twin, args=(work, ours, theirs), daemon=True)
    try:
        process.start()
    finally:
        theirs.close()

    def wait(seconds: float) -> bool:
        process.join(seconds)
        return process.exitcode is not None

    return Process(ours, wait, process.kill)


def _twin(work: Callable[[Connection], None], ours: Connection, theirs: Connection) -> None:
    ours.close()  # while it is open here, too, nobody would be told that the other process has ended
    os.setsid()
    gc.freeze()  # what is loaded stays: collecting it would also copy the memory that both processes share
    work(theirs)
