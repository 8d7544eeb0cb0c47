"""S108: the logged loss is the mean since the beginning of the epoch."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, epoch_starts, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Floats, Ints

CODE, NAME = "S108", "running-mean"

REMEDY = "log the loss of the last batch, or of the rows since the last log line, beside the mean of the epoch"


def check(case: Case, *, epochs: int = 2, rows: int = 16, slope: float = -0.7, recovered: float = 0.98) -> Result:
    """The logged train loss is a mean since the beginning of the epoch: saw-teeth that are no event.

    What it checks: whether the train loss changes less and less from row to row within each epoch, as a growing mean
    does, and starts afresh with the next one.

    Why it matters: within an epoch such a curve lags behind the model, and the jump at its end is no step of learning.
    Comparisons with a validation loss at the end of the epoch are too pessimistic, and spikes are hidden.

    What to try: log the loss of the step too.

    How it decides: over `epochs` (2) or more epochs of `rows` (16) or more rows, the median change from row to row at
    the j-th row of an epoch, by octaves of j: a mean of j values changes as 1/j. The slope in log-log space must be
    below `slope` (-0.7) in every epoch after the first and overall, and the values that the mean is made of, v_j = j
    m_j - (j - 1) m_(j-1), must be positive in `recovered` (98 %) of the rows and change alike throughout the epoch.
    Source: algebra of the mean.

    Blind spots: logs without epochs; means over the whole run or over a moving window, which have no teeth.
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
    pieces = [piece for piece in np.split(c.series.value, starts) if piece.size >= rows]
    if len(pieces) < epochs:
        return NotRun(CODE, f"inconclusive: {len(pieces)} epochs of {rows} rows, {epochs} are needed")
    pieces = pieces[:64]
    means = _slope([np.abs(np.diff(p)) for p in pieces])
    each = [_slope([np.abs(np.diff(p))]) for p in pieces[1:]]
    values = [_values(p) for p in pieces]
    steps = _slope([np.abs(np.diff(v)) for v in values])
    positive = float(np.mean(np.concatenate(values) > 0))
    if not (means < slope and np.median(each) < slope and abs(steps) < 0.35 and positive >= recovered):
        return Pass(CODE, "the loss moves as much at the end of an epoch as at its beginning")
    return _finding(case, c, starts, means, values[-1])


def _values(means: Floats) -> Floats:
    """The values whose running mean this is, shape `(n,)`."""
    j = np.arange(1, means.size + 1)
    return np.asarray(np.diff(np.concatenate([[0.0], j * means])))


def _slope(changes: list[Floats]) -> float:
    """Slope of ln(median change) over ln(row of the epoch), by octaves; 0 where fewer than 3 octaves hold changes."""
    longest = max(len(change) for change in changes)
    x, y = [], []
    low = 1
    while 2 * low <= longest + 1:
        octave = np.concatenate([change[low - 1 : 2 * low - 1] for change in changes])
        middle = float(np.median(octave)) if octave.size else 0.0
        if middle > 0:
            x.append(np.log(1.5 * low))
            y.append(np.log(middle))
        low *= 2
    return float(np.polyfit(x, y, 1)[0]) if len(x) >= 3 else 0.0


def _finding(case: Case, c: Curve, starts: Ints, slope: float, values: Floats) -> Finding:
    late = float(np.median(values[-max(3, values.size // 5) :]))
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
        f"changes within an epoch go with its row to the power {slope:.2f}; -1 is that of a mean",
    )


RULE = Rule(CODE, NAME, "info", check)
