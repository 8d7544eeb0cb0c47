"""A healthy run with all that trainers log, drawn at random: the ground on which shapes and faults are planted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from curves import Floats, Rng, across, between, gradient_norm, noisy, power_law, progress, schedule
from logs import Log, merged

FEW = 6
"""The fewest evaluations of a run."""


@dataclass(frozen=True, slots=True)
class World:
    """A run before it is written down.

    Attributes:
        t: share of the run at each logged row, `(n,)`.
        train: columns of the training rows, `(n,)` each, `step` among them.
        evaluation: columns of the evaluation rows, `(m,)` each, with their own `step`.
        course: the loss without its noise, `(n,)`.
        size: relative noise of the loss.
        phi: correlation of its neighbours.
        config: hyperparameters.
    """

    t: Floats
    train: Mapping[str, Floats]
    evaluation: Mapping[str, Floats]
    course: Floats
    size: float
    phi: float
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def t_eval(self) -> Floats:
        """Share of the run at each evaluation, `(m,)`."""
        return np.interp(self.evaluation["step"], self.train["step"], self.t)

    def with_train(self, **columns: Floats) -> World:
        """The same run with other columns of training."""
        return replace(self, train={**self.train, **columns})

    def with_eval(self, **columns: Floats) -> World:
        """The same run with other columns of evaluation."""
        return replace(self, evaluation={**self.evaluation, **columns})

    def with_loss(self, rng: Rng, course: Floats) -> World:
        """The same run on another course, with its own noise."""
        changed = replace(self, course=course)
        return changed.with_train(loss=noisy(rng, course, self.size, self.phi))

    def without(self, *names: str) -> World:
        """The same run with columns not logged."""
        train = {k: v for k, v in self.train.items() if k not in names}
        evaluation = {k: v for k, v in self.evaluation.items() if k not in names}
        return replace(self, train=train, evaluation=evaluation)

    def configured(self, **values: Any) -> World:
        """The same run with more hyperparameters."""
        return replace(self, config={**self.config, **values})

    def log(self) -> Log:
        """The run as rows."""
        evaluation = self.evaluation if len(self.evaluation) > 1 else None
        return Log(merged(self.train, evaluation), self.config)


def draw(rng: Rng, n: int, size: float | None = None, phi: float | None = None) -> World:
    """A language model in training, from scratch or fine-tuned: `n` rows of training, and evaluations."""
    t = progress(n)
    step = float(rng.choice([1, 5, 10, 50, 100])) * np.arange(1, n + 1)
    first = between(rng, 1.6, 3) if rng.random() < 0.5 else between(rng, 6, 11)
    course = power_law(t, first, first * between(rng, 0.25, 0.55), across(rng, 0.02, 0.2), between(rng, 0.6, 1.2))
    size = across(rng, 0.005, 0.06) if size is None else size
    phi = float(rng.choice([0.0, 0.0, 0.5, 0.8])) if phi is None else phi
    at = evaluated(rng, n)
    evaluation = noisy(rng, course[at] * (1 + between(rng, 0.0, 0.08)), max(0.002, size / 8))
    return World(
        t=t,
        train={
            "step": step,
            "epoch": t * float(rng.integers(1, 6)),
            "loss": noisy(rng, course, size, phi),
            "grad_norm": gradient_norm(rng, t),
            "learning_rate": schedule(rng, t, across(rng, 1e-5, 1e-3)),
        },
        evaluation={"step": step[at], "eval_loss": evaluation},
        course=course,
        size=size,
        phi=phi,
    )


def evaluated(rng: Rng, n: int) -> np.ndarray:
    """The rows after which the model was evaluated: 6 to 60 of them, evenly spaced, the last one included."""
    count = int(np.clip(round(across(rng, FEW, 60)), FEW, max(FEW, n // 3)))
    return np.unique(np.linspace(n // count - 1, n - 1, count).astype(int))
