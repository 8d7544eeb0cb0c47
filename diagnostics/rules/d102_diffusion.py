"""D102: predictions spread out without getting better."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import Curve, curve
from trainvitals.diagnostics.ratio import matched
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import Blocks, blocks, mann_kendall
from trainvitals.parsers.model import Split

CODE, NAME = "D102", "diffusion"

ADVICE = "lower the temperature (0.9), use a smaller target_sigma (1.5) and target_truncate 8"

MOST = 10
"""Blocks of a short series, whose bend would pass for memory."""

FEWEST = 7
"""Blocks from which a fall can reach a |z| of 3."""

LEVEL = 0.05
"""Blocks within 5 % of the best one are on its level."""


def check(
    case: Case, *, collapse: float = 0.3, improvement: float = 0.02, z: float = 3.0, blocks_needed: int = 8
) -> Result:
    """The probability of the true bin collapses while the soft cross-entropy does not improve.

    What it checks: p_gt_mean, the probability given to the true bin, together with soft_ce.

    Why it matters: a flatter prediction is right only as far as it serves the soft target; without that the model is
    getting unsure of everything.

    What to try: temperature 0.9, target_sigma 1.5, target_truncate 8.

    How it decides: over the blocks from the last one within 5 % of the best p_gt_mean to the end, p_gt_mean fell by
    at least `collapse` (30 %) with a Mann-Kendall |z| of at least `z` (3) over the whole run or that part, and
    soft_ce fell by less than `improvement` (2 %) over the same part. At least `blocks_needed` (8) near-independent
    blocks of points that have both, as fewer can hardly reach `z`. Held-out data go first, training data where they
    are too few, or the best block lies too near to their end. Source: audit of the soft cross-entropy. A falling
    p_gt_mean, coord_token_acc or acc_top5 while soft_ce falls is expected, as the optimum is not a peak; it is
    never a finding.

    Blind spots: a collapse before the first logged point; predictions with several modes (another rule).
    """
    order: tuple[Split, ...] = (*HELD_OUT, "train")
    reason = "needs p_gt_mean and soft_ce"
    for split in order:
        truth, main = case.get("p_gt_mean", split), case.get("soft_ce", split)
        if truth is None or main is None:
            continue
        points = matched(truth, main)
        both = truth.take(points.index[0]), main.take(points.index[1])
        first, second = curve(both[0]), curve(both[1])
        count = min(first.blocks(MOST), second.blocks(MOST)) if len(points) else 0
        if count < blocks_needed or len(first) != len(second):
            reason = f"inconclusive: {len(points)} points have both p_gt_mean and soft_ce"
            continue
        judged = _judge(case, first, second, count, collapse, improvement, z)
        if not isinstance(judged, NotRun):
            return judged
        reason = judged.reason
    logged = any(s.metric == "p_gt_mean" for s in case.run.series)
    return NotRun(CODE, reason, logged)


def _judge(case: Case, truth: Curve, main: Curve, count: int, collapse: float, improvement: float, z: float) -> Result:
    """The verdict on one split; `NotRun` where too little lies behind the best block."""
    p, ce = blocks(truth.x, truth.u, count), blocks(main.x, main.u, count)
    # The fall begins where p_gt_mean leaves its best level: on the way along it soft_ce may still have been falling.
    best = int(np.flatnonzero(p.u >= p.u.max() - LEVEL)[-1])
    fell, improved = (1 - float(np.exp(b.u[-1] - b.u[best])) for b in (p, ce))
    strength = min(mann_kendall(p.u), mann_kendall(p.u[best:]))
    if fell >= collapse and strength > -z and p.u.size - best < FEWEST:
        told = f"inconclusive: p_gt_mean is {fell:.0%} below its best block, which only {p.u.size - best} blocks show"
        return NotRun(CODE, told.replace("%", " %"))
    if fell < collapse or strength > -z:
        return Pass(CODE, f"p_gt_mean does not collapse ({fell:.0%} below its best block)".replace("%", " %"))
    if improved >= improvement:
        return Pass(CODE, f"p_gt_mean falls while soft_ce improves by {improved:.0%}: expected".replace("%", " %"))
    return _finding(case, truth, main, p, best, (fell, improved, strength))


def _finding(case: Case, truth: Curve, main: Curve, p: Blocks, best: int, sizes: tuple[float, float, float]) -> Finding:
    fell, improved, strength = sizes
    at, end = int(p.start[best]), len(truth) - 1
    change = f"improved by only {improved:.1%}" if improved > 0 else f"got worse by {-improved:.1%}"
    return Finding(
        CODE,
        NAME,
        "warn",
        ("p_gt_mean", "soft_ce"),
        f"p_gt_mean fell by {fell:.0%} since step {truth.step(at):.9g} while soft_ce {change}".replace("%", " %"),
        remedy(case, "D102", ADVICE),
        truth.step(at),
        truth.step(end),
        tuple(evidence(case, c.series, i) for c in (truth, main) for i in (at, end)),
        f"Mann-Kendall z {strength:+.1f} of p_gt_mean over {p.u.size} blocks",
    )


RULE = Rule(CODE, NAME, "warn", check)
