"""E104: the weighted token loss is learnt at the cost of the coordinates."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import Curve, curve, label, percent
from trainvitals.diagnostics.pixels import quality_series
from trainvitals.diagnostics.ratio import matched, trajectory
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import block_medians, blocks, median
from trainvitals.parsers.model import Split

CODE, NAME = "E104", "regression-crowded-out"

ADVICE = "lower the weight of the class in the token loss, so that the coordinates count again"


def check(
    case: Case,
    *,
    rise: float = 0.05,
    token_fall: float = 0.1,
    errors: float = 4.0,
    learnt: float = 0.25,
    quality_gain: float = 0.02,
    points_needed: int = 8,
) -> Result:
    """The coordinate loss stops improving, or rises, while the token loss keeps falling.

    What it checks: loss_coords against loss_ce over the run, on training data first.

    Why it matters: with a weighted mean, what EOS gains in the token loss the coordinates lose; both heads also
    share the backbone. The total falls all the while.

    What to try: lower the weight of EOS one step, and look at the cosine of the two gradients (G104).

    How it decides: in log space, on medians of up to 16 blocks. Rising: the end lies `rise` (5 %) and `errors` (4)
    standard errors above the best block, while the token loss fell by `token_fall` (10 %) from there on. Stopped:
    over the last half the coordinate loss fell by less than 5 % and by less than a fifth of the token loss's fall (as
    R102), and in all by less than `learnt` (25 %): one that had fallen before has converged. Neither counts while PCK
    on held-out data still gains `quality_gain` (2 %). At least `points_needed` (8) points that have both. Source:
    field note of the EOS weight; its two epochs (-33 % and +2.5 %, stable) are healthy. The share of COORD in a
    weighted mean falls from 94.4 % to 45.9 % at a weight of 20; in a sum it is unchanged.

    Blind spots: a coordinate loss that had nothing to learn from the first point on.
    """
    order: tuple[Split, ...] = ("train", *HELD_OUT)
    reason, applicable = "needs loss_ce and loss_coords", False
    for split in order:
        tokens, coords = case.get("loss_ce", split), case.get("loss_coords", split)
        if tokens is None or coords is None:
            continue
        points = matched(tokens, coords)
        ce, co = curve(tokens.take(points.index[0])), curve(coords.take(points.index[1]))
        if len(points) < points_needed or len(ce) != len(co):
            reason, applicable = f"inconclusive: {len(points)} points with both losses of {points_needed} needed", True
            continue
        claim = _claim(ce, co, rise, token_fall, errors, learnt)
        if isinstance(claim, str):
            return Pass(CODE, claim)
        if _quality_gain(case) >= quality_gain:
            return Pass(CODE, "the coordinate loss does not fall, but PCK still rises")
        return _finding(case, ce, co, *claim)
    return NotRun(CODE, reason, applicable)


def _claim(
    ce: Curve, co: Curve, rise: float, token_fall: float, errors: float, learnt: float
) -> tuple[int, float, float] | str:
    """(index since which, change of the coordinates, change of the tokens) in ln units; words where all is well."""
    count = max(4, min(co.blocks(), 16))
    cut = blocks(co.x, co.u, count)
    medians, tokens = block_medians(co.u, cut), block_medians(ce.u, cut)
    best, size = int(medians.argmin()), int(cut.n.min())
    rose = float(medians[-2:].min() - medians[best])
    error = 1.2533 * co.scatter(2.0) * math.sqrt(2 * min(1.0, co.memory / size))
    fell = float(tokens[best] - tokens[-1])
    if best < count - 1 and rose > max(math.log1p(rise), errors * error) and fell > -math.log1p(-token_fall):
        return int(cut.start[best]), rose, -fell
    path = trajectory(np.exp(ce.u), np.exp(co.u), co.x)
    total = float(median(medians[:1]) - medians.min())
    if path.stuck and total < -math.log1p(-learnt):
        since = path.since
        return since, float(median(co.u[-size:]) - co.u[since]), float(median(ce.u[-size:]) - ce.u[since])
    return f"the coordinate loss ends {percent(rose)} from its best, the token loss moved by {percent(-fell)}"


def _quality_gain(case: Case) -> float:
    """Relative gain of the held-out PCK from its middle to its end; -1 where it is not logged."""
    series = quality_series(case, "pck")
    value = series.value[np.isfinite(series.value)] if series is not None else np.empty(0)
    if value.size < 4:
        return -1.0
    quarter = max(1, value.size // 4)
    middle = median(value[value.size // 2 - quarter : value.size // 2 + 1])
    return median(value[-quarter:]) / middle - 1 if middle > 0 else 0.0


def _finding(case: Case, ce: Curve, co: Curve, since: int, change: float, tokens: float) -> Finding:
    verb = "rises" if change > math.log(1.02) else "has stopped improving"
    return Finding(
        CODE,
        NAME,
        "warn",
        (co.series.metric, ce.series.metric),
        f"{label(co.series)} {verb} ({percent(change)} since step {co.step(since):.9g}) while {label(ce.series)} moved "
        f"by {percent(tokens)}: the token loss crowds out the regression",
        remedy(case, "E104", ADVICE),
        co.step(since),
        co.step(-1),
        tuple(evidence(case, c.series, i) for c in (co, ce) for i in sorted({since, len(c) - 1})),
        f"{len(co)} points with both losses",
    )


RULE = Rule(CODE, NAME, "warn", check)
