"""D104: predicted distributions have two modes, so that their mean is none of them."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.ratio import Matched, matched
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Series, Split

CODE, NAME = "D104", "multimodal"

ADVICE = "decode by argmax (or by the median), not by the mean; then look at examples with two plausible answers"

BINS = ("num_bins", "coord_bins", "n_bins", "bins")


def check(
    case: Case, *, factor: float = 1.5, lasting: float = 0.8, entropy: float = 0.4, points_needed: int = 6
) -> Result:
    """The mean of the predicted distributions lies far from their peak.

    What it checks: the error of decoding by the mean against that by argmax, and the entropy of the distributions.

    Why it matters: with the mass in two separated modes the mean falls between them, where the model itself sees
    nothing: every coordinate decoded so is wrong although the prediction is not.

    What to try: decode by argmax, or by the median where tails are long; look for examples with two right answers, such
    as symmetric objects.

    How it decides: over the last half of the points the error of the mean is `factor` (1.5) times that of argmax in
    the median, and at `lasting` (80 %) of them; and where an entropy is logged, its median there is above `entropy`
    (0.4) of that of an even distribution (ln of the bins, 1000 where the configuration does not say). At least
    `points_needed` (6) points that have both. Source: comparison of decoders: the mean is best for one symmetric
    peak, the median bears tails.

    Blind spots: two modes of nearly the same mass in few examples do not move the averages.
    """
    order: tuple[Split, ...] = (*HELD_OUT, "train")
    reason, applicable = "needs the decoding errors of argmax and mean", False
    for split in order:
        peak, mean = case.get("error_argmax", split), case.get("error_mean", split)
        if peak is None or mean is None:
            continue
        points = matched(peak, mean)
        points = points.take(np.flatnonzero((points.values > 0).all(axis=0)))
        if len(points) < points_needed:
            reason, applicable = f"inconclusive: {len(points)} points of {points_needed} needed", True
            continue
        return _judge(case, (peak, mean), points, factor, lasting, entropy)
    return NotRun(CODE, reason, applicable)


def _judge(
    case: Case, series: tuple[Series, Series], points: Matched, factor: float, lasting: float, entropy: float
) -> Result:
    half = len(points) // 2
    ratio = points.values[1, half:] / points.values[0, half:]
    middle, share = median(ratio), float(np.mean(ratio > factor))
    if middle <= factor or share < lasting:
        return Pass(CODE, f"the mean errs {middle:.2f} times as much as argmax")
    spread = _spread(case, series[0].split)
    if spread < entropy:
        return Pass(CODE, f"the mean errs {middle:.2f} times as much as argmax, but the entropy is low ({spread:.2f})")
    told = f", with {spread:.0%} of the highest entropy".replace("%", " %") if spread == spread else ""
    start, end = float(points.step[half]), float(points.step[-1])
    cited = tuple(evidence(case, s, int(points.index[row, -1])) for row, s in enumerate(series))
    return Finding(
        CODE,
        NAME,
        "warn",
        ("error_mean", "error_argmax"),
        f"decoding by the mean errs {middle:.2f} times as much as by argmax over the last half of the run{told}: "
        "predictions have more than one mode",
        remedy(case, "D104", ADVICE),
        start,
        end,
        cited,
        f"{ratio.size} points, {share:.0%} beyond the factor".replace("%", " %"),
    )


def _spread(case: Case, split: Split) -> float:
    """Entropy over that of an even distribution in the last half, NaN where none is logged."""
    series = case.get("coord_entropy", split) or case.get("entropy", split)
    value = series.value[np.isfinite(series.value)] if series is not None else np.empty(0)
    if not value.size:
        return math.nan
    bins = case.number(*BINS) or 1000.0
    return median(value[value.size // 2 :]) / math.log(max(bins, 2.0))


RULE = Rule(CODE, NAME, "warn", check)
