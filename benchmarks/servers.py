"""A server with all its processes: started, watched for memory and processor time, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

EVERY = 0.25
"""Seconds between two looks at the processes: a look takes some milliseconds from those that are measured."""

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """A server on a port of 127.0.0.1; `peak` is the most memory that its processes held at once, in MiB."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.port, self.started, self.peak = port, time.perf_counter(), 0.0
        self._root, self._over = process.pid, threading.Event()
        self._seen: dict[int, float] = {}
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    @property
    def seconds(self) -> float:
        """Wall-clock time since it was started."""
        return time.perf_counter() - self.started

    @property
    def cpu(self) -> float:
        """Processor time of its processes so far; of those that have ended, as of the last time they were seen."""
        self._look()
        return sum(self._seen.values())

    @property
    def memory(self) -> float:
        """Memory that its processes hold, in MiB; what several share counts once."""
        return sum(_proportional(each) for each in _tree(self._root)) / 1024

    def wait(self, path: str = "/") -> None:
        """Wait until a page is there."""
        while True:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5):
                return
            if self.seconds > 120:
                raise SystemExit("the server does not answer")
            time.sleep(0.02)

    def end(self) -> None:
        """Take no more samples."""
        self._over.set()
        self._sampler.join()

    def _sample(self) -> None:
        while not self._over.wait(EVERY):
            self._look()
            self.peak = max(self.peak, self.memory)

    def _look(self) -> None:
        for each in _tree(self._root):
            with suppress(OSError, IndexError, ValueError):
                fields = Path(f"/proc/{each}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
                self._seen[each] = (int(fields[11]) + int(fields[12])) / TICK


@contextmanager
def served(command: Sequence[str]) -> Iterator[Server]:
    """Run a command in which {port} stands for a free port; its processes end with the block."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([part.format(port=port) for part in command], **quiet) as process:  # type: ignore[call-overload]
        server = Server(process, port)
        try:
            yield server
        finally:
            server.end()
            mine = _tree(process.pid)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            for each in mine:
                with suppress(ProcessLookupError):
                    os.kill(each, 9)


def _tree(root: int) -> list[int]:
    """The process and those that it has started."""
    found, todo = [], [root]
    while todo:
        each = todo.pop()
        found.append(each)
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                todo += map(int, task.read_text("ascii").split())
    return found


def _proportional(process: int) -> float:
    """Memory of a process in KiB, its share of what is shared."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1])
    return 0.0
