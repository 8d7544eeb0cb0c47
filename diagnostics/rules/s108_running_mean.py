"""S108: the logged loss is the mean since the beginning of the epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, epoch_starts, quantum, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats, Ints

CODE, NAME = "S108", "running-mean"

REMEDY = "log the loss of the last batch, or of the rows since the last log line, beside the mean of the epoch"

MOST_ROWS = 1024
"""Rows of an epoch that are looked at."""


@dataclass(frozen=True, slots=True)
class Power:
    """`|change| ~ row ** slope` over rows of epochs, and the standard error of that slope."""

    slope: float
    error: float

    def near(self, value: float, least: float, errors: float = 3.0) -> bool:
        """Whether the slope may be this one."""
        return abs(self.slope - value) < max(least, errors * self.error)

    @property
    def z(self) -> float:
        """How surely the changes shrink."""
        return self.slope / self.error if self.error > 0 else 0.0


def check(case: Case, *, epochs: int = 2, rows: int = 8, z: float = 4.0, recovered: float = 0.98) -> Result:
    """The logged train loss is a mean since the beginning of the epoch: saw-teeth that are no event.

    What it checks: whether the train loss changes less and less from row to row within each epoch, as a growing mean
    does, and starts afresh with the next one.

    Why it matters: within an epoch such a curve lags behind the model, and the jump at its end is no step of learning.
    Comparisons with a validation loss at the end of the epoch are too pessimistic, and spikes are hidden.

    What to try: log the loss of the step too.

    How it decides: over `epochs` (2) or more epochs of `rows` (8) or more rows, the change from row to row, without the
    median of its epoch, against the row's number j: a mean of j values changes as 1/j, a loss of single rows alike
    everywhere. The slope of ln |change| over ln j must lie `z` (4) standard errors below 0, near -1, and below -0.5
    without the first epoch; the values that the mean is made of, v_j = j m_j - (j - 1) m_(j-1), must change alike at
    all rows and be positive in `recovered` (98 %) of them. Rows whose changes the printed digits hide are left out.
    Source: algebra of the mean; ln |x| of a Gaussian x has the variance pi^2 / 8.

    Blind spots: logs without epochs; means over the whole run or over a moving window, which have no teeth; teeth that
    are smaller than the last digit.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    c = curve(case.loss)
    starts = epoch_starts(c)
    if starts is None:
        return NotRun(CODE, "the log does not say where epochs end")
    # A row at exactly 1.0 may also be the first of the second epoch.
    tried = [p for at in (starts, starts[starts > 1] - 1) if len(p := _pieces(c.series.value, at, rows)) >= epochs]
    if not tried:
        return NotRun(CODE, f"inconclusive: fewer than {epochs} epochs of {rows} rows")
    for pieces in tried:
        means = _mean_of(pieces, z, recovered)
        if means is not None:
            return _finding(case, c, starts, means, _values(pieces[-1]))
    return Pass(CODE, "the loss moves as much at the end of an epoch as at its beginning")


def _mean_of(pieces: Sequence[Floats], z: float, recovered: float) -> Power | None:
    """How the changes shrink within these epochs, if they do so as those of a mean."""
    pieces = [piece[:MOST_ROWS] for piece in pieces]
    most = _resolved(pieces)
    means = _power(_changes(pieces, most))
    if means.z >= -z or not means.near(-1.0, 0.3):
        return None
    later = _power(_changes(pieces[1:], most))
    values = [_values(p) for p in pieces]
    steps = _power(_changes(values, most, first=2))
    positive = float(np.mean(np.concatenate([v[: int(min(most, v.size))] for v in values]) > 0))
    teeth = later.slope < -0.5 and later.z < -z / 2
    return means if teeth and steps.near(0.0, 0.35) and positive >= recovered else None


def _pieces(values: Floats, starts: Ints, rows: int) -> list[Floats]:
    return [piece for piece in np.split(values, starts) if piece.size >= rows][:64]


def _values(means: Floats) -> Floats:
    """The values whose running mean this is, shape `(n,)`."""
    j = np.arange(1, means.size + 1)
    return np.asarray(np.diff(np.concatenate([[0.0], j * means])))


def _resolved(pieces: Sequence[Floats]) -> float:
    """The last row of an epoch at which the change of a mean is more than the digits that the log keeps hide."""
    unit = quantum(np.concatenate(pieces))
    near = [np.abs(np.diff(piece[:17])) for piece in pieces]
    scales = np.array([median(np.arange(1.0, change.size + 1) * change) for change in near if change.size])
    return max(8.0, median(scales) / (2 * unit)) if unit > 0 else math.inf


def _changes(pieces: Sequence[Floats], most: float, first: int = 1) -> tuple[Floats, Floats]:
    """Rows of the epochs from `first` up to `most`, and |change| after each without its epoch's median, `(m,)` each."""
    rows, changes = [np.empty(0)], [np.empty(0)]
    for piece in pieces:
        change = np.diff(piece[: int(min(most, piece.size)) + 1])
        rows.append(np.arange(first, change.size + 1.0))
        changes.append(np.abs(change - median(change))[first - 1 :])
    return np.concatenate(rows), np.concatenate(changes)


def _power(changes: tuple[Floats, Floats], fewest: int = 12) -> Power:
    """The least-squares line through ln |change| over ln row; a slope of 0 without evidence where there are few."""
    row, change = changes
    if row.size < fewest:
        return Power(0.0, math.inf)
    # A change of nothing, or of less than a hundredth of the usual, says no more than that it is small.
    x, y = np.log(row), np.log(np.maximum(change, median(change) / 100 or 1.0))
    x = x - x.mean()
    power = float(x @ x)
    slope = float(x @ y) / power
    sd = max(math.pi / math.sqrt(8), float(np.std(y - y.mean() - slope * x)))
    return Power(slope, sd / math.sqrt(power))


def _finding(case: Case, c: Curve, starts: Ints, means: Power, values: Floats) -> Finding:
    late = median(values[-max(3, values.size // 5) :])
    return Finding(
        CODE,
        NAME,
        "info",
        (c.series.metric,),
        f"the train loss is a mean since the beginning of each epoch ({starts.size + 1} epochs): it ends at "
        f"{c.series.value[-1]:.4g}, while the last rows themselves were at {late:.4g}",
        REMEDY,
        c.step(0),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in (int(starts[-1]) - 1, int(starts[-1]), len(c) - 1)),
        f"changes within an epoch go with its row to the power {means.slope:.2f} +- {means.error:.2f}; -1 is that of a "
        "mean",
    )


RULE = Rule(CODE, NAME, "info", check)
