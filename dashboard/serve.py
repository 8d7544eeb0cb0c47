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
from trainvitals.diagnostics.processes import Process, forked, most_processes

if TYPE_CHECKING:
    from trainvitals.diagnostics.catalogue import Catalogue

MANY, MOST_FOLDERS = 100, 1_000
"""Files below a folder from which on some of them are expected to be runs enough to share the reading of; and folders
that are looked into for them."""

MOMENT = 1.0
"""Seconds in which the first table is drawn, which loading other pages must not delay."""

YOUNG = 50_000
"""Objects that are made before the collector looks for cycles among them. Loading modules makes many, and all of them
stay; so do those of reports."""

PATIENCE = 0.5
"""Seconds for finding out which files are runs, before anything else is loaded: the workers wait for it."""


def main() -> None:
    """Begin with what takes longest, reading the runs, before the server is loaded."""
    gc.set_threshold(YOUNG)
    _begin(sys.argv[sys.argv.index("--") + 1])
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


def _begin(folder: str) -> None:
    from trainvitals.dashboard.scanning import catalogue_of

    catalogue = catalogue_of(folder)
    catalogue.refresh(_workers(folder))
    catalogue.wait_for_list(PATIENCE)
    threading.Thread(target=_load_pages, args=(catalogue,), daemon=True).start()


def _workers(folder: str) -> list[Process]:
    """Twins of this process, while it has one thread, for a folder with many runs of which nothing is kept."""
    # Elsewhere than on Linux, libraries of the system may have threads of which Python knows nothing.
    if sys.platform != "linux" or is_kept(folder, os.environ) or not _holds_many(folder):
        return []
    from trainvitals.diagnostics.catalogue.worker import work

    with suppress(OSError):
        return [forked(work) for _ in range(most_processes())]
    return []


def _load_pages(catalogue: Catalogue) -> None:
    """Once the runs are read, load what the other pages need: charts take longer to import than to draw."""
    catalogue.wait()
    time.sleep(MOMENT)
    from trainvitals.dashboard import main

    main.load_pages()


if __name__ == "__main__":
    main()
