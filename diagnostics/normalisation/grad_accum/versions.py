"""Which releases of transformers log the loss times the accumulation: a table, and what it says about one run.

The table is a prior. Whether a run is hit also depends on the forward of its model and on its trainer class, which no
log names, so that it confirms or questions a measured ratio and never decides alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Opinion = Literal["scaled", "possible", "never", "unknown"]
"""`scaled`: this release does it to models of this kind. `possible`: only with a model or a trainer that ignores
`num_items_in_batch`. `never`: no such fault is known. `unknown`: no version was found."""

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Era:
    """Releases from `since` up to the next era, and what `Trainer.training_step` does in them.

    Attributes:
        standard: what happens to causal language models whose forward passes `num_items_in_batch` on.
        others: what happens to every other model, own `compute_loss` or collator.
        smoothing: what happens to those standard models under label smoothing.
        eval_by_processes: with averaging over processes, the eval loss is multiplied by their number too.
        source: where this was read or measured.
    """

    since: Version
    standard: Opinion
    others: Opinion
    smoothing: Opinion
    eval_by_processes: bool
    source: str


ERAS: tuple[Era, ...] = (
    Era((0,), "never", "never", "never", False, "divided by the accumulation in every case (measured: 4.45.2)"),
    Era((4, 46, 0), "possible", "possible", "scaled", False, "num_items_in_batch arrives, #34191, #34263 (4.46.0-1)"),
    Era((4, 46, 2), "possible", "possible", "scaled", True, "divided only without num_items, #34511 (4.46.3)"),
    Era((4, 47, 0), "scaled", "possible", "scaled", True, "inverted test of the model's arguments, #34915 (4.47.0)"),
    Era((4, 47, 1), "possible", "possible", "scaled", True, "inversion repaired, #35121 (4.47.1)"),
    Era((4, 48, 0), "scaled", "possible", "scaled", True, "inversion is back, #35207, #35438 (4.48.0)"),
    Era((4, 48, 1), "possible", "possible", "scaled", True, "inversion repaired again, #35651 (4.48.1)"),
    Era((4, 49, 0), "possible", "possible", "scaled", False, "eval right again, #35808 (4.49.0, 4.52.4, 4.53.3)"),
    Era((4, 57, 0), "possible", "possible", "scaled", True, "eval by processes again, #41183 (4.57.6, 5.0.0, 5.9.0)"),
    Era((5, 15, 0), "possible", "possible", "possible", True, "label smoothing repaired, #47261 (5.23.0)"),
)
"""Oldest first. The numbers are pull requests and reports of huggingface/transformers, the releases in brackets were
measured (the rest was read in the released code)."""

AVERAGING_BY_DEFAULT: Version = (4, 54, 0)
"""From here on `average_tokens_across_devices` is on unless the arguments say otherwise (#39395)."""

SWIFT_MULTIPLIES_EVAL: tuple[Version, Version] = ((3, 0), (3, 8))
"""ms-swift from the first up to the second multiplies the eval loss by the processes (modelscope/ms-swift #5323)."""


def parse(text: object) -> Version | None:
    """`"4.48.0.dev0"` -> `(4, 48, 0)`; None where it is no version."""
    found = re.match(r"\s*v?(\d+(?:\.\d+)*)", str(text)) if text is not None else None
    return tuple(map(int, found[1].split("."))) if found else None


def era(version: Version) -> Era:
    """The era that a release belongs to."""
    return next(e for e in reversed(ERAS) if version >= e.since)


def opinion(version: Version | None, *, standard: bool, smoothing: bool, swift: bool) -> Opinion:
    """What the table expects of a run; ms-swift never passes `num_items_in_batch` to the label smoother."""
    if version is None:
        return "scaled" if swift and smoothing else "unknown"
    at = era(version)
    if smoothing and swift and at.smoothing != "never":
        return "scaled"
    if not standard:
        return at.others
    return at.smoothing if smoothing else at.standard


def eval_by_processes(version: Version | None, swift: Version | None) -> bool:
    """Whether averaging over processes can multiply the eval loss by their number; yes where no version is known."""
    first, until = SWIFT_MULTIPLIES_EVAL
    if swift is not None and first <= swift < until:
        return True
    return version is None or era(version).eval_by_processes
