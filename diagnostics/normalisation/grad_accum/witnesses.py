"""Witnesses that need no eval loss: what a loss can at most, at least, or at its start be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.normalisation.grad_accum.settings import Settings
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats, Run, Series

PARTS = frozenset({"soft_ce", "base_ce", "w1", "gate", "aux_loss", "z_loss", "article_loss", "other_loss"})
"""Series that show that the loss is a sum of terms, or weighted: bounds for a plain cross-entropy do not hold."""

ACCURACIES = ("token_acc", "mean_token_accuracy")

ABOVE = 1.15
"""A loss beyond its bound by more than this is too large, 1 / 1.15 of its lower bound too small."""

ABOVE_UNIFORM = 1.2
"""Worse than uniform guessing by more than this no model stays for `SUSTAINED` rows (from scratch: 1.0-1.2)."""

SUSTAINED = 3

TIGHT = (0.88, 1.12)
"""First loss over ln V of a model from scratch, when the first row was written before much was learnt."""

LOOSE = (0.6, 1.2)
"""The same when the first row is the mean of a window in which the loss already fell."""

EQUAL_ACCURACY = 0.06
"""Train and eval token accuracy this close say that both data are equally hard."""

NLL_OCTAVES, STEADY_RATIO = 0.3, 0.6
"""ORPO adds a small term to its nll, so that their ratio lies a little above 1; one that drifts is no scale."""


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What the train loss says without an eval loss; fields are None (or empty) where a witness is absent.

    Attributes:
        starts: first loss over ln(number of classes), for each number of classes the head may have; only while the
            loss stays above uniform guessing, where nothing but a scale explains it.
        vocabulary_start: the same for the vocabulary alone.
        over: median of loss / B(a), the largest loss of a calibrated model with that token accuracy.
        under: median of loss / ((1 - a) ln 2), the smallest loss of any model with that token accuracy.
        nll: median of loss / `nll_loss`, which some trainers log without dividing or multiplying it.
        accuracy_gap: median difference between train and eval token accuracy.
        uniform: ln V of a plain cross-entropy.
    """

    starts: tuple[float, ...] = ()
    vocabulary_start: float | None = None
    over: float | None = None
    under: float | None = None
    nll: float | None = None
    accuracy_gap: float | None = None
    uniform: float | None = None

    def start_fits(self, factor: float, band: tuple[float, float]) -> bool:
        """The first loss, divided by the factor, is that of a model which knows nothing."""
        starts = self.starts if band == TIGHT else (self.vocabulary_start or 0.0,)
        return factor >= 2 and any(band[0] <= start / factor <= band[1] for start in starts)

    def accuracy_fits(self, factor: float) -> bool:
        """The token accuracy excludes the loss as logged, and allows it divided by the factor."""
        if self.over is None or self.under is None:
            return False
        too_large, too_small = self.over > ABOVE, self.under < 1 / ABOVE
        return (too_large if factor > 1 else too_small) and not self.accuracy_excludes(factor)

    def accuracy_excludes(self, factor: float) -> bool:
        """The loss divided by the factor is impossible at the logged token accuracy."""
        too_large = self.over is not None and self.over / factor > ABOVE
        return too_large or (self.under is not None and self.under / factor < 1 / ABOVE)

    def nll_fits(self, factor: float) -> bool:
        """The loss is about the factor times the nll that was logged beside it."""
        return self.nll is not None and 0 < self.nll < math.inf and abs(math.log2(self.nll / factor)) <= NLL_OCTAVES

    @property
    def equally_hard(self) -> bool:
        """Train and eval token accuracy agree."""
        return self.accuracy_gap is not None and abs(self.accuracy_gap) <= EQUAL_ACCURACY

    @property
    def too_large(self) -> bool:
        """As logged, the loss stays above that of uniform guessing, or above what its accuracy allows."""
        return bool(self.starts) or (self.over is not None and self.over > ABOVE)


