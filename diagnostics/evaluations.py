"""What the rules about evaluations share: the gap between validation and training, late gains, scatter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, sound, unfit
from trainvitals.diagnostics.statistics import MAD_TO_SD, median, row_medians, spacing
from trainvitals.parsers.model import Floats, Ints

MIXING = ("mixup", "mixup_alpha", "cutmix", "cutmix_alpha", "mixup_prob")
"""Augmentations of the labels themselves: a training loss cannot come near its validation loss with them."""


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """Training and validation loss at each evaluation that training rows surround.

    Attributes: train, held_out: the curves they are taken from. first: index of the first point of `held_out` that is
    used. x: steps of the evaluations, `(m,)`. below: ln of the training loss around each, the median of the later
    half of the rows since the one before, `(m,)`. above: ln of the validation loss, `(m,)`.
    """

    train: Curve
    held_out: Curve
    first: int
    x: Floats
    below: Floats
    above: Floats

    def __len__(self) -> int:
        return int(self.x.size)

    @property
    def u(self) -> Floats:
        """Ln of validation / training, `(m,)`."""
        return self.above - self.below


# Three rules ask for it; a case is equal to itself alone.
@lru_cache(maxsize=2)
def gap_of(case: Case) -> Gap | str:
    """The gap of the primary losses, or why there is none."""
    if case.validation is None or not len(case.validation):
        return "no validation loss is logged"
    if case.loss is None or not len(case.loss):
        return "no training loss is logged"
    reason = unfit(case, case.loss) or unfit(case, case.validation)
    if reason:
        return reason
    train, held_out = curve(sound(case.loss)), curve(sound(case.validation))
    if not np.isfinite(train.series.step).all() or not np.isfinite(held_out.series.step).all():
        return "inconclusive: without steps, evaluations cannot be placed among the training rows"
    ends = np.searchsorted(train.x, held_out.x, side="right")
    used = np.flatnonzero((ends > 0) & (held_out.x <= train.x[-1] + _spacing(train.x, held_out.x)))
    if not used.size:
        return "inconclusive: no evaluation lies among the training rows"
    first = int(used[0])
    starts = np.concatenate([[0], ends[used][:-1]])
    below = _levels(train.u, starts, ends[used])
    return Gap(train, held_out, first, held_out.x[used], below, held_out.u[used])


def _spacing(train: Floats, held_out: Floats) -> float:
    """The wider of the usual distances of training rows and of evaluations."""
    return max(spacing(train), spacing(held_out))


def _levels(u: Floats, starts: Ints, ends: Ints) -> Floats:
    """Medians of the later halves of `u[start:end]`; the last value before `end` where the stretch is empty.

    `starts` and `ends` have one shape, which is that of the result.
    """
    begins = starts + (ends - starts) // 2
    sizes, found = ends - begins, u[ends - 1]
    # Stretches of one length at once: there may be ten thousand, of few lengths.
    for size in np.unique(sizes[sizes > 0]):
        at = np.flatnonzero(sizes == size)
        found[at] = row_medians(u[begins[at, None] + np.arange(size)])
    return found


def late_gain(u: Floats) -> float:
    """How far a curve fell over its later half, between the first and the last third of that, in ln units."""
    half = u[max(0, u.size // 2 - 1) :]
    third = max(1, half.size // 3)
    return float(half[:third].mean() - half[-third:].mean())


def scatter(values: Floats) -> float:
    """Noise of single evaluations from their second differences, which a bend does not inflate; 0 for fewer than 4.

    White noise of standard deviation s has second differences of sqrt(6) * s; their median is not moved by a jump.
    """
    return float(MAD_TO_SD * median(np.abs(np.diff(values, 2)))) / math.sqrt(6) if values.size > 3 else 0.0
