"""Runs of 1200 rows with one fault each, planted beyond doubt: for every family of rules, and a healthy one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from curves import noisy, power_law

N = 1200
T = np.linspace(0, 1, N)
ROW = np.arange(N)
EVALUATED = slice(29, None, 30)
LATE = T > 0.6
FALL = np.exp(-2 * T)


@dataclass(frozen=True)
class Planted:
    """A run with a fault.

    Attributes:
        columns: values of each metric at all rows, or at the evaluations (every 30th row) where there are fewer.
        config: hyperparameters.
        epochs: how many of them the rows are; 0 where the log does not count them.
        steps: the steps of the rows in the order of the file; None where they are 1, 2, 3 ...
        absolute: why another unit of the loss makes it another run; empty where the rule is free of scale.
        by_rows: why fewer rows make it another run; empty where the fault is seen in every second or third row.
    """

    columns: dict[str, np.ndarray]
    config: dict[str, Any] = field(default_factory=dict)
    epochs: float = 0.0
    steps: np.ndarray | None = None
    absolute: str = ""
    by_rows: str = ""


def noise(values, s=0.02, seed=1):
    return noisy(np.asarray(values, float), s, np.random.default_rng(seed))


def held_out(values):
    return noise(values, 0.004, 3)[EVALUATED]


BASE = {
    "loss": noise(power_law(N, 8, 2, 0.1)),
    "eval/loss": held_out(power_law(N, 8.2, 2.1, 0.1)),
    "grad_norm": noise(1 + 3 * np.exp(-T / 0.05), 0.2, 2),
    "learning_rate": 3e-4 * 0.5 * (1 + np.cos(np.pi * T)) + 1e-6,
    "step_time": noise(np.full(N, 0.5), 0.05, 4),
}
LOSS, NORM, RATE = BASE["loss"], BASE["grad_norm"], BASE["learning_rate"]


def trained(**other):
    """What trainers log of a healthy run, with some of it replaced, or left out where it is None."""
    held = {"eval/loss": other.pop("validation")} if "validation" in other else {}
    return {name: column for name, column in (BASE | other | held).items() if column is not None}


def stretch(values, value, at=700, rows=60):
    return np.where((at <= ROW) & (at + rows > ROW), value, values)


def spikes(values):
    return values * np.where(np.isin(ROW // 15, (20, 35, 47, 67)), 4, 1)


def collapse():
    return 65536 / 2 ** np.clip((ROW - 720) // 4, 0, 12).astype(float)


def running_mean(epochs=4):
    return np.concatenate([np.cumsum(part) / np.arange(1, part.size + 1) for part in np.split(LOSS, epochs)])


def article(part, rest, weight=5.0, share=0.07, **other):
    """Losses of the two classes of an article, and their weighted mean."""
    part, rest = noise(part, 0.01), noise(rest, 0.01, 2)
    total = (weight * share * part + (1 - share) * rest) / (weight * share + 1 - share)
    return {"loss": total, "article_loss": part, "other_loss": rest} | other


def tasks(ce, coords, weight=5.0):
    """A cross-entropy and a loss of coordinates, and their sum."""
    ce, coords = noise(ce, 0.01), noise(coords, 0.01, 2)
    return {"loss": ce + weight * coords, "loss_ce": ce, "loss_coords": coords}


def resumed():
    """Steps 705 to 800 are there twice, and what follows is on another level."""
    step = np.where(ROW < 800, ROW + 1.0, ROW - 95.0)
    return Planted(trained(loss=np.where(ROW < 800, LOSS, 0.8 * LOSS), validation=None), steps=step)


def two_writers():
    """Two processes, 10 rows each in turn."""
    mine = (ROW // 10) % 2
    own = 10 * (ROW // 20) + ROW % 10 + 1.0
    loss = noise(power_law(N, 8, 2, 0.1)[(ROW // 20 * 20)] * np.where(mine, 1.4, 1.0))
    return Planted({"loss": loss}, steps=own)


SINGLE = "the fault lies in single rows"
NATS = "the loss is compared with the logarithm of a number of classes"
LEVELS = "the levels of this loss are known in its unit"

FAULTS = {
    "": Planted(trained()),
    "N101": Planted(trained(loss=np.where(LATE, np.nan, LOSS), validation=BASE["eval/loss"][:24])),
    "N102": Planted(trained(loss=stretch(LOSS, 0.0))),
    "N103": Planted(trained(loss_scale=collapse())),
    "N104": Planted(trained(loss=np.where(T > 0.85, LOSS[1019], LOSS))),
    "S101": Planted(trained(loss=8 * LOSS), {"gradient_accumulation_steps": 8}),
    "S102": Planted(trained(loss=np.where(T > 0.5, 4 * LOSS, LOSS))),
    "S103": Planted(trained(loss=LOSS * np.where(ROW % 60 == 59, 0.5, 1), validation=None), by_rows=SINGLE),
    "S104": Planted(trained(perplexity=np.exp2(LOSS)), absolute="a perplexity is an exponential of the loss"),
    "S105": Planted(tasks(2 + 3 * FALL, FALL) | {"loss": noise(2 + 4 * FALL, 0.01)}),
    "S106": Planted(article(2 + 3 * FALL, 2 + 2 * FALL, ratio=np.full(N, 3.0))),
    "S107": Planted(article(2 + 3 * FALL, 2 + 2 * FALL, weight=1.0), {"article_weight": 5}),
    "L101": Planted({"loss": noise(np.full(N, 9.0)), "learning_rate": RATE}, {"max_steps": N}, absolute=LEVELS),
    "L102": Planted({"loss": noise(4 + 4 * np.exp(-T / 0.02), 0.01), "learning_rate": np.full(N, 3e-4)}),
    "L103": Planted({"loss": noise(8 * np.exp(-3 * np.minimum(T, 1 - T)))}),
    "L104": Planted(trained(loss=spikes(LOSS))),
    "L105": Planted({"loss": noise((2 + FALL) * np.where(ROW % 2, 1.4, 1.0))}, by_rows=SINGLE),
    "L107": Planted({"loss": noise(40 * FALL + 2)}, {"vocab_size": 32000}, absolute=NATS),
    "L108": Planted({"loss": noise(0.325 + 0.4 * np.exp(-30 * T))}, {"positive_rate": 0.1}, absolute=NATS),
    "G101": Planted(trained(grad_norm=NORM * np.exp(8 * T))),
    "G102": Planted(trained(grad_norm=NORM * np.exp(-14 * T))),
    "G103": Planted(trained(grad_norm=12 * NORM), {"max_grad_norm": 1.0}),
    "G104": Planted(trained(**{"grad_cos/ce_coords": np.clip(noise(np.full(N, -0.4), 0.3), -1, 1)})),
    "O101": Planted(trained(learning_rate=np.where(LATE, 0.0, RATE))),
    "O102": Planted(trained(learning_rate=np.where(T > 0.5, 12 * RATE, RATE))),
    "O103": Planted(trained(learning_rate=3e-4 * np.minimum(1, (T % 0.6 + 1e-3) / 0.05))),
    "V101": Planted(trained(validation=held_out(np.maximum(8 * np.exp(-4 * T), 8 * np.exp(2 * T - 2.4))))),
    "V102": Planted(trained(loss=noise(8 * FALL), validation=held_out(8 * np.exp(-2 * np.minimum(T, 0.3))))),
    "V103": Planted(trained(validation=0.1 * BASE["eval/loss"])),
    "T101": Planted(trained(step_time=noise(np.where(T > 0.7, 1.5, 0.5), 0.05))),
    "M101": Planted(tasks(0.9 + 0 * T, 14 * FALL), absolute="a cross-entropy below ln 2 has nothing left to learn"),
    "R102": Planted({"article_loss": noise(6 * np.exp(-3 * T)), "other_loss": noise(2.2 + 0 * T, 0.01)}),
    "D101": Planted({"soft_ce": noise(2 + FALL), "coord_vocab_mass": noise(0.999 - 0.2 * T, 0.002)}),
    "E102": Planted(tasks(2 * FALL, FALL) | {"eval/pred_length": held_out(np.full(N, 60.0))}),
    "P103": Planted({"loss_x": noise(0.2 * FALL), "loss_y": noise(0.08 * FALL)}, absolute=LEVELS),
    "R101": Planted(article(2 + 3 * FALL, 0.4 + 0.6 * FALL)),
    "D102": Planted({"soft_ce": noise(np.full(N, 3.0), 0.005), "p_gt_mean": noise(0.5 * np.exp(-4 * T))}),
    "E101": Planted(tasks(2 * FALL, FALL) | {"eval/eos_recall": held_out(np.full(N, 0.01))}),
    "B101": resumed(),
    "B102": two_writers(),
}
"""By the code of the rule that names the fault; "" for the healthy run."""
