"""S107: total, part losses and weight imply a class share that the data do not have."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Share
from trainvitals.diagnostics.ratio import Matched, half_unit, matched
from trainvitals.diagnostics.remedies import class_weight, remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import MAD_TO_SD, MEDIAN_SE, median
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "S107", "weight-not-in-effect"

ADVICE = "weight each token's loss before the mean, divide by the sum of weights, and log that value as the loss"


def check(case: Case, *, widest: float = 0.1, errors: float = 3.0) -> Result:
    """The class share implied by the logged losses contradicts the share in the data.

    What it checks: a total that is the weighted mean of a class and the rest tells how large the class is. That share
    is compared with the known one (articles: 5-9 % of tokens).

    Why it matters: the weight is then not in effect, or the logged total is not the weighted loss; the run optimises
    something else than was meant.

    What to try: multiply each token's loss by its weight before the mean, divide by the sum of weights, and log that.

    How it decides: from L = (w p a + (1 - p) o) / (w p + 1 - p) follows p = (o - L) / (w L - L - w a + o), with total
    L, class loss a, other loss o and weight w. Each p has an interval from the rounding of the three printed numbers;
    points whose interval is wider than `widest` (0.1) tell nothing (a close to o) and are left out. It speaks when the
    median p, its rounding and `errors` (3) of its standard errors lie outside the known share. The share at weight 1 is
    given too: if that one fits, the total is the plain mean. Source: algebra; the field note's own lines (2.0543,
    4.2345, 1.9876) imply 0.6 % at weight 5 and 3.0 % at weight 1, against the 5-9 % that the note states. The note's
    "articles get 30 % influence" forgets to divide by the sum of weights: it is 0.30 / 1.24 = 24.2 %.

    Blind spots: a total that is averaged over more steps than its parts; a data set with another share of the class.
    """
    if not case.loss_type.shares:
        return NotRun(CODE, f"the loss type {case.loss_type.name} has no class of known share", applicable=False)
    return _judge(case, case.loss_type.shares[0], widest, errors)


@dataclass(frozen=True, slots=True)
class Implied:
    """Implied share over all usable points: median, the interval of its rounding, standard error, and their number."""

    share: float
    low: float
    high: float
    se: float
    points: int

    def outside(self, known: Share, errors: float) -> bool:
        """Whether even the near end of the interval is outside the known share."""
        margin = errors * self.se
        return self.high + margin < known.low or self.low - margin > known.high


def _judge(case: Case, known: Share, widest: float, errors: float) -> Result:
    series = [case.get(name) for name in (known.total, known.part, known.rest)]
    absent = [n for n, s in zip((known.total, known.part, known.rest), series, strict=True) if s is None]
    if absent:
        return NotRun(CODE, f"no {' or '.join(absent)} is logged")
    total, part, rest = (s for s in series if s is not None)
    points = matched(total, part, rest)
    if not len(points):
        return NotRun(CODE, "the total and its parts share no step with finite values")
    plain = implied(points, 1.0, widest)
    weight = class_weight(case)
    if weight is None:
        name = case.loss_type.weight.name if case.loss_type.weight else "weight"
        return NotRun(CODE, f"the {name} is unknown{_hints(case, points, plain, widest)}")
    found = implied(points, weight, widest)
    if found is None:
        return NotRun(CODE, f"inconclusive: {known.part} and {known.rest} are too close for their printed digits")
    if not found.outside(known, errors):
        return Pass(CODE, f"implied share {_percent(found.share)} at weight {weight:g}")
    return _finding(case, known, (total, part, rest), points, weight, found, plain, errors)


def implied(points: Matched, weight: float, widest: float) -> Implied | None:
    """Implied share at this weight; None where no point tells it."""
    total, part, rest = points.values
    units = [half_unit(v) for v in points.values]
    corners = [
        shares(total + units[0] * i, part + units[1] * j, rest + units[2] * k, weight)
        for i, j, k in product((-1, 0, 1), repeat=3)
    ]
    low, high, middle = np.min(corners, axis=0), np.max(corners, axis=0), shares(total, part, rest, weight)
    good = np.isfinite(corners).all(axis=0) & (high - low <= widest)
    if not good.any():
        return None
    centre = median(middle[good])
    spread = MAD_TO_SD * median(np.abs(middle[good] - centre))
    se = MEDIAN_SE * spread / float(np.sqrt(np.count_nonzero(good)))
    return Implied(centre, median(low[good]), median(high[good]), se, int(np.count_nonzero(good)))


def shares(total: Floats, part: Floats, rest: Floats, weight: float) -> Floats:
    """Implied share (o - L) / (w L - L - w a + o), of shape `(n,)`; NaN where the denominator is 0."""
    below = weight * total - total - weight * part + rest
    return np.asarray((rest - total) / np.where(below == 0, np.nan, below))


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _hints(case: Case, points: Matched, plain: Implied | None, widest: float) -> str:
    usual = implied(points, case.loss_type.weight.usual, widest) if case.loss_type.weight else None
    if usual is None or plain is None or case.loss_type.weight is None:
        return ""
    at = f"{_percent(usual.share)} at weight {case.loss_type.weight.usual:g}, {_percent(plain.share)} at weight 1"
    return f"; the losses imply a share of {at}"


def _finding(
    case: Case,
    known: Share,
    series: tuple[Series, ...],
    points: Matched,
    weight: float,
    found: Implied,
    plain: Implied | None,
    errors: float,
) -> Finding:
    bounds = f"{known.low * 100:g}-{known.high * 100:g} %"
    message = f"the losses imply that {_percent(found.share)} of the tokens have weight {weight:g}, against {bounds}"
    if plain and weight != 1:
        fits = not plain.outside(known, errors)
        message += f"; at weight 1 it would be {_percent(plain.share)}"
        message += ": the total is the plain mean, the weight is not in effect" if fits else ""
    index = [int(i) for i in points.index[:, -1]]
    return Finding(
        CODE,
        NAME,
        "warn",
        (known.total, known.part, known.rest),
        message,
        remedy(case, "S107", ADVICE),
        float(points.step[0]),
        float(points.step[-1]),
        tuple(evidence(case, s, i) for s, i in zip(series, index, strict=True)),
        f"median of {found.points} points, rounding allows {_percent(found.low)} to {_percent(found.high)}, "
        f"standard error {_percent(found.se)}",
    )


RULE = Rule(CODE, NAME, "warn", check)
