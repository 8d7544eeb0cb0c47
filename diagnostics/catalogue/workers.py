"""Reading many runs at once: by this process and by some of its own kind, as Python runs one thread at a time."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from trainvitals.diagnostics.catalogue.entry import Entry, Read, opened, unread
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import RunFiles

MOST_WORKERS = 7
"""Processes beside this one: each takes 60 MB."""

WORTH_IT, WORTH_BYTES = 32, 32 << 20
"""Runs, or bytes, from which on it pays to start a process, which takes a quarter of a second."""

AHEAD = 4
"""Runs that a worker is given at once, so that it need not wait for this process to have time for it."""

PATIENCE = 600.0
"""Seconds after which a worker that does not answer is ended, and its run said to be unreadable."""

Deliver = Callable[[RunFiles, Read], None]


def examine_all(wanted: Sequence[RunFiles], size: int, settings: Settings, deliver: Deliver) -> None:
    """Read and judge all of these, which are `size` bytes together; `deliver` is called from several threads."""
    todo: queue.SimpleQueue[RunFiles] = queue.SimpleQueue()
    for files in wanted:
        todo.put(files)
    helpers = [
        threading.Thread(target=_by_worker, args=(todo, settings, deliver), daemon=True)
        for _ in range(_worker_count(len(wanted), size))
    ]
    for helper in helpers:
        helper.start()
    for files in _taken(todo):
        deliver(files, opened(files, settings))
    for helper in helpers:
        helper.join()


def _worker_count(runs: int, size: int) -> int:
    if os.name != "posix" or runs < 2 or (runs < WORTH_IT and size < WORTH_BYTES):
        return 0
    return max(0, min((os.cpu_count() or 1) - 1, MOST_WORKERS, runs // 2))


def _taken(todo: queue.SimpleQueue[RunFiles]) -> Iterator[RunFiles]:
    while True:
        try:
            yield todo.get_nowait()
        except queue.Empty:
            return


def _by_worker(todo: queue.SimpleQueue[RunFiles], settings: Settings, deliver: Deliver) -> None:
    """Give runs to a worker, and take another worker where one has ended over a run."""
    taken = _taken(todo)
    given: list[RunFiles] = []
    while True:
        with _worker() as other:
            if not _is_ready(other, settings):
                for files in given:
                    todo.put(files)
                return  # no process can be started here: this one reads them all
            failure = _serve(other, given, taken, deliver)
        if not given:
            return
        deliver(given[0], ((unread(given.pop(0), failure), None),))


def _is_ready(other: Connection, settings: Settings) -> bool:
    try:
        other.send(settings)
        return other.poll(PATIENCE) and other.recv() is None
    except (EOFError, OSError):
        return False


def _serve(other: Connection, given: list[RunFiles], taken: Iterator[RunFiles], deliver: Deliver) -> str:
    """Keep a worker busy until nothing is left, or until it fails at the first of `given`: why."""
    try:
        for files in given:
            other.send(files)
        while True:
            more = _next(taken, AHEAD - len(given))
            given += more  # before anything can go wrong, so that none is lost
            for files in more:
                other.send(files)
            if not given:
                return ""
            if not other.poll(PATIENCE):
                return f"reading it took longer than {PATIENCE / 60:.0f} minutes"
            found: tuple[Entry, ...] = other.recv()
            deliver(given.pop(0), tuple((one, None) for one in found))
    except (EOFError, OSError):
        return "the process that read it has ended: was the memory exhausted?"


def _next(taken: Iterator[RunFiles], count: int) -> list[RunFiles]:
    return [files for _, files in zip(range(count), taken, strict=False)]


@contextmanager
def _worker() -> Iterator[Connection]:
    """A process that answers on this connection, and ends with the block."""
    ours, theirs = Pipe()
    number = theirs.fileno()
    # -P: the folder in which the server was started may hold a module of any name.
    command = [sys.executable, "-P", "-m", "trainvitals.diagnostics.catalogue.worker", str(number)]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    # A session of its own: Ctrl-C is for the server, whose end closes the connection, which ends the worker.
    options = {"stdin": subprocess.DEVNULL, "pass_fds": (number,), "env": environment, "start_new_session": True}
    with subprocess.Popen(command, **options) as process:  # type: ignore[call-overload]  # noqa: S603 (our own program)
        theirs.close()
        try:
            yield ours
        finally:
            ours.close()
            try:
                process.wait(1)
            except subprocess.TimeoutExpired:
                process.kill()
