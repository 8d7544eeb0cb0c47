"""S103: the loss dips at a fixed stride, where the last accumulation window of an epoch is not full."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, epoch_starts, percent, setting, sound, unfit
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import MAD_TO_SD, MIN_NOISE, median, pairs
from trainvitals.parsers.model import Floats, Ints

CODE, NAME = "S103", "partial-window"

REMEDY = (
    "drop the last, incomplete window of an epoch (or divide by the number of micro-batches that it holds); its step "
    "has a smaller gradient as well"
)

NEIGHBOURS = 3
"""Rows on each side whose median a row is compared with."""

MOST_LOW = 48
"""Lowest rows between which strides are tried."""


@dataclass(frozen=True, slots=True)
class Comb:
    """Rows at a fixed stride, and how far they lie below their neighbours."""

    rows: Ints
    depth: float
    z: float


def check(
    case: Case,
    *,
    shallowest: float = 0.1,
    dips: int = 3,
    z: float = 8.0,
    z_at_ends: float = 6.0,
    shared: float = 0.8,
    most_rows: int = 100_000,
) -> Result:
    """The train loss dips at a fixed stride: the last accumulation window of each epoch is only partly filled.

    What it checks: single rows of the train loss that lie below their neighbours by the same share, at the ends of
    epochs or at a fixed distance.

    Why it matters: the sum over the last micro-batches of an epoch was divided by the full accumulation. The dips are
    no progress, and the weights are updated with a gradient that is too small in that step.

    What to try: `drop_last=True`, a data size that is divisible by the accumulation, a release of the trainer that
    counts the micro-batches of the last window.

    How it decides: each row against the median of the three rows before and that of the three after, the lower of them,
    in log space. With epochs in the log the rows at their ends are tested (z below -`z_at_ends`, 6), otherwise every
    stride between two of the 48 lowest rows (z below -`z`, 8), z being the mean of the rows over its standard error
    from all others. There must be `dips` (3) or more, without epochs one more, `shallowest` (10 %) deep by their
    median, `shared` (80 %) of the rows at that stride must lie at half of it or lower, and of all others fewer than
    these, or than 5 % at the ends of epochs; no rows that stand out upwards. Only the first `most_rows`
    (100 000) rows are looked at. Source: Hugging Face transformers before 4.46 divides every micro-batch by the full
    accumulation; definition of this tool.

    Blind spots: an accumulation whose windows fill up at the end of the epoch; epochs of fewer than 4 rows, whose dips
    every second or third row look like an oscillation (L105); a batch of easy examples that comes back
    at the same place in every epoch looks the same.
    """
    if case.loss is None or not len(case.loss):
        return NotRun(CODE, "no training loss is logged")
    reason = unfit(case, case.loss)
    if reason:
        return NotRun(CODE, reason)
    if setting(case, "gradient_accumulation_steps") == 1:
        return NotRun(CODE, "gradients are not accumulated", applicable=False)
    c = curve(sound(case.loss))
    if len(c) < 8 * dips:
        return NotRun(CODE, f"inconclusive: {len(c)} finite points, {8 * dips} are needed")
    low = _below(c.u[:most_rows])
    starts = epoch_starts(c)
    least = -math.log1p(-shallowest)
    tried: list[tuple[Comb | None, float]] = []
    if starts is not None and starts.size >= dips:
        ends = starts[starts <= low.size] - 1
        tried = [(_comb(low, ends, z_at_ends), 0.05 * low.size)]
    # Of thousands of noisy rows some of the lowest lie at a stride by chance, among others as low.
    tried += [(_comb(low, rows, z), min(0.05 * low.size, rows.size)) for rows in _strides(low, dips + 1, least)]
    found = [comb for comb, strays in tried if comb is not None and _is_dip(low, comb, dips, least, shared, strays)]
    if not found:
        return Pass(CODE, "no dips at a fixed stride")
    best = max(found, key=lambda comb: comb.z)
    return _finding(case, c, best)


def _below(u: Floats) -> Floats:
    """How far each row lies below the medians of the rows before and after it, the nearer one; 0 at both ends."""
    below = np.zeros(u.size)
    inner = slice(NEIGHBOURS, u.size - NEIGHBOURS)
    a, b, c = u[:-2], u[1:-1], u[2:]
    middle = np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))
    below[inner] = np.minimum(middle[: -NEIGHBOURS - 1], middle[NEIGHBOURS + 1 :]) - u[inner]
    return below


def _strides(below: Floats, dips: int, least: float) -> list[Ints]:
    """Rows at the strides that occur most often between low rows; a stride has at least `dips` rows."""
    spread = MAD_TO_SD * median(np.abs(below - median(below)))
    low = np.argsort(-below)[:MOST_LOW]
    low = np.sort(low[below[low] > max(least / 2, 2 * spread)])
    first, second = pairs(low.size)
    apart = low[second] - low[first]
    apart = apart[(apart >= 4) & (apart <= below.size // dips)]
    strides, times = np.unique(apart, return_counts=True)
    tried: list[Ints] = []
    for stride in strides[np.argsort(-times, kind="stable")][:24].tolist():
        seen = np.bincount(low % stride)
        if seen.max() >= dips:
            tried.append(np.arange(int(seen.argmax()), below.size, stride))
    return tried


def _comb(below: Floats, rows: Ints, z_min: float) -> Comb | None:
    """The rows as a comb if they lie lower than chance has it; None otherwise."""
    rows = rows[(rows >= NEIGHBOURS) & (rows < below.size - NEIGHBOURS)]
    others = np.delete(below, rows)
    if rows.size < 2 or others.size < rows.size:
        return None
    spread = max(MIN_NOISE, MAD_TO_SD * median(np.abs(others - median(others))))
    score = float(below[rows].mean() - median(others)) / spread * math.sqrt(rows.size)
    return Comb(rows, median(below[rows]), score) if score > z_min else None


def _is_dip(below: Floats, comb: Comb, dips: int, least: float, shared: float, strays: float) -> bool:
    """Whether the rows are dips of one depth, and nearly the only ones of it."""
    here = below[comb.rows]
    if comb.rows.size < dips or comb.depth < least or float(np.mean(here > comb.depth / 2)) < shared:
        return False
    others = np.delete(below, comb.rows)
    even = MAD_TO_SD * median(np.abs(here - comb.depth))
    rough = MAD_TO_SD * median(np.abs(others))
    # What swings is as far above its neighbours in other rows as it is below them here (L105).
    swings = float(np.mean(others < -comb.depth / 2)) > 0.05
    stray = int(np.sum(others > comb.depth / 2))
    return even < max(3 * rough, 0.25 * comb.depth) and stray < strays and not swings


def _finding(case: Case, c: Curve, comb: Comb) -> Finding:
    first, last = int(comb.rows[0]), int(comb.rows[-1])
    stride = int(median(np.diff(comb.rows)))
    accumulation = setting(case, "gradient_accumulation_steps")
    share = math.exp(-comb.depth)
    filled = (
        f", as if {share * accumulation:.1f} of {accumulation:g} micro-batches were there" if accumulation > 1 else ""
    )
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric,),
        f"the loss dips by {percent(-comb.depth)} in one row of every {stride}, {comb.rows.size} times{filled}: the "
        "last accumulation window of an epoch is not full",
        REMEDY,
        c.step(first),
        c.step(last),
        tuple(evidence(case, c.series, i) for i in sorted({max(0, first - 1), first, last})),
        f"mean of the rows at this stride: {comb.z:.0f} standard errors below their neighbours",
    )


RULE = Rule(CODE, NAME, "warn", check)
