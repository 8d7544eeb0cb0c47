"""P103: one image axis is clearly harder than the other."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.ratio import Matched, matched
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Series, Split

CODE, NAME = "P103", "axis-asymmetry"

ADVICE = "look at the labels, the aspect ratio and the head of the {axis} axis"


def check(
    case: Case, *, factor: float = 1.5, lasting: float = 0.8, points_needed: int = 4, smallest_px: float = 1.0
) -> Result:
    """The loss of one axis is clearly above that of the other.

    What it checks: loss_x against loss_y, on held-out data first.

    Why it matters: one axis is learnt worse: shifted labels, a distorted aspect ratio, or features that are too coarse
    in one direction.

    What to try: look at the labels and the resizing of that axis, then at its head.

    How it decides: the median of loss_x / loss_y over the last half of the matched points is above `factor` (1.5), or
    below its inverse, and so are the medians of at least `lasting` (80 %) of up to 8 blocks of that half. At least
    `points_needed` (4) points. A worse axis whose root mean square error is below `smallest_px` (1 px, where the loss
    type knows the size of an image) passes: there a single image decides. Source: field note of the distance loss;
    losses are mean squares, so a factor of 1.5 is a factor of 1.22 in the error. The note says that a loss below 0.001
    on an axis means less than 3 px; its root is 6.07 px, and 3 px need 0.000244.

    Blind spots: images whose content is wider than high have a harder x axis by nature.
    """
    order: tuple[Split, ...] = (*HELD_OUT, "train")
    reason = "needs loss_x and loss_y"
    for split in order:
        x, y = case.get("loss_x", split), case.get("loss_y", split)
        if x is None or y is None:
            continue
        points = matched(x, y)
        points = points.take(np.flatnonzero(np.all(points.values > 0, axis=0)))
        if len(points) < points_needed:
            reason = f"inconclusive: {len(points)} points with both losses of {points_needed} needed"
            continue
        return _judge(case, (x, y), points, factor, lasting, smallest_px)
    logged = any(s.metric in ("loss_x", "loss_y") for s in case.run.series)
    return NotRun(CODE, reason, logged)


def _judge(
    case: Case, series: tuple[Series, Series], points: Matched, factor: float, lasting: float, smallest_px: float
) -> Result:
    start = len(points) // 2
    ratio = points.values[0, start:] / points.values[1, start:]
    middle = median(ratio)
    pieces = np.array([median(piece) for piece in np.array_split(ratio, min(8, ratio.size))])
    above, below = float(np.mean(pieces > factor)), float(np.mean(pieces < 1 / factor))
    if not ((middle > factor and above >= lasting) or (middle < 1 / factor and below >= lasting)):
        return Pass(CODE, f"loss_x / loss_y {middle:.2f}")
    error = float(np.sqrt(np.median(points.values[:, start:], axis=1).max())) * case.loss_type.pixels_per_unit
    if 0 < error < smallest_px:
        return Pass(CODE, f"loss_x / loss_y {middle:.2f}, at an error of {error:.2g} px")
    axis, worse = ("x", middle) if middle > 1 else ("y", 1 / middle)
    other = "y" if axis == "x" else "x"
    return Finding(
        CODE,
        NAME,
        "warn",
        ("loss_x", "loss_y"),
        f"the {axis} axis is harder: its loss is {worse:.2f} times that of {other} over the last half of the run",
        remedy(case, "P103", ADVICE, axis=axis),
        float(points.step[start]),
        float(points.step[-1]),
        tuple(evidence(case, s, int(i)) for s, i in zip(series, points.index[:, -1], strict=True)),
        f"median over {ratio.size} points; {max(above, below):.0%} of {pieces.size} blocks agree".replace("%", " %"),
    )


RULE = Rule(CODE, NAME, "warn", check)
