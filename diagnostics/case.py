"""What a rule sees: a normalised run, the loss type it was recognised as, and the corrections that were made."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from trainvitals.diagnostics.loss_type import LossType
from trainvitals.diagnostics.report import Correction
from trainvitals.diagnostics.tolerance import Tolerance
from trainvitals.parsers.model import Run, Series, Split

HELD_OUT: tuple[Split, ...] = ("eval", "test")
"""Splits of data that is not trained on, in order of preference."""

IN_BITS = frozenset({"fairseq"})
"""Formats of trainers whose losses are in bits, all of them."""

OTHER_NAMES = (
    *("cost", "nll", "ce", "xent", "cross_entropy", "cross-entropy", "bce", "nll_loss", "ce_loss", "bce_loss"),
    *("cross_entropy_loss", "logloss", "log_loss", "binary_logloss", "multi_logloss", "mlogloss", "mse", "mse_loss"),
    *("mean_squared_error", "l2_loss", "rmse", "mae", "mae_loss", "l1_loss", "huber_loss"),
)
"""What a training loss may be called in a log that has no `loss`."""

NORMS = ("l1", "l2")
"""A loss where it is logged of held-out data, too; else it may be the size of the weights."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """Input of every rule.

    `run` is normalised (one vocabulary, de-duplicated, rescaled where proven); `raw` is the run as logged, before any
    correction of values. `corrections` says what lies between the two. `step_unit` is what the steps count: `step`, or
    `epoch` or `row` where the log has no steps. `baselines` are healthy runs of the same kind to hold this one against,
    and `tolerances` say how far it may be from them.
    """

    run: Run
    raw: Run
    loss_type: LossType
    corrections: tuple[Correction, ...] = ()
    step_unit: str = "step"
    baselines: tuple[Case, ...] = ()
    tolerances: tuple[Tolerance, ...] = ()
    _names: tuple[str, ...] = field(init=False, repr=False)
    """What the loss is called: of the names that are losses only where there is no `loss`, at most one."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "_names", self._names_of_loss())

    def get(self, metric: str, split: Split = "train") -> Series | None:
        """A normalised series, or None."""
        return self.run.get(metric, split)

    def nats(self, loss: Series) -> float:
        """How many nats the unit of a loss is: ln 2 where its trainer is known to log bits."""
        formats = {self.run.sources[i].format for i in set(loss.source.tolist())}
        return math.log(2) if formats and formats <= IN_BITS else 1.0

    @property
    def loss(self) -> Series | None:
        """The training loss: `loss`, what the loss type names as its main series, or else the only name of a loss."""
        return next((s for name in self._names if (s := self.get(name))), None)

    @property
    def validation(self) -> Series | None:
        """The primary validation series: the main metric on eval, else on test."""
        return next((s for split in HELD_OUT for n in self._names if (s := self.get(n, split))), None)

    def _names_of_loss(self) -> tuple[str, ...]:
        known = (self.loss_type.main, "loss")
        if any(self.get(name, split) for name in known for split in ("train", *HELD_OUT)):
            return known
        norms = [name for name in NORMS if any(self.get(name, split) for split in HELD_OUT)]
        others = [s.metric for s in self.run.series if s.split == "train" and s.metric in (*OTHER_NAMES, *norms)]
        return tuple(others) if len(others) == 1 else known

    def config(self, *names: str) -> Any:
        """The first of these hyperparameters that the run has, by canonical name; None if it has none."""
        return next((self.run.config[n].value for n in names if n in self.run.config), None)

    def number(self, *names: str) -> float | None:
        """The first of these hyperparameters that is a finite number, also when it was written as text."""
        for name in names:
            try:
                value = float(self.run.config[name].value) if name in self.run.config else math.nan
            except (TypeError, ValueError, OverflowError):
                continue
            if math.isfinite(value):
                return value
        return None
