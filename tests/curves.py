"""Shapes of training losses: healthy ones that no rule may fault, each of n points with noise of relative size s."""

from __future__ import annotations

import numpy as np


def noisy(values, s, rng):
    return values * np.exp(s * rng.standard_normal(values.size))


def power_law(n, first=10.0, floor=2.0, knee=0.02):
    return floor + (first - floor) * (1 + np.linspace(0, 1, n) / knee) ** -0.7


def falling(n, s, rng):
    return {"loss": noisy(power_law(n), s, rng)}


def warm_up_rise(n, s, rng):
    t = np.linspace(0, 1, n)
    bump = np.where(t < 0.08, 1 + 0.5 * np.sin(np.pi * t / 0.08), 1)
    return {"loss": noisy(power_law(n, 5, 2, 0.1) * bump, s, rng)}


def warm_up_stable_decay(n, s, rng):
    t = np.linspace(0, 1, n)
    rate = 1e-3 * np.where(t > 0.8, (1 - t) / 0.2, np.minimum(1, t / 0.02))
    end_phase = np.where(t > 0.8, 1 - 0.75 * (t - 0.8), 1)
    return {"loss": noisy(power_law(n, 8, 2.6) * end_phase, s, rng), "learning_rate": rate}


def cosine_restarts(n, s, rng):
    rate = 0.5 * (1 + np.cos(np.pi * ((5 * np.linspace(0, 1, n)) % 1)))
    return {"loss": noisy(power_law(n, 6, 1.5, 0.05) * (1 + 0.12 * rate), s, rng), "learning_rate": 1e-3 * rate}


def sums_in_thousands(n, s, rng):
    return {"loss": 3000 * noisy(power_law(n, 3, 0.8, 0.1), s, rng)}


def negative_likelihood(n, s, rng):
    return {"loss": -500 - 300 * (1 - np.exp(-np.linspace(0, 5, n))) + 100 * s * rng.standard_normal(n)}


def likelihood_through_zero(n, s, rng):
    return {"loss": 2 - 5 * (1 - np.exp(-np.linspace(0, 5, n))) + s * rng.standard_normal(n)}


def one_recovered_spike(n, s, rng):
    loss = noisy(power_law(n), s, rng)
    at = int(rng.integers(n // 5, 4 * n // 5))
    loss[at : at + max(1, n // 100)] *= 3
    return {"loss": loss}


def epoch_stairs(n, s, rng):
    t = 4 * np.linspace(0, 1, n, endpoint=False)
    return {"loss": noisy(2.0 * 0.6 ** np.floor(t) * (1 - 0.02 * (t % 1)), s, rng)}


def huge_first_loss(n, s, rng):
    loss = noisy(power_law(n, 2, 0.8, 0.1), s, rng)
    loss[0] = 20.5
    return {"loss": loss}


def memorised(n, s, rng):
    return {"loss": noisy(np.maximum(8 * np.exp(-np.linspace(0, 14, n)), 8e-4), max(s, 0.3), rng)}


def converged_fine_tuning(n, s, rng):
    return {"loss": noisy(1.25 * (1 - 0.01 * np.linspace(0, 1, n)), s, rng)}


def resumed_at_its_floor(n, s, rng):
    return {"loss": (10.0 * np.arange(n) + 50 * n, noisy(np.full(n, 3.5), s, rng))}


def drop_then_flat(n, s, rng):
    loss = np.full(n, 0.5)
    loss[: min(5, n // 4)] = np.linspace(4, 0.7, min(5, n // 4))
    return {"loss": noisy(loss, s, rng)}


def policy_gradient(n, s, rng):
    return {"loss": 3e-4 * rng.standard_normal(n), "reward": 0.4 + s * rng.standard_normal(n)}


def preference(n, s, rng):
    return {"loss": 0.69 * np.exp(0.3 * rng.standard_normal(n)), "rewards/margins": rng.standard_normal(n)}


HEALTHY = (
    falling,
    warm_up_rise,
    warm_up_stable_decay,
    cosine_restarts,
    sums_in_thousands,
    negative_likelihood,
    likelihood_through_zero,
    one_recovered_spike,
    epoch_stairs,
    huge_first_loss,
    memorised,
    converged_fine_tuning,
    resumed_at_its_floor,
    drop_then_flat,
    policy_gradient,
    preference,
)
