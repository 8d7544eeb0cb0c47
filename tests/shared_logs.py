"""Where the shared real logs lie: `TRAINVITALS_SHARED`, or `../shared` beside the checkout."""

import csv
import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TRAINVITALS_SHARED") or Path(__file__).parents[2] / "shared")
REAL = SHARED / "real_logs"
ACCUM = SHARED / "accum_logs"

needs_shared = pytest.mark.skipif(not REAL.is_dir(), reason=f"the shared real logs are not at {SHARED}")


def index(folder: Path) -> list[dict[str, str]]:
    """The rows of a folder's INDEX.tsv; none where the folder is absent."""
    path = folder / "INDEX.tsv"
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))
