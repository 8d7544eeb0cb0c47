"""Pixel errors behind a staged distance loss, and the tiers of accuracy that they reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.loss_type import Stage, Tier
from trainvitals.diagnostics.ratio import recent
from trainvitals.diagnostics.report import Cell, Table
from trainvitals.parsers.model import Series, Split


def stage_loss(stages: tuple[Stage, ...], distance: float) -> float:
    """The loss of a distance, in the units of the definition."""
    stage = next(s for s in stages if distance < s.below)
    return stage.square * distance**2 + stage.linear * distance + stage.constant


def pixel_errors(stages: tuple[Stage, ...], pixels_per_unit: float, loss: float) -> tuple[float, ...]:
    """All constant errors, in px, that produce this loss: one for each stage in which it can arise.

    A loss that is not monotone has several: 0.0068 is made by 5.0 px and by 15.8 px of the three-stage loss.
    """
    found: list[float] = []
    above = 0.0
    for stage in stages:
        root = distance_of(stage, loss)
        if above <= root < stage.below:
            found.append(root * pixels_per_unit)
        above = stage.below
    return tuple(found)


def distance_of(stage: Stage, loss: float) -> float:
    """The distance at which a rising stage has this loss, -inf below its least one; where it ends is not looked at."""
    rest = loss - stage.constant
    if not stage.square:
        return rest / stage.linear if stage.linear else (math.inf if rest >= 0 else -math.inf)
    root = stage.linear**2 + 4 * stage.square * rest
    return (math.sqrt(root) - stage.linear) / (2 * stage.square) if root >= 0 else -math.inf


@dataclass(frozen=True, slots=True)
class Need:
    """One demand of a tier: what is measured, the bound in words, the value, and whether it is met."""

    text: str
    value: float
    met: bool


def quality_series(case: Case, metric: str) -> Series | None:
    """A pixel metric on held-out data, else on training data."""
    order: tuple[Split, ...] = (*HELD_OUT, "train")
    return next((s for split in order if (s := case.get(metric, split)) and np.isfinite(s.value).any()), None)


def present(series: Series | None) -> float:
    """The present value of a metric, NaN where it has none."""
    values = series.value[np.isfinite(series.value)] if series is not None else np.empty(0)
    return recent(values) if values.size else math.nan


def needs(case: Case, tier: Tier) -> tuple[Need, ...]:
    """The demands of a tier that the log can answer; shares above 1 are taken as percentages."""
    found: list[Need] = []
    for pixels, least in tier.shares.items():
        share = present(quality_series(case, f"within_{pixels}px"))
        share = share / 100 if share > 1.5 else share
        found.append(Need(f"{least:.0%} within {pixels} px".replace("%", " %"), share, share >= least))
    mean = present(quality_series(case, "pixel_error_mean"))
    found.append(Need(f"mean error below {tier.mean_below:g} px", mean, mean < tier.mean_below))
    loss = present(case.validation)
    found.append(Need(f"validation loss below {tier.loss_below:g}", loss, loss < tier.loss_below))
    return tuple(need for need in found if need.value == need.value)


def tier_rows(case: Case) -> Table | None:
    """The tiers of pixel accuracy and what the run has of each; None where no pixel metric is logged."""
    if not has_pixels(case):
        return None
    rows: list[tuple[Cell, ...]] = [
        (tier.name, need.text, float(f"{need.value:.4g}"), "reached" if need.met else "missed")
        for tier in case.loss_type.tiers
        for need in needs(case, tier)
    ]
    return Table("tiers of pixel accuracy", ("tier", "needs", "now", "status"), tuple(rows)) if rows else None


def has_pixels(case: Case) -> bool:
    """Whether the log has any metric in pixels that a tier asks for."""
    names = {f"within_{px}px" for tier in case.loss_type.tiers for px in tier.shares} | {"pixel_error_mean"}
    return any(quality_series(case, name) is not None for name in names)
