"""D103: the Wasserstein part of a soft cross-entropy does nothing."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.ratio import fall, matched
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Split

CODE, NAME = "D103", "w1-redundant"

ADVICE = "try w1_weight = 0 and compare soft_ce and the decoded error at the same steps"

WEIGHTS = ("w1_weight", "coord_softce_w1.w1_weight")


def check(
    case: Case, *, flat: float = 0.05, tiny: float = 0.01, falling: float = 0.1, points_needed: int = 10
) -> Result:
    """W1 is flat or tiny while the soft cross-entropy falls.

    What it checks: w1 beside soft_ce, on held-out data first.

    Why it matters: it costs time and says nothing that the soft cross-entropy does not: an A/B without it is cheap.

    What to try: w1_weight = 0, everything else equal, and compare soft_ce and the decoded errors.

    How it decides: soft_ce fell by `falling` (10 %) along a Theil-Sen line through the points that have both, and w1
    fell or rose by less than `flat` (5 %) along its own, or w1 times its weight (1 where it is not known) is below
    `tiny` (1 %) of soft_ce in the last half; never where its weight is 0 already. At least `points_needed` (10) points.
    Source: audit of a soft cross-entropy.

    Blind spots: W1 can matter early and be flat after that; it may keep the distribution in one piece without falling.
    """
    order: tuple[Split, ...] = (*HELD_OUT, "train")
    reason, applicable = "needs w1 and soft_ce", False
    for split in order:
        w1, main = case.get("w1", split), case.get("soft_ce", split)
        if w1 is None or main is None:
            continue
        points = matched(w1, main)
        points = points.take(np.flatnonzero((points.values > 0).all(axis=0)))
        if len(points) < points_needed:
            reason, applicable = f"inconclusive: {len(points)} points of {points_needed} needed", True
            continue
        moved, fell = (fall(v) for v in points.values)
        weight = case.number(*WEIGHTS)
        if weight == 0:
            return Pass(CODE, "w1 is logged and has no weight in the loss")
        half = len(points) // 2
        share = median(points.values[0, half:] / points.values[1, half:]) * (1.0 if weight is None else weight)
        if fell < falling:
            return Pass(CODE, f"soft_ce fell by {fell:.0%}: too little to compare".replace("%", " %"))
        if abs(moved) >= flat and share >= tiny:
            return Pass(CODE, f"w1 fell by {moved:.0%} beside soft_ce {fell:.0%}".replace("%", " %"))
        why = f"is {share:.2%} of soft_ce" if share < tiny else f"moved by {math.copysign(moved, -moved):+.1%}"
        cited = [(s, int(points.index[row, i])) for row, s in enumerate((w1, main)) for i in (0, -1)]
        return Finding(
            CODE,
            NAME,
            "info",
            ("w1", "soft_ce"),
            f"w1 {why} while soft_ce fell by {fell:.0%}: it adds nothing".replace("%", " %"),
            remedy(case, "D103", ADVICE),
            float(points.step[0]),
            float(points.step[-1]),
            tuple(evidence(case, s, i) for s, i in cited),
            f"Theil-Sen over {len(points)} points, w1 weight {'not known' if weight is None else format(weight, 'g')}",
        )
    return NotRun(CODE, reason, applicable)


RULE = Rule(CODE, NAME, "info", check)
