"""What the corpus says about claims of the field notes, as Markdown tables read from its logs. Needs no torch."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import numpy as np

from trainvitals.parsers import read
from trainvitals.parsers.model import Floats, Run
from trainvitals.sample_logs.trainer import token_claims

SEEDS = ("healthy-0", "healthy-1", "healthy-2")
LAST = 3
"""Evaluations at the end of a run that are averaged."""


FILES = ("train.log", "log.jsonl")
SPLIT = re.compile("(?:eval|val|test)_")
"""What JSON lines put before the names of the validation set."""


def run_of(folder: Path) -> Run:
    """The run of a case, from one of its files."""
    return read(next(path for name in FILES if (path := folder / name).is_file()))


def held_out(run: Run, name: str) -> Floats:
    """Values of a metric of the validation set, in the order of their steps."""
    plain = (s for s in run.series if s.logged_as == name and s.split not in ("", "train"))
    prefixed = (s for s in run.series if s.logged_as != name and SPLIT.sub("", s.logged_as) == name)
    found = chain(plain, prefixed)
    return np.asarray(next(found).value)


def end(run: Run, name: str) -> float:
    """Mean of the last evaluations."""
    return float(held_out(run, name)[-LAST:].mean())


def weight_of(run: Run, name: str) -> float:
    """A setting that is a number."""
    value = run.config[name].value
    assert isinstance(value, (int, float))
    return float(value)


def independence(root: Path) -> str:
    """`eos`: whether the gradients of both tasks on the shared parameters are independent of one another."""
    lines = ["| run | cosines | median | below 0 |", "|---|---|---|---|"]
    for name in SEEDS:
        run = run_of(root / "eos" / name)
        cosines = next(s.value for s in run.series if s.logged_as == "grad_cos/ce_coords")
        below = f"{100 * np.mean(cosines < 0):.0f} %"
        lines.append(f"| `eos/{name}` | {cosines.size} | {np.median(cosines):+.3f} | {below} |")
    return "\n".join(lines)


def effect_of_weight(root: Path) -> str:
    """`eos`: what the weight of the EOS does to it, and to the coordinates."""
    lines = ["| run | weight | EOS recall | length (true 17) | loss_coords | PCK |", "|---|---|---|---|---|---|"]
    for name in ("weight-too-low", "weight-one", *SEEDS, "weight-too-high"):
        run = run_of(root / "eos" / name)
        recall, length, coords, pck = (end(run, m) for m in ("eos_recall", "pred_length", "loss_coords", "pck"))
        weight = f"{weight_of(run, 'eos_weight'):g}"
        lines.append(f"| `eos/{name}` | {weight} | {recall:.2f} | {length:.1f} | {coords:.4f} | {pck:.2f} |")
    return "\n".join(lines)


def selection(root: Path) -> str:
    """`spatial`: the checkpoint that the loss would choose, and the one that the pixel error would."""
    lines = [
        "| run | evaluation chosen by the loss | its error | chosen by pixel error | its error |",
        "|---|---|---|---|---|",
    ]
    for name in (*SEEDS, "low-resolution", "axis-degraded"):
        run = run_of(root / "spatial" / name)
        loss, error = held_out(run, "loss_spatial"), held_out(run, "pixel_error_mean")
        by_loss, by_error = int(loss.argmin()), int(error.argmin())
        chosen = (f"{i + 1} of {error.size} | {error[i]:.2f} px" for i in (by_loss, by_error))
        lines.append(f"| `spatial/{name}` | " + " | ".join(chosen) + " |")
    return "\n".join(lines)


def generated(root: Path) -> str:
    """`article`: the share of articles in generated text beside that of the data, by their weight."""
    lines = [
        "| run | weight | share generated | share in the data | perplexity | exp of the weighted loss |",
        "|---|---|---|---|---|---|",
    ]
    for name in ("weight-one", *SEEDS, "weight-too-high"):
        run = run_of(root / "article" / name)
        shares = (f"{100 * held_out(run, f'{which}_article_share')[-1]:.1f} %" for which in ("generated", "data"))
        weight, rest = f"{weight_of(run, 'article_weight'):g}", (end(run, m) for m in ("ppl", "weighted_ppl"))
        cells = [f"`article/{name}`", weight, *shares, *(f"{value:.2f}" for value in rest)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def section(root: Path) -> str:
    """All tables with what they answer; `root` is the folder of the corpus."""
    parts = (
        (
            "`eos`: are the gradients of the two heads independent?",
            independence,
            "The cosine of the gradients of both losses on what the heads share, every ten steps. Around 0 they"
            "\nneither help nor hinder each other; independent they are not, as both move the same parameters.",
        ),
        (
            "`eos`: what does the weight of the EOS do?",
            effect_of_weight,
            "Means of the last three evaluations. The weight decides how long the output is, and hardly moves the error"
            "\nof given coordinates; PCK, which counts what was generated, falls where the output ends too early.",
        ),
        (
            "`spatial`: select by the loss or by the pixel error?",
            selection,
            "The evaluation with the lowest three-stage loss, and that with the lowest mean pixel error. The loss is"
            "\nnot monotone in the error, but a mean over 96 images hides that: in these runs the two choose alike.",
        ),
        (
            "`article`: how many articles does the model write?",
            generated,
            "At the end of the run, beside the share in the data. The last two columns are exp of the unweighted and of"
            "\nthe weighted loss: only the first is a perplexity.",
        ),
        (
            "`causal_lm`: mask the prompt or not?",
            token_claims.mask,
            "The loss without a mask is that of other tokens, so the two cannot be compared. Whether it is lower"
            "\ndepends on the prompts: boilerplate and padding pull it down, and these prompts are random facts,"
            "\nwhich nobody can guess. The last column is the loss on the answers alone, whatever was trained on.",
        ),
        (
            "`softce`: is W1 redundant, and which way to decode is best?",
            token_claims.decoding,
            "Errors in bins of 1000, means of the last five evaluations; in `w1-dropped` W1 is never added to the"
            "\ntotal. Argmax and median are no worse without it: for them W1 is redundant beside a soft target. For the"
            "\nmean it is not: far bins that hold a little probability draw it away, and W1 is what charges for them."
            "\nThe median errs least in all healthy seeds, and the mean most.",
        ),
        (
            "`softce`: what does the gate hold?",
            token_claims.gate,
            "The same run, in which targets get wider and predictions flatter, with the gate and without it.",
        ),
    )
    return "\n\n".join(f"### {title}\n\n{text}\n\n{table(root)}" for title, table, text in parts) + "\n"
