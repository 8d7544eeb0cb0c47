"""The files that a run of Hugging Face's Trainer leaves: what it prints, what an earlier run left, names of hosts."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from trainvitals.sample_logs.trainer.writers import Output


class Tee(io.TextIOBase):
    """A text stream that goes to two others."""

    def __init__(self, *streams: TextIO) -> None:
        self._streams = streams

    def write(self, text: str) -> int:
        """Write to both."""
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush both."""
        for stream in self._streams:
            stream.flush()


@contextlib.contextmanager
def console(output: Output) -> Iterator[None]:
    """What the Trainer prints, its bars among it, goes to the terminal and to `train.log`, as `2>&1 | tee` does it."""
    if "text" not in output.forms:
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    path = output.folder / "train.log"
    with path.open("a", encoding="utf-8", newline="") as file:
        both = Tee(file, sys.stderr)
        with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both):
            yield


def clear(folder: Path) -> None:
    """Remove what an earlier run left."""
    for pattern in ("train.log", "trainer_state.json", "events.*"):
        for path in folder.glob(pattern):
            path.unlink()
    for checkpoint in folder.glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


def hide_host(folder: Path) -> None:
    """Take the name of this machine out of the names of event files."""
    for number, path in enumerate(sorted(folder.glob("events.*"))):
        path.rename(path.with_name(".".join([*path.name.split(".")[:4], "host", str(number)])))
