"""Streamlit as `trainvitals dashboard` starts it: the runs are read while the server starts and the browser opens.

python -m trainvitals.dashboard.serve run APP OPTIONS -- FOLDER
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from trainvitals.diagnostics.kept import is_kept
from trainvitals.diagnostics.processes import Process, most_processes

if TYPE_CHECKING:
    from trainvitals.diagnostics.catalogue import Catalogue

MANY, MOST_FOLDERS = 100, 1_000
"""Files below a folder from which on some of them are expected to be runs enough to share the reading of; and folders
that are looked into for them."""

MOMENT = 1.0
"""Seconds in which the first table is drawn, which loading other pages must not delay."""

PATIENCE = 0.5
"""Seconds for finding out which files are runs, before anything else is loaded: the workers wait for it."""

WORKER = "trainvitals.diagnostics.catalogue.worker"


def main() -> None:
    """Begin with what takes longest: the workers load their modules while this process loads its own."""
    folder = sys.argv[sys.argv.index("--") + 1]
    # What is kept of an earlier start need not be read again.
    wanted = 0 if is_kept(folder, os.environ) or not _holds_many(folder) else most_processes()
    _begin(folder, [Process(WORKER) for _ in range(wanted)])
    from streamlit.web.cli import main as streamlit

    # What is loaded stays: the collector need not look through it again and again.
    gc.freeze()
    streamlit(prog_name="streamlit")


def _holds_many(folder: str) -> bool:
    """Whether there are many files; a folder with endlessly many is not listed to its end."""
    todo, files = [folder], 0
    for _ in range(MOST_FOLDERS):
        if not todo:
            break
        with suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
                elif (files := files + 1) == MANY:
                    return True
    return False


def _begin(folder: str, ahead: list[Process]) -> None:
    from trainvitals.dashboard.scanning import catalogue_of

    catalogue = catalogue_of(folder)
    catalogue.refresh(ahead)
    catalogue.wait_for_list(PATIENCE)
    threading.Thread(target=_load_pages, args=(catalogue,), daemon=True).start()


def _load_pages(catalogue: Catalogue) -> None:
    """Once the runs are read, load what the other pages need: charts take longer to import than to draw."""
    catalogue.wait()
    time.sleep(MOMENT)
    from trainvitals.dashboard import main

    main.load_pages()


if __name__ == "__main__":
    main()
