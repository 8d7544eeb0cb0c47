"""Which curves belong into one picture: those that a finding speaks of, or that a correction has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.loss_type import LossType, Ratio
from trainvitals.diagnostics.normalisation import Normalised
from trainvitals.diagnostics.report import Finding
from trainvitals.parsers.model import Series

RATIOS = "R"
"""How codes of rules about ratios begin."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Curves of one metric, which share an axis; `raw` is one of them as logged, where its values were changed."""

    metric: str
    series: tuple[Series, ...]
    raw: Series | None = None


def picture(metric: str, normalised: Normalised) -> Picture | None:
    """All splits of a metric; None where no series has two points."""
    series = tuple(s for s in normalised.run.series if s.metric == metric and len(s) > 1)
    return Picture(metric, series, raw_of(series[0], normalised)) if series else None


def of_finding(finding: Finding, normalised: Normalised) -> Iterator[Picture]:
    """A picture for each metric that the finding speaks of, in its order."""
    found = (picture(metric, normalised) for metric in dict.fromkeys(finding.metrics))
    return (one for one in found if one is not None)


def ratio_of(finding: Finding, kind: LossType) -> Ratio | None:
    """The ratio that a finding of the family of ratios speaks of: that of two of its metrics."""
    named = set(finding.metrics)
    fits = (ratio for ratio in kind.ratios if {ratio.numerator, ratio.denominator} <= named)
    return next(fits, None) if finding.code.startswith(RATIOS) else None


def before_and_after(metric: str, normalised: Normalised) -> tuple[tuple[Series, ...], tuple[Series, ...]]:
    """(series as judged, those as logged that differ from them) of a metric, of two points and more."""
    after, before = (
        tuple(s for s in run.series if s.metric == metric and len(s) > 1) for run in (normalised.run, normalised.raw)
    )
    changed = (s for s in before if not any(_same(s, other) for other in after))
    return after, tuple(changed)


def _same(one: Series, other: Series) -> bool:
    pairs = ((one.step, other.step), (one.value, other.value))
    return one.split == other.split and all(np.array_equal(a, b, equal_nan=True) for a, b in pairs)


def raw_of(series: Series, normalised: Normalised) -> Series | None:
    """The series as logged, where a correction has changed its values."""
    scaled = any(c.applied and c.factor != 1 and c.metric == series.metric for c in normalised.corrections)
    return normalised.raw.get(series.metric, series.split) if scaled and series.split == "train" else None
