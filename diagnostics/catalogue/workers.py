"""Reading many runs at once: by this process and by some of its own kind, as Python runs one thread at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import TypeVar

from trainvitals.diagnostics.catalogue.entry import Entry, Read, opened, unread
from trainvitals.diagnostics.processes import Process, most_processes, started
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import RunFiles

WORKER = "trainvitals.diagnostics.catalogue.worker"

WORTH_IT, WORTH_BYTES = 32, 32 << 20
"""Runs, or bytes, from which on it pays to start a process, which takes a quarter of a second."""

AHEAD, SHARE = 16, 8
"""Runs that a worker is given at once, so that it need not wait for this process to have time for it; and the share of
those left that it gets, one in so many, so that no worker is the only one with work at the end."""

PATIENCE = 600.0
"""Seconds after which a worker that does not answer is ended, and its run said to be unreadable."""

T = TypeVar("T")
Deliver = Callable[[RunFiles, Read], None]


def examine_all(
    wanted: Sequence[RunFiles], size: int, settings: Settings, deliver: Deliver, ahead: Iterable[Process] = ()
) -> None:
    """Read and judge all of these, which are `size` bytes together; `deliver` is called from several threads.

    `ahead` are workers that run already; they are ended in any case.
    """
    todo: queue.SimpleQueue[RunFiles] = queue.SimpleQueue()
    for files in wanted:
        todo.put(files)
    ready: queue.SimpleQueue[Process] = queue.SimpleQueue()
    for process in ahead:
        ready.put(process)
    helpers = [
        threading.Thread(target=_by_worker, args=(todo, settings, deliver, ready), daemon=True)
        for _ in range(_worker_count(len(wanted), size))
    ]
    for helper in helpers:
        helper.start()
    for files in _taken(todo):
        deliver(files, opened(files, settings))
    for helper in helpers:
        helper.join()
    for process in _taken(ready):
        threading.Thread(target=process.end, daemon=True).start()


def _worker_count(runs: int, size: int) -> int:
    if runs < 2 or (runs < WORTH_IT and size < WORTH_BYTES):
        return 0
    return min(most_processes(), runs // 2)


def _taken(waiting: queue.SimpleQueue[T]) -> Iterator[T]:
    while True:
        try:
            yield waiting.get_nowait()
        except queue.Empty:
            return


def _by_worker(
    todo: queue.SimpleQueue[RunFiles], settings: Settings, deliver: Deliver, ready: queue.SimpleQueue[Process]
) -> None:
    """Give runs to a worker, and take another worker where one has ended over a run."""
    given: list[RunFiles] = []
    while True:
        with _worker(ready) as other:
            if not _is_ready(other, settings):
                for files in given:
                    todo.put(files)
                return  # no process can be started here: this one reads them all
            failure = _serve(other, given, todo, deliver)
        if not given:
            return
        deliver(given[0], ((unread(given.pop(0), failure), None),))


def _is_ready(other: Connection, settings: Settings) -> bool:
    try:
        other.send(settings)
        return other.poll(PATIENCE) and other.recv() is None
    except (EOFError, OSError):
        return False


def _serve(other: Connection, given: list[RunFiles], todo: queue.SimpleQueue[RunFiles], deliver: Deliver) -> str:
    """Keep a worker busy until nothing is left, or until it fails at the first of `given`: why."""
    try:
        for files in given:
            other.send(files)
        taken = _taken(todo)
        while True:
            more = _next(taken, max(1, min(AHEAD, todo.qsize() // SHARE)) - len(given))
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
def _worker(ready: queue.SimpleQueue[Process]) -> Iterator[Connection]:
    """A process that answers on this connection, and ends with the block."""
    try:
        process = ready.get_nowait()
    except queue.Empty:
        process = started(WORKER)
    try:
        yield process.connection
    finally:
        process.end()
