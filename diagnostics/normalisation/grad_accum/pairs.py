"""Train and eval loss at the same moments, and how their ratio behaves over the run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.statistics import median, spacing
from trainvitals.parsers.model import Floats, Ints, Series

SAME_WINDOW = 1.6
"""Two neighbouring train values further apart than this factor are no measurement of one level."""

ONE_INTERVAL = 1.5
"""A train row counts as ending at an eval if no more than this many logging intervals lie between."""

SMOOTH_FROM = 12
"""With as many train rows between two evals, three rows on each side are averaged."""

EVAL_SPAN = 1.25
"""A sum and a product are told apart only where the eval loss moves by this factor."""

MOST_PAIRS = 64
"""Slopes are taken over at most as many pairs."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Train over eval at matched moments, as powers of two.

    Attributes:
        pairs: how many moments could be matched.
        level: median over the pairs in which the train data were still new (the first epoch, else the first third).
        early: the first pair, before any overfitting.
        spread: 90th minus 10th percentile of the pairs behind `level`.
        slope: Theil-Sen slope over the logarithm of the position, per factor e.
        start: the first train rows over the first eval loss. A model only gets better in between, so that this is at
            least the factor by which the train loss is scaled.
        additive: the difference is constant and the ratio is not.
        eval_first: the largest of the first two eval losses.
    """

    pairs: int
    level: float
    early: float
    spread: float
    slope: float
    start: float
    additive: bool
    eval_first: float


def compare(train: Series, held_out: Series) -> Comparison | None:
    """Match a train loss with an eval loss; None where not one moment can be matched.

    Each eval is set against the geometric mean of the train rows before and after it, since a logged train loss is the
    mean over the window that ends at its step and lags behind while the loss falls.
    """
    axis = _axis(train, held_out)
    x, y, _ = _usable(train, axis)
    at, e, epoch = _usable(held_out, axis)
    if not x.size or not at.size:
        return None
    level, kept = _levels(x, y, at)
    if not kept.any():
        return None
    t, at, e, epoch = level[kept], at[kept], e[kept], epoch[kept]
    r = t - np.log2(e)
    new = _new_data(r, epoch)
    first = np.log2(y[: max(1, min(3, int(np.searchsorted(x, at[0], side="right"))))])
    return Comparison(
        pairs=int(r.size),
        level=median(new),
        early=float(r[0]),
        spread=float(np.percentile(new, 90) - np.percentile(new, 10)),
        slope=theil_sen(np.log(np.maximum(at, 1e-9)), r),
        start=float(median(first) - np.log2(e[0])),
        additive=_additive(np.exp2(t), e),
        eval_first=float(e[:2].max()),
    )


def _axis(train: Series, held_out: Series) -> str:
    """The first of step, epoch and line that both series have."""
    for name in ("step", "epoch"):
        if all(np.isfinite(getattr(s, name)).mean() > 0.9 for s in (train, held_out) if len(s)):
            return name
    return "line"


def _usable(series: Series, axis: str) -> tuple[Floats, Floats, Floats]:
    x = np.asarray(getattr(series, axis), np.float64)
    kept = np.isfinite(x) & np.isfinite(series.value) & (series.value > 0)
    if kept.all() and (x[1:] >= x[:-1]).all():
        return x, series.value, series.epoch
    order = np.flatnonzero(kept)[np.argsort(x[kept], kind="stable")]
    return x[order], series.value[order], series.epoch[order]


def _levels(x: Floats, y: Floats, at: Floats) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Log level of a series around each position, and which of them can be trusted."""
    interval = spacing(x)
    here = np.searchsorted(x, at + 1e-6 * interval, side="right")
    width = 3 if median(np.diff(here, prepend=0)) >= SMOOTH_FROM else 1
    near_by = here[:, None] + np.arange(width)
    before, after = _mean_log(y, near_by - width), _mean_log(y, near_by)
    has_after = here < x.size
    level = np.where(has_after, (before + after) / 2, before)
    near = at - x[np.maximum(here - 1, 0)] <= ONE_INTERVAL * interval + 1e-9
    steady = ~has_after | (np.abs(after - before) <= np.log2(SAME_WINDOW))
    return level, (here > 0) & near & steady


def _mean_log(y: Floats, index: Ints) -> Floats:
    """The mean of log2 over the rows that each line of `index` names, those outside left out; 0 where none is left."""
    inside = (index >= 0) & (index < y.size)
    logs = np.where(inside, np.log2(y[index.clip(0, y.size - 1)]), 0.0)
    return np.asarray(logs.sum(axis=1) / np.maximum(inside.sum(axis=1), 1))


def _new_data(r: Floats, epoch: Floats) -> Floats:
    """The pairs in which overfitting is impossible, or at least unlikely."""
    first = r[epoch <= 1 + 1e-9]
    if first.size >= 3:
        return first
    return r[: max(2, r.size // 3)] if r.size > 6 else r


def theil_sen(x: Floats, y: Floats) -> float:
    """Median of the slopes between all points (at most `MOST_PAIRS` of them); 0 where x does not move."""
    if x.size > MOST_PAIRS:
        chosen = np.linspace(0, x.size - 1, MOST_PAIRS).astype(np.int64)
        x, y = x[chosen], y[chosen]
    i, j = np.triu_indices(x.size, 1)
    moved = x[j] != x[i]
    return median((y[j] - y[i])[moved] / (x[j] - x[i])[moved]) if moved.any() else 0.0


def _additive(t: Floats, e: Floats) -> bool:
    """T = E + c fits at least twice as well as T = c E, with a slope near 1."""
    if t.size < 3 or e.max() < EVAL_SPAN * e.min():
        return False
    offset, ratio = median(t - e), median(t / e)
    as_sum, as_product = median(np.abs(t - e - offset)), median(np.abs(t - ratio * e))
    return bool(as_sum < as_product / 2 and abs(theil_sen(e, t) - 1) < 0.35)
