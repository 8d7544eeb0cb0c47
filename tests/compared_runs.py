"""Runs to compare: curves around a level, each known by its path."""

import numpy as np
from make import run

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import GENERIC
from trainvitals.parsers.model import Source

STEPS = np.arange(10.0, 10_001.0, 10.0)


def flat(level, seed=0, noise=0.02, order=None):
    """Values at `STEPS`; with `order`, nearly all of the noise is that of this order of the data."""
    own = np.random.default_rng([seed, 1]).standard_normal(STEPS.size)
    shared = 0.0 if order is None else np.random.default_rng([order, 2]).standard_normal(STEPS.size)
    return STEPS, level * (1 + noise * (own if order is None else shared + 0.1 * own))


def made(path, series, *, loss_type=GENERIC, config=None, summary=None):
    one = run(series, config=config, summary=summary, sources=(Source(path, "made"),), name=path)
    return Case(one, one, loss_type)


def level(path, value, seed=0, **more):
    return made(path, {"loss": flat(value, seed)}, **more)
