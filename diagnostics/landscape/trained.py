"""The landscape of the loss that a run was trained with, by the weights and widths in its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.landscape import article, causal_lm, eos, softce, spatial
from trainvitals.diagnostics.landscape.of_run import configured_weight, trajectory
from trainvitals.diagnostics.landscape.picture import Landscape

SHARE = 0.06
"""Articles among the tokens of English text."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Names of a hyperparameter, its usual value, and between which values a picture can be drawn."""

    names: tuple[str, ...]
    usual: float
    low: float
    high: float

    def of(self, case: Case) -> float:
        """The value in effect.

        Raises:
            ValueError: it is beyond what can be drawn.
        """
        return self.checked(case.number(*self.names))

    def checked(self, value: float | None) -> float:
        """A value, or the usual one for None, with the same error."""
        if value is None:
            return self.usual
        if not self.low <= value <= self.high:
            raise ValueError(f"{self.names[0]} is {value:g}")
        return value


SIGMA = Setting(("target_sigma",), 2.0, 0.05, 50.0)
TRUNCATE = Setting(("target_truncate",), 8.0, 1.0, 500.0)
TEMPERATURE = Setting(("temperature",), 1.0, 0.01, 100.0)
VOCABULARY = Setting(("vocab_size",), 150_000, 2, 1e8)
SMOOTHING = Setting(("label_smoothing_factor", "label_smoothing"), 0.1, 0.0, 0.9)
WEIGHT = Setting(("class weight",), 1.0, 1e-3, 1e5)


def landscape(case: Case) -> Landscape | None:
    """The landscape of a run's loss type; None where it has none, or what it needs is not logged or cannot be drawn."""
    made = MAKERS.get(case.loss_type.name)
    try:
        return made(case) if made else None
    except ValueError:
        return None


def _spatial(case: Case) -> Landscape | None:
    kind = case.loss_type
    return spatial.landscape(spatial.Options(kind.stages, kind.pixels_per_unit)) if kind.stages else None


def _weight(case: Case, usual: float) -> float:
    return WEIGHT.checked(configured_weight(case.run, case.loss_type) or usual)


def _eos(case: Case) -> Landscape | None:
    usual = case.loss_type.weight
    return eos.landscape(usual.counts, usual.weighted, _weight(case, usual.usual)) if usual else None


def _article(case: Case) -> Landscape | None:
    kind = case.loss_type
    if kind.weight is None or not kind.shares or not kind.ratios:
        return None
    bounds = tuple(band.low for band in kind.ratios[0].bands if band.low > 0)
    known = (kind.shares[0].low, kind.shares[0].high)
    options = article.Options(_weight(case, kind.weight.usual), SHARE, known, bounds)
    return article.landscape(options, trajectory(case.run, kind))


def _softce(case: Case) -> Landscape | None:
    return softce.landscape(softce.Options(SIGMA.of(case), TRUNCATE.of(case), TEMPERATURE.of(case)))


def _causal_lm(case: Case) -> Landscape | None:
    return causal_lm.landscape(int(VOCABULARY.of(case)), SMOOTHING.of(case) or SMOOTHING.usual)


MAKERS: Mapping[str, Callable[[Case], Landscape | None]] = {
    "article": _article,
    "causal_lm": _causal_lm,
    "eos": _eos,
    "softce": _softce,
    "spatial": _spatial,
}
