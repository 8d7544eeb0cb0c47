"""Reads every run below a path and judges it; prints what reading and judging cost.

python judged.py PATH

Two lines, reading and judging: seconds of processor time, and MiB at the peak so far. Both in one process, as the
judging of a second would start with cold memory.
"""

from __future__ import annotations

import os
import resource
import sys
import time

# As the command line sets it before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from trainvitals.diagnostics.diagnosis import diagnose
from trainvitals.parsers import discover, read_all


def tell(since: float) -> float:
    """Print the cost of what was done since then, and return the time now."""
    now = time.process_time()
    print(now - since, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return now


if __name__ == "__main__":
    start = time.process_time()
    runs = [run for files in discover([sys.argv[1]]) for run in read_all(files)]
    read = tell(start)
    for run in runs:
        diagnose(run)
    tell(read)
