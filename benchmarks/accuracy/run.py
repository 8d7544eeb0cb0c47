"""Measures how often trainvitals, and other programs of its kind, name planted faults and alarm healthy runs.

python run.py [--peers .venv-peers/bin/python] [--each 10] [--seed N] [--only WORDS] [--lengths 20,100] [--keep FOLDER]

Prints Markdown tables. A seed that is not given is drawn anew and printed, so that no table is tuned to its runs.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
from collections.abc import Sequence
from pathlib import Path

from corpus import FAULTS, SHAPES, Planted, plant
from kinds import Fault, Shape
from score import Said, by_length, families, misses, overview, per_kind
from tools import OURS, PEERS, Finding, ours, theirs


def main() -> None:
    """Plant, ask, count."""
    options = _options()
    seed = secrets.randbits(32) if options.seed is None else options.seed
    lengths = [int(length) for length in options.lengths.split(",") if length]
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(options.keep or temporary)
        runs = plant(root, _chosen(FAULTS, options.only), options.each, seed, lengths)
        runs += plant(root, _chosen(SHAPES, options.only), options.healthy or options.each, seed, lengths)
        said: dict[str, dict[str, tuple[Finding, ...]]] = {OURS: ours(root)}
        if options.peers:
            said |= {name: theirs(name, options.peers, [run.log for run in runs]) for name in PEERS}
    print(f"seed {seed}, {len(runs)} runs\n")
    _print(runs, said, bool(lengths))


def _print(runs: Sequence[Planted], said: Said, lengths: bool) -> None:
    parts = {
        "All": overview(runs, said),
        "Faults": per_kind(runs, said, True),
        "Families": families(runs, said),
        "Healthy": per_kind(runs, said, False),
        "Misses": misses(runs, said),
    }
    if lengths:
        parts["Named by length of the run"] = by_length(runs, said)
    for title, text in parts.items():
        print(f"## {title}\n\n{text}")


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
    parser.add_argument("--lengths", default="", help="rows of the runs, separated by commas")
    parser.add_argument("--keep", help="a new folder to leave the runs in")
    return parser.parse_args()


if __name__ == "__main__":
    main()
