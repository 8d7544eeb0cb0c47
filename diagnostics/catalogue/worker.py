"""A process that reads and judges runs for another one: `python -m trainvitals.diagnostics.catalogue.worker FD`.

Where it is started anew it is no child of `multiprocessing`, which would import the main module of the server: a page.
"""

from __future__ import annotations

import gc
import sys
from multiprocessing.connection import Connection


def work(other: Connection) -> None:
    """Take the settings, then groups of files, and answer with their entries, until the other end is closed."""
    from trainvitals.diagnostics.catalogue.entry import opened

    try:
        settings = other.recv()
        other.send(None)  # ready: whatever goes wrong after this is the fault of a run
        while True:
            other.send(tuple(one for one, _ in opened(other.recv(), settings)))
    except (EOFError, OSError):
        return


if __name__ == "__main__":
    gc.freeze()  # the modules stay: the collector need not look through them again
    work(Connection(int(sys.argv[1])))
