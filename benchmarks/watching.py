"""A day of training replayed through `watch`: the findings of `report`, at what cost, in how much memory.

    python benchmarks/watching.py [--lines 86400] [--looks 288]

Time is that of the log: the clock of the watcher stands still while it works. Memory is sampled at each tenth of the
day: what is held grows with the points, of which there are some copies, and with nothing else.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from trainvitals.diagnostics import diagnose
from trainvitals.diagnostics.settings import Settings
from trainvitals.diagnostics.watching.news import Found
from trainvitals.diagnostics.watching.watcher import Watcher
from trainvitals.parsers import read
from trainvitals.parsers.following import Follower

DAY = 86_400.0


def line(i: int, lines: int) -> bytes:
    """A row of a log that falls, has spikes, and breaks down in the evening."""
    at = i / lines
    loss = 5 * math.exp(-8 * at) + 1 + 0.02 * math.sin(i * 2.7) if at < 0.9 else math.nan
    row = {"step": i, "loss": round(loss, 5), "grad_norm": round(1 + 0.1 * math.sin(i), 4), "lr": 1e-4}
    row |= {"timestamp": 1.7e9 + DAY * at, "host": "gpu-node-07"}
    if i % 500 == 0:
        row["eval_loss"] = round(loss + 0.05, 5)
    return json.dumps(row).encode() + b"\n"


def resident() -> int:
    """Bytes of memory that this process holds."""
    fields = Path("/proc/self/statm").read_text("ascii").split()
    return int(fields[1]) * 4096


def main() -> int:
    """Replay; exit code 1 where the findings differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=86_400)
    parser.add_argument("--looks", type=int, default=288)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "metrics.jsonl"
        path.write_bytes(b"")
        now = [0.0]
        watcher = Watcher(Follower(path), Settings(), lambda: now[0])
        told: list[str] = []
        started, edges = time.process_time(), [chosen.lines * i // chosen.looks for i in range(chosen.looks + 1)]
        base = resident()
        print("  hour   points    memory  bytes for each point", flush=True)
        for look, (first, last) in enumerate(pairwise(edges), 1):
            with path.open("ab") as file:
                file.write(b"".join(line(i, chosen.lines) for i in range(first, last)))
            now[0] += DAY / chosen.looks
            told += [f"{one.finding.code}@{one.known_at:g}" for one in watcher.look() if isinstance(one, Found)]
            if look % (chosen.looks // 10) == 0:
                gc.collect()
                points = watcher.reports[0].points
                used = resident() - base
                print(f"{now[0] / 3600:6.1f} {points:8}  {used >> 20:5} MiB  {used // points:5}", flush=True)
        watcher.look(last=True)
        seconds = time.process_time() - started
        found, expected = (
            [(f.code, f.severity, f.message) for f in r.findings] for r in (watcher.reports[0], diagnose(read(path)))
        )
        print(f"{chosen.looks} looks, {chosen.lines} lines, {seconds:.1f} s of processor time; told: {', '.join(told)}")
        print("findings are those of report" if found == expected else f"findings differ: {found} != {expected}")
        return int(found != expected)


if __name__ == "__main__":
    sys.exit(main())
