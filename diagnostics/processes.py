"""Processes of our own kind that work for this one: started without a shell, answering on a connection, ended with it.

Nothing here imports what such a process will need, so that it can be started first and load it meanwhile.
"""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing import Pipe
from typing import Any

MOST = 7
"""Processes beside this one: each takes 60 MB."""


def most_processes() -> int:
    """How many can work beside this one; 0 where they cannot be started in this way."""
    return max(0, min((os.cpu_count() or 1) - 1, MOST)) if os.name == "posix" else 0


class Process:
    """A module run as a program, with the descriptor of its end of `connection` as its only argument."""

    def __init__(self, module: str) -> None:
        self.connection, theirs = Pipe()
        number = theirs.fileno()
        # -P: the folder in which this process was started may hold a module of any name.
        command = [sys.executable, "-P", "-m", module, str(number)]
        # A session of its own: Ctrl-C is for this process, whose end closes the connection, which ends the other.
        options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "pass_fds": (number,), "start_new_session": True}
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
        try:
            self._process = subprocess.Popen(command, env=environment, **options)  # noqa: S603 (our own program)
        finally:
            theirs.close()

    def end(self) -> None:
        """Let it finish by itself within a second, else end it."""
        self.connection.close()
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
