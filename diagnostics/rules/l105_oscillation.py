"""L105: the loss swings up and down at a fixed pace."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, epoch_starts, learning_rate, percent, sound, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import detrended, median
from trainvitals.parsers.model import Floats

CODE, NAME = "L105", "oscillation"

REMEDY = (
    "lower the learning rate by 2 to 5 times (or the momentum); if two sources of data or two writers take turns, "
    "log them apart; if epochs are as short as that, see whether their last accumulation window is full"
)


def check(
    case: Case,
    *,
    amplitude: float = 0.1,
    swing: float = 0.4,
    back: float = 0.3,
    errors: float = 4.0,
    longest: int = 32,
    rows: int = 48,
    fewest: int = 20,
) -> Result:
    """The loss swings up and down from row to row, or with a short period, by more than 10 %.

    What it checks: whether the train loss alternates around its course, for at least the last half of the run.

    Why it matters: steps that are too long jump from one wall of the valley to the other. The loss may still fall, but
    slower than it could, and the run is close to diverging.

    What to try: a lower learning rate or momentum, a larger batch; look whether the data alternates between two
    sources.

    How it decides: in log space, lines removed from windows of up to 256 rows of the last half. There must be a lag up
    to `longest` / 2 (16) rows at which the autocorrelation is below -`swing` (-0.4) and `errors` (4) standard errors,
    with `back` (0.3) or more at twice that lag, or a row beside it, in both halves of it from 96 rows on; noise of any
    memory has no such lag. The swing must be `amplitude` (10 %) of the level or more. At least `rows` (48) rows, or
    `fewest` (20) that go up and down by turns without an exception: of noise one log in 7000 does. Not where the
    learning rate, or the epoch, has that period. Source: autocorrelation of a periodic signal; definition of this tool.

    Blind spots: periods of less than two rows, as when only every tenth step is logged; irregular swings, which cannot
    be told from noise; slow cycles of more than 32 rows. Epochs of two or three rows, of which the last one is an
    accumulation window that is not full (S103), swing as well.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    c = curve(sound(case.loss))
    if len(c) < rows:
        alternating = c.u[-max(fewest, len(c) // 2) :]
        height = _alternates(alternating) if len(c) >= fewest and not _expected(case, c, 2) else 0.0
        if height >= math.log1p(amplitude):
            return _finding(case, c, 2, 1.0, height, alternating.size)
        return NotRun(CODE, f"inconclusive: {len(c)} finite points, {rows} are needed")
    late = c.u[len(c) // 2 :][-8192:]
    period, strength = _period(late, swing, back, errors, longest // 2)
    halves = np.array_split(late, 2) if late.size >= 96 and period else []
    others = (_period(half, swing, back, errors / 1.5, longest // 2)[0] for half in halves)
    if period == 0 or any(abs(other / period - 1) > 0.2 for other in others):
        return Pass(CODE, "no period in the last half of the loss")
    height = math.sqrt(2 * strength) * float(np.std(_rest(late)))
    if height < math.log1p(amplitude):
        return Pass(CODE, f"it swings with a period of {period} rows, by {math.expm1(height):.1%} only")
    if _expected(case, c, period):
        return Pass(CODE, f"it swings with the learning rate or the epoch, every {period} rows")
    return _finding(case, c, period, strength, height, late.size)


def _alternates(u: Floats) -> float:
    """Half the height of the swings of rows that go up and down by turns, in ln units; 0 where one does not."""
    moves = np.diff(u)
    return median(np.abs(moves)) / 2 if bool((moves[1:] * moves[:-1] < 0).all()) else 0.0


def _rest(u: Floats) -> Floats:
    size = min(256, u.size)
    return np.asarray(detrended(u[u.size % size :].reshape(-1, size)).ravel())


def _period(u: Floats, swing: float, back: float, errors: float, longest: int) -> tuple[int, float]:
    """(period in rows, strength of the swing); (0, 0) where there is none."""
    rest = _rest(u)
    power = float(rest @ rest)
    if power <= 1e-12 * rest.size or rest.size < 8:
        return 0, 0.0
    lags = range(1, min(longest, rest.size // 6) + 1)
    r = {k: float(rest[k:] @ rest[:-k]) / power for k in range(1, 2 * lags[-1] + 2)}
    lowest = min(r[k] for k in lags)
    lag = next(k for k in lags if r[k] <= 0.9 * lowest) if lowest < 0 else 1
    # Half of an odd period is no whole number of rows.
    period = max((k for k in (2 * lag, 2 * lag - 1, 2 * lag + 1) if k > lag), key=r.__getitem__)
    seen = r[lag] < -max(swing, errors / math.sqrt(rest.size)) and r[period] > back
    return (period, min(1.0, -r[lag])) if seen else (0, 0.0)


def _expected(case: Case, c: Curve, period: int) -> bool:
    ends = epoch_starts(c)
    if ends is not None and ends.size > 2 and abs(median(np.diff(ends)) / period - 1) < 0.1:
        return True
    rate = learning_rate(case, c.x)
    if rate is None or not (rate > 0).all():
        return False
    return _period(np.log(rate[len(c) // 2 :]), 0.3, 0.2, 2.0, period)[0] > 0


def _finding(case: Case, c: Curve, period: int, strength: float, height: float, rows: int) -> Finding:
    start = len(c) - rows
    last = c.u[-period:]
    cited = sorted({len(c) - period + int(last.argmin()), len(c) - period + int(last.argmax())})
    pace = "from row to row" if period == 2 else f"every {period} rows"
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric,),
        f"the loss swings by {percent(height).lstrip('+')} up and down {pace}",
        REMEDY,
        c.step(start),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in cited),
        f"autocorrelation {-strength:.2f} half a period of {period} rows apart, over {rows} rows",
    )


RULE = Rule(CODE, NAME, "warn", check)
