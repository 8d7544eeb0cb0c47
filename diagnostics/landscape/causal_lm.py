"""Cross-entropy of the next token: its units, its value for a random model, and its floor under label smoothing."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.landscape.picture import Curve, Landscape, Mark, Plot, Scale
from trainvitals.diagnostics.report import Cell, Table
from trainvitals.parsers.model import Floats

PROBABILITIES = (1.0, 0.9, 0.8, 0.5, 0.2, 0.1, 0.05, 0.01, 0.001)
"""Probabilities of the true token that the table shows."""


def nats(probability: Floats) -> Floats:
    """Minus the natural logarithm: the loss of a token with this probability, any shape."""
    return np.asarray(-np.log(probability))


def smoothed_floor(smoothing: Floats, vocabulary: int) -> Floats:
    """The least possible loss, in nats, under label smoothing, any shape: the entropy of the smoothed label.

    The true token has 1 - s + s / V of the label, each other one s / V, as in PyTorch and in the Hugging Face Trainer.
    """
    other = smoothing / vocabulary
    own = 1.0 - smoothing + other
    with np.errstate(all="ignore"):
        rest = np.where(other > 0, (vocabulary - 1) * other * np.log(other), 0.0)
        return np.asarray(-(own * np.log(own)) - rest) + 0.0


def landscape(vocabulary: int, smoothing: float = 0.1) -> Landscape:
    """Loss, perplexity and bits over the probability of the true token, and the floor over the smoothing.

    Raises:
        ValueError: fewer than two words, or a smoothing that is not from 0 to below 1.
    """
    if vocabulary < 2 or not 0 <= smoothing < 1:
        raise ValueError("a vocabulary has two words or more, and a smoothing is from 0 to below 1")
    random = math.log(vocabulary)
    p = np.geomspace(1 / vocabulary, 1.0, 400)
    s = np.linspace(0.0, max(0.3, smoothing), 200)
    floor = float(smoothed_floor(np.asarray(smoothing), vocabulary))
    probability = Scale("probability of the true token", log=True)
    chance = Mark(1 / vocabulary, f"random: ln {vocabulary} = {random:.4g}", random)
    return Landscape(
        "causal_lm",
        f"cross-entropy of the next token, {vocabulary} words",
        (
            f"a random model has a loss of ln {vocabulary} = {random:.4f} nats, {random / math.log(2):.4f} bits, a "
            f"perplexity of {vocabulary}",
            f"a wrong token is never infinitely wrong: with 0.80 on another one the loss is at least -ln 0.20 = "
            f"{-math.log(0.2):.4f}, perplexity 5",
            f"the gradient on the logit of the true token is p - 1: {0.2 - 1:.1f} at p = 0.20, never above 1 in size",
            f"label smoothing of {smoothing:g} cannot get below {floor:.4f} nats: a perplexity of "
            f"{math.exp(floor):.4g} is then no fault of the model; compare models by the loss without smoothing",
        ),
        (
            Plot(
                "loss in nats and in bits",
                probability,
                Scale("loss", low=0.0),
                (Curve("nats: -ln p", p, nats(p)), Curve("bits: -log2 p", p, nats(p) / math.log(2), 1)),
                (chance,),
            ),
            Plot("perplexity, 1 / p", probability, Scale("perplexity", log=True), (Curve("perplexity", p, 1 / p, 2),)),
            Plot(
                "least possible loss under label smoothing",
                Scale("smoothing"),
                Scale("nats", low=0.0),
                (
                    Curve(f"{vocabulary} words", s, smoothed_floor(s, vocabulary)),
                    Curve("1000 words", s, smoothed_floor(s, 1000), 1, "dashed"),
                ),
                (Mark(smoothing, f"{floor:.3g}", floor),),
            ),
        ),
        (_table(vocabulary),),
    )


def _table(vocabulary: int) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (f"{p:.4g}", *(float(f"{number:.5g}") for number in (abs(math.log(p)), abs(math.log2(p)), 1 / p)))
        for p in (*PROBABILITIES, 1 / vocabulary)
    ]
    return Table("one loss in three units", ("p", "nats", "bits", "perplexity"), tuple(rows))
