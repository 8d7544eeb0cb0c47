"""What the corpus says about claims on the losses of single tokens, `causal_lm` and `softce`. Needs no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from trainvitals.parsers import read
from trainvitals.parsers.model import Run

SEEDS = ("healthy-0", "healthy-1", "healthy-2")
LAST = 5
"""Evaluations at the end of a run that are averaged."""
ALONE = "loss on the answers alone: "
"""What the causal_lm training prints at its end."""


def end(run: Run, name: str) -> float:
    """Mean of the last evaluations of a metric."""
    found = next(s for s in run.series if s.logged_as == f"eval_{name}")
    return float(np.asarray(found.value)[-LAST:].mean())


def first(run: Run, name: str) -> float:
    """The first value of a metric in training."""
    return float(next(s for s in run.series if s.logged_as == name).value[0])


def mask(root: Path) -> str:
    """`causal_lm`: what becomes of the loss, and of the answers, where the prompt is not masked."""
    lines = ["| run | first loss | eval_loss at the end | on the answers alone |", "|---|---|---|---|"]
    for name in (*SEEDS, "no-mask"):
        path = root / "causal_lm" / name / "train.log"
        run, alone = read(path), float(path.read_text("utf-8").rpartition(ALONE)[2])
        lines.append(f"| `causal_lm/{name}` | {first(run, 'loss'):.2f} | {end(run, 'loss'):.3f} | {alone:.3f} |")
    return "\n".join(lines)


def decoding(root: Path) -> str:
    """`softce`: the error of three ways to decode, with and without W1."""
    lines = [
        "| run | w1_weight | soft_ce | w1 | p_gt_mean | argmax | mean | median |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in (*SEEDS, "w1-dropped"):
        run = read(root / "softce" / name)
        parts = [f"{end(run, f'coord_softce_w1/{part}'):.4f}" for part in ("soft_ce", "w1", "p_gt_mean")]
        errors = [f"{end(run, f'decode_error/{way}'):.2f}" for way in ("argmax", "mean", "median")]
        weight = run.config["w1_weight"].value
        lines.append("| " + " | ".join([f"`softce/{name}`", f"{weight:g}", *parts, *errors]) + " |")
    return "\n".join(lines)


def gate(root: Path) -> str:
    """`softce`: what the gate holds back while predictions get flatter."""
    lines = ["| run | gate_weight | gate | coord_vocab_mass |", "|---|---|---|---|"]
    for name in ("sigma-grows", "no-gate"):
        run = read(root / "softce" / name)
        parts = [f"{end(run, f'coord_softce_w1/{part}'):.4f}" for part in ("gate", "coord_vocab_mass")]
        weight = run.config["gate_weight"].value
        lines.append("| " + " | ".join([f"`softce/{name}`", f"{weight:g}", *parts]) + " |")
    return "\n".join(lines)
