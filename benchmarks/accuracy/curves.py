"""What the generated logs are made of: courses of a loss over a run, schedules, noise, gradient norms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rng = np.random.Generator


def between(rng: Rng, low: float, high: float) -> float:
    """A number drawn evenly between two others."""
    return float(rng.uniform(low, high))


def across(rng: Rng, low: float, high: float) -> float:
    """A positive number drawn evenly on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def progress(n: int) -> Floats:
    """The share of the run that is done at each of `n` points, `(n,)`, from 0 to 1."""
    return np.linspace(0.0, 1.0, n)


def autocorrelated(rng: Rng, n: int, phi: float) -> Floats:
    """AR(1) noise of unit variance, `(n,)`; `phi` is the correlation of neighbours."""
    white = rng.standard_normal(n)
    if phi == 0:
        return white
    out = np.empty(n)
    last = white[0]
    for i, shock in enumerate(white * np.sqrt(1 - phi * phi)):
        last = phi * last + shock if i else white[0]
        out[i] = last
    return out


def noisy(rng: Rng, values: Floats, size: float, phi: float = 0.0) -> Floats:
    """Values times exp(noise): relative noise of standard deviation `size`."""
    return values * np.exp(size * autocorrelated(rng, values.size, phi))


def power_law(t: Floats, first: float, floor: float, knee: float, exponent: float = 0.7) -> Floats:
    """The usual course of a loss: fast at first, then ever slower, from `first` towards `floor`."""
    return floor + (first - floor) * (1 + t / knee) ** -exponent


def exponential(t: Floats, first: float, floor: float, rate: float) -> Floats:
    """A course that reaches its floor."""
    return floor + (first - floor) * np.exp(-rate * t)


def warm(t: Floats, share: float) -> Floats:
    """A linear warm-up over a share of the run, 1 after it."""
    return np.minimum(1.0, (t + 1e-9) / share) if share > 0 else np.ones_like(t)


def constant(t: Floats) -> Floats:
    """No decay."""
    return np.ones_like(t)


def linear(t: Floats) -> Floats:
    """Linear decay to 0."""
    return 1 - t


def cosine(t: Floats) -> Floats:
    """Cosine decay to a tenth."""
    return 0.1 + 0.45 * (1 + np.cos(np.pi * t))


def stable_decay(t: Floats) -> Floats:
    """Constant, then linear decay to 0 over the last fifth."""
    return np.where(t > 0.8, (1 - t) / 0.2, 1.0)


def step_decay(t: Floats) -> Floats:
    """A tenth at 50 %, a hundredth at 75 %."""
    return np.where(t < 0.5, 1.0, np.where(t < 0.75, 0.1, 0.01))


SCHEDULES: Mapping[str, Callable[[Floats], Floats]] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "stable_decay": stable_decay,
    "step_decay": step_decay,
}


def schedule(rng: Rng, t: Floats, peak: float, name: str = "", warm_up: float | None = None) -> Floats:
    """A learning rate, `(n,)`: one of `SCHEDULES` after a warm-up over 0 to 8 % of the run."""
    chosen = name or str(rng.choice(list(SCHEDULES)))
    share = float(rng.choice([0.0, 0.01, 0.03, 0.08])) if warm_up is None else warm_up
    return peak * SCHEDULES[chosen](t) * warm(t, share)


def gradient_norm(rng: Rng, t: Floats) -> Floats:
    """Norms as trainers log them before clipping: log-normal around a level that falls or stays, larger at first."""
    level = across(rng, 0.2, 5) * (1 + between(rng, 0, 4) * np.exp(-t / 0.03)) * np.exp(-between(rng, 0, 1.2) * t)
    return level * np.exp(between(rng, 0.05, 0.35) * rng.standard_normal(t.size))
