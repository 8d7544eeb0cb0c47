"""The two runs of the article note, as typed there and as a trainer would log them: densely and with noise."""

import numpy as np
from make import case

from trainvitals.diagnostics.loss_type import LossType
from trainvitals.diagnostics.loss_type_toml import builtin

GOOD = ((100, 500, 1000, 2000), (4.5, 3.2, 2.3, 2.0), (10.1, 6.5, 3.2, 2.3))
BAD = ((100, 500, 1000), (4.5, 2.0, 1.8), (10.1, 9.8, 9.5))
"""Steps, article losses, other losses."""


def kind(name: str) -> LossType:
    return next(t for t in builtin() if t.name == name)


def article(run, count=None, **more):
    """A case of the first `count` points of a run."""
    steps, part, rest = (np.asarray(column, float)[:count] for column in run[:3])
    columns = {"article_loss": (steps, part, *run[3:]), "other_loss": (steps, rest, *run[3:])}
    return case(columns, loss_type=kind("article"), **more)


def dense(run, *, noise, every=10, seed=0, last=None, first=None):
    """The run between its typed points along straight lines in log space, with relative noise.

    `first` is a start at step 1, before the first typed point: both losses at ln(50257).
    """
    steps, part, rest = (list(column) for column in run)
    if first is not None:
        steps, part, rest = [1, *steps], [first, *part], [first, *rest]
    x = np.arange(steps[0], (last or steps[-1]) + 1, every, dtype=float)
    rng = np.random.default_rng(seed)
    curves = (
        np.exp(np.interp(x, steps, np.log(column)) + noise * rng.standard_normal(x.size)) for column in (part, rest)
    )
    return (x, *curves)
