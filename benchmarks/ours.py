"""Reads every run below a path and prints how many scalars they hold.

python ours.py PATH
"""

from __future__ import annotations

import os
import sys

# As the command line sets it before numpy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from trainvitals.parsers import discover, read_all

if __name__ == "__main__":
    print(sum(run.points for files in discover([sys.argv[1]]) for run in read_all(files)))
