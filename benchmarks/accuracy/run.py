"""Measures how often trainvitals, and other programs of its kind, name planted faults and alarm healthy runs.

python run.py [--peers .venv-peers/bin/python] [--each 10] [--seed N] [--only WORDS] [--lengths 20,100] [--processes 2]
              [--keep FOLDER] [--write]

Prints Markdown tables; `--write` leaves them in RESULTS.md and the first one in the README. A seed that is not given is
drawn anew and printed, so that no table is tuned to its runs. `--lengths` draws further runs for trainvitals alone: a
few of every fault at each length, however short, and of every healthy shape that has one of that length.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from corpus import FAULTS, SHAPES, Planted, plant
from kinds import Fault, Shape
from reference import ROOT, real_logs, reference_logs
from score import Said, by_length, families, misses, overview, per_kind, unalarmed_by_length
from tools import HERE, OURS, PEERS, ours, theirs

FEW = 4
"""Runs of each kind at each of the lengths that are asked for."""

MARK, END = "<!-- accuracy -->", "<!-- /accuracy -->"


def main() -> None:
    """Plant, ask, count."""
    options = _options()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    lengths = [int(length) for length in options.lengths.split(",") if length]
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(options.keep or temporary) / "runs"
        runs = plant(root, _chosen(FAULTS, options.only), options.each, seed)
        runs += plant(root, _chosen(SHAPES, options.only), options.healthy or options.each, seed)
        said = _asked(root, runs, options)
        of_length = _by_length(root.with_name("lengths"), seed, lengths, options)
    text = _document(seed, runs, said, of_length, options)
    print(text)
    if options.write:
        (HERE / "RESULTS.md").write_text(text)
        _into_readme(overview(runs, said))


def _asked(root: Path, runs: Sequence[Planted], options: argparse.Namespace) -> Said:
    """What each program says of the runs, so many programs at a time."""
    logs = [run.log for run in runs]
    with ThreadPoolExecutor(options.processes) as pool:
        asked = {OURS: pool.submit(ours, root)}
        if options.peers:
            asked |= {name: pool.submit(theirs, name, options.peers, logs) for name in PEERS}
        return {name: one.result() for name, one in asked.items()}


def _by_length(root: Path, seed: int, lengths: Sequence[int], options: argparse.Namespace) -> str:
    """The tables by length, of runs of their own; empty without lengths."""
    runs: list[Planted] = []
    for length in lengths:
        folder = root / str(length)
        for kinds in (FAULTS, [shape for shape in SHAPES if shape.shortest <= length]):
            runs += plant(folder, _chosen(kinds, options.only), FEW, seed, [length], f"-{length}")
    if not runs:
        return ""
    found = {name: said for length in lengths for name, said in ours(root / str(length)).items()}
    return by_length(runs, {OURS: found}) + "\n" + unalarmed_by_length(runs, {OURS: found})


def _document(seed: int, runs: Sequence[Planted], said: Said, of_length: str, options: argparse.Namespace) -> str:
    parts = {
        "All": overview(runs, said),
        "Faults": per_kind(runs, said, True),
        "Families": families(runs, said),
        "Healthy": per_kind(runs, said, False),
        "Misses": misses(runs, said),
    }
    if of_length:
        parts["By length of the run"] = of_length
    if not options.only:
        parts |= {"Reference logs": reference_logs(), "Real logs": real_logs()}
    head = f"# How often faults are named\n\nSeed {seed}, {len(runs)} generated runs; shares with 95 % intervals.\n\n"
    return head + "\n".join(f"## {title}\n\n{text}" for title, text in parts.items())


def _into_readme(table: str) -> None:
    """Put a table between its marks in the README."""
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text("utf-8").partition(MARK)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{MARK}\n{table}{END}{after}", "utf-8")


def _chosen(kinds: Sequence[Shape | Fault], words: str) -> list[Shape | Fault]:
    """The kinds whose name, or one of whose codes, holds one of these words."""
    wanted = [word for word in words.lower().split(",") if word]
    return [k for k in kinds if not wanted or any(word in _labels(k) for word in wanted)]


def _labels(kind: Shape | Fault) -> str:
    return f"{kind.name} {' '.join(kind.codes) if isinstance(kind, Fault) else 'healthy'}".lower()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=Path, help="the Python that has the other programs")
    parser.add_argument("--each", type=int, default=10, help="runs of each fault")
    parser.add_argument("--healthy", type=int, help="runs of each healthy shape, if not as many")
    parser.add_argument("--seed", type=int, help="drawn anew if not given")
    parser.add_argument("--only", default="", help="words of names or codes, separated by commas")
    parser.add_argument("--lengths", default="", help="rows of further runs, separated by commas")
    parser.add_argument("--processes", type=int, default=2, help="programs that are asked at a time")
    parser.add_argument("--write", action="store_true", help="leave the tables in RESULTS.md and the README")
    parser.add_argument("--keep", help="a new folder to leave the runs in")
    return parser.parse_args()


if __name__ == "__main__":
    main()