def gather(run: Run, settings: Settings) -> Witnesses:
    """All witnesses that a run offers."""
    loss = run.get("loss")
    if loss is None or not len(loss):
        return Witnesses()
    nll = _ratio(loss, run.get("nll_loss"))
    if _is_sum(run):
        return Witnesses(nll=nll)
    classes = [n for n in (settings.vocabulary, settings.labels) if n]
    starts = [_start(loss.value, math.log(n)) for n in classes]
    over, under = _accuracy_bounds(run, loss, settings.vocabulary)
    return Witnesses(
        starts=tuple(s for s in starts if s),
        vocabulary_start=starts[0] if settings.vocabulary else None,
        over=over,
        under=under,
        nll=nll,
        accuracy_gap=_accuracy_gap(run),
        uniform=math.log(settings.vocabulary) if settings.vocabulary else None,
    )


def most_loss(accuracy: Floats, classes: int) -> Floats:
    """B(a) = H(a) + (1 - a) ln(V - 1): cross-entropy of a calibrated guess that is right with probability a."""
    a = np.clip(accuracy, 0.01, 0.99)
    return np.asarray(-a * np.log(a) - (1 - a) * np.log(1 - a) + (1 - a) * math.log(max(classes - 1, 1)))


def least_loss(accuracy: Floats) -> Floats:
    """(1 - a) ln 2: where the best token is a wrong one, the right one has at most half of the probability."""
    return np.asarray((1 - np.clip(accuracy, 0.01, 0.99)) * math.log(2))


def _is_sum(run: Run) -> bool:
    names = {s.metric for s in run.series if s.split == "train"}
    return bool(names & PARTS) or any(name.startswith(("loss_", "rewards/")) for name in names)


def _start(values: Floats, uniform: float) -> float | None:
    """First loss in units of uniform guessing, if the loss stays above it and does not fall at once."""
    f = values[np.isfinite(values)][:SUSTAINED] / uniform
    if f.size < SUSTAINED or f.min() <= ABOVE_UNIFORM or f[1:].max() < f[0] / 2:
        return None
    return float(f[0])


def _accuracy_bounds(run: Run, loss: Series, classes: int | None) -> tuple[float | None, float | None]:
    matched = _accuracy(run, loss)
    if matched is None or not classes:
        return None, None
    value, accuracy = matched
    return median(value / most_loss(accuracy, classes)), median(value / least_loss(accuracy))


def _accuracy(run: Run, loss: Series) -> tuple[Floats, Floats] | None:
    """Loss and token accuracy of the same rows."""
    series = next((s for name in ACCURACIES if (s := run.get(name)) is not None), None)
    matched = _same_rows(loss, series) if series is not None else None
    if matched is None or matched[1].min() < 0 or matched[1].max() > 1:
        return None
    return matched


def _same_rows(one: Series, other: Series) -> tuple[Floats, Floats] | None:
    """Finite values of two series at the same steps (or lines, where there are no steps)."""
    axis = "step" if np.isfinite(one.step).all() and np.isfinite(other.step).all() else "line"
    at, at_other = getattr(one, axis), getattr(other, axis)
    value, other_value = one.value, other.value
    if not (np.array_equal(at, at_other) and (at[1:] > at[:-1]).all()):
        _, i, j = np.intersect1d(at, at_other, return_indices=True)
        value, other_value = value[i], other_value[j]
    finite = np.isfinite(value) & np.isfinite(other_value)
    if finite.sum() < SUSTAINED:
        return None
    return (value, other_value) if finite.all() else (value[finite], other_value[finite])


def _ratio(loss: Series, other: Series | None) -> float | None:
    matched = _same_rows(loss, other) if other is not None else None
    if matched is None or min(matched[0].min(), matched[1].min()) <= 0:
        return None
    octaves = np.log2(matched[0] / matched[1])
    low, high = np.percentile(octaves, (10, 90))
    return float(np.exp2(median(octaves))) if high - low <= STEADY_RATIO else None


def _accuracy_gap(run: Run) -> float | None:
    """Train minus eval token accuracy, the train rows interpolated to the steps of the evals."""
    pairs = ((run.get(name), run.get(name, "eval")) for name in ACCURACIES)
    train, held_out = next(((t, e) for t, e in pairs if t is not None and e is not None), (None, None))
    if train is None or held_out is None or not len(train) or not len(held_out):
        return None
    if not (np.isfinite(train.step).all() and np.isfinite(held_out.step).all()):
        return None
    step, value = train.step, train.value
    if (step[1:] < step[:-1]).any():
        order = np.argsort(step, kind="stable")
        step, value = step[order], value[order]
    gap = np.interp(held_out.step, step, value) - held_out.value
    return median(gap) if np.isfinite(gap).all() else None
