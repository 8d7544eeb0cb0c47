"""S102: from one row to the next a loss is logged in another unit."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import Curve, curve, label, other_aim, quantum, sound
from trainvitals.diagnostics.jumps import Step, steps
from trainvitals.diagnostics.ratio import matched
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median, noise
from trainvitals.parsers.model import Floats, Series

CODE, NAME = "S102", "scale-change"

REMEDY = (
    "compare gradient_accumulation_steps, the number of processes, the reduction of the loss and the versions before "
    "and after this step; divide the later rows by the factor before comparing, and look at the learning rate again, "
    "as the gradient usually changes by the same factor"
)

FACTORS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 100, 128, 256, 512, 1000, 1024)
"""Factors that a change of accumulation, processes, batch, reduction or unit leaves; beyond, sums and means of rows."""

BOUNDARIES = (1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4)
"""Shares of a run at which an epoch of a short run ends."""


WANDER = 4.5
"""Standard deviations of the noise, measured over windows of 25 rows and more, that a jump must exceed: noise with a
memory of some rows moves by as much as three from one stretch of 16 rows to the next."""


STAYS = 0.7
"""Share of a jump by which the median of the rows after it must lie beyond that of the rows before it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A jump of a level, the factor that it stands for, and who else saw it."""

    step: Step
    factor: float
    witness: str


def check(
    case: Case,
    *,
    smallest: float = 1.8,
    exact: float = 0.03,
    errors: float = 8.0,
    rows: int = 8,
    lasting: float = 0.1,
    steady: float = 2.5,
) -> Result:
    """The level of a loss jumps by a constant factor between two rows and stays there: its unit has changed.

    What it checks: the train loss and the held-out loss for a jump by 2, 3, 4, 5, 6, 8 ... or one over it, after which
    the curve goes on as before, at the other level and with the same relative noise.

    Why it matters: nothing happened to the model, but every comparison across the jump is wrong. Usually the
    accumulation, the number of processes or the reduction (mean or sum) was changed at a resume, and the effective
    learning rate with it. It is not a divergence, and not a sudden success.

    What to try: compare the settings before and after; log a mean over the batch; divide the later rows by the factor.

    How it decides: in log space. Windows of 8, 32 and 128 rows find the place; the jump is the gap between the lines
    through the rows before and after it. It must be a factor of `smallest` (1.8) or more, `errors` (8) standard errors
    and 4.5 times the noise of the curve, be complete within 2 rows, keep the noise of a row within a factor of `steady`
    (2.5), have `rows` (8) rows on each side and last to the end of the log or for `lasting` (10 %) of it. The factor
    must be within `exact` (3 %) of a whole one (or of one over it), or the held-out loss must go on unmoved at the same
    step; a held-out loss that moves as well must move by the same whole factor, and a rise back to the first losses or
    above without a held-out loss must be by a power of two within 3 %, or by another whole factor within 1 % to a level
    that is not that of the first losses: else it is left to L103. Where every row has a held-out loss, the quotient of
    both is looked at as well, from which a fall that both share is gone. A fall by less than 3 needs a witness, the
    held-out loss or a gradient norm that falls by the same factor, where it could be the end of an epoch, and several
    falls are no change of unit. Source: definition of this tool.

    Blind spots: a change in the first or last 8 rows; factors below 1.8, as from bits to nats, without a held-out loss
    beside it; two units that alternate (see B102); a broken model whose loss happens to land on a whole multiple.
    """
    reason = other_aim(case)
    if reason:
        return NotRun(CODE, reason)
    judged = [s for s in (case.loss, case.validation) if s is not None and len(s)]
    if not judged:
        return NotRun(CODE, "no loss is logged")
    curves = [c for s in judged if (c := _one_sign(s)) is not None and len(c) >= 2 * rows]
    if not curves:
        return NotRun(CODE, f"inconclusive: no loss of one sign has {2 * rows} finite points")
    found = [(c, m) for c in curves for m in _changes(case, c, smallest, exact, errors, rows, lasting, steady)]
    if not found and case.loss is not None:
        limits = smallest, exact, errors, rows, lasting, steady
        found = [(c, m) for c in curves if c.series.split == "train" for m in _beside_held_out(case, c, *limits)]
    if found:
        return _finding(case, *found[0], [m for c, m in found[1:] if c is found[0][0]])
    return Pass(CODE, f"the level of {' and '.join(label(c.series) for c in curves)} never jumps by a factor")


def _one_sign(series: Series) -> Curve | None:
    """The curve of a loss whose values are all positive, or all negative and then mirrored."""
    finite = series.value[np.isfinite(series.value)]
    if finite.size and finite.max() < 0:
        return curve(replace(series, value=-series.value))
    return curve(sound(series)) if finite.size and finite.min() >= 0 < finite.max() else None


def _changes(
    case: Case, c: Curve, smallest: float, exact: float, errors: float, rows: int, lasting: float, steady: float
) -> list[Change]:
    jumps = [s for s in steps(c.u, smallest=math.log(smallest)) if rows <= s.index <= len(c) - rows]
    jumps = [s for s in jumps if abs(s.size) > WANDER * _wander(c, s) and not _rounded(c, s)]
    jumps = [s for s in jumps if not _next_to_nothing(c, s) or _unmoved(_validation_moved(case, c, s), s)]
    sharp = [s for s in jumps if _sharp(c.u, s, errors, steady)]
    # Epochs of a memorised set fall one like the other.
    if len(sharp) > 3 or sum(s.size < 0 for s in jumps) > 1:
        return []
    lasts = [s for s in sharp if _lasts(c.u, s, sharp, lasting)]
    return [m for s in lasts if (m := _named(case, c, s, exact)) is not None]


def _wander(c: Curve, s: Step) -> float:
    """Noise over windows of many rows; the noise of a row, and more, where these windows hold the jump itself."""
    return c.noise.sd if len(c) >= 64 else min(c.noise.sd, 3 * max(s.before, s.after))


def _beside_held_out(
    case: Case, c: Curve, smallest: float, exact: float, errors: float, rows: int, lasting: float, steady: float
) -> list[Change]:
    """Jumps of the train loss over the held-out loss, where every row has both: the fall that both share is gone."""
    if case.loss is None or case.validation is None:
        return []
    both = matched(c.series, case.validation)
    if len(both) != len(c) or len(c) != len(c.series) or not (both.values > 0).all():
        return []
    over = curve(replace(c.series, value=both.values[0] / both.values[1]))
    found = _changes(case, over, smallest, exact, errors, rows, lasting, steady)
    return [m for m in found if _whole(m.factor, exact)]


def _sharp(u: Floats, s: Step, errors: float, steady: float) -> bool:
    """Whether a jump is complete from one row to the next but one, beyond chance, and leaves the noise as it was."""
    k, spread = s.index, max(s.before, s.after)
    at_once = median(u[k + 1 : k + 4]) - median(u[k - 4 : k - 1])
    near = abs(at_once - s.size) <= max(0.25 * abs(s.size), 2.5 * spread)
    rough = noise(np.concatenate([u[max(0, k - 64) : k], u[k + 1 : k + 64] - s.size]))
    sudden = abs(u[k + 1] - u[k - 1]) >= max(0.5 * abs(s.size), 1.5 * rough)
    alike = s.before <= steady * s.after + 0.01 and s.after <= steady * s.before + 0.01
    return near and sudden and alike and abs(s.size) > errors * s.error


def _rounded(c: Curve, s: Step) -> bool:
    """Whether one of the two levels is a few units of the last decimal that the log keeps."""
    values = np.abs(c.series.value)
    return float(values[max(0, s.index - 8) : s.index + 8].min()) < 50 * quantum(values)


def _next_to_nothing(c: Curve, s: Step) -> bool:
    values = np.abs(c.series.value)
    return float(values[max(0, s.index - 8) : s.index + 8].max()) < 0.01 * median(values[:8])


def _unmoved(moved: float | None, s: Step) -> bool:
    """Whether the held-out loss, which moved by so much, goes on where the train loss jumps."""
    return moved is not None and abs(moved) < 0.35 * abs(s.size)


def _lasts(u: Floats, s: Step, others: list[Step], lasting: float) -> bool:
    """Whether the new level stays to the end, or for long before a jump back."""
    n, k = u.size, s.index
    span = min(k, n - k, max(16, int(lasting * n)))
    if (median(u[k : k + span]) - median(u[k - span : k])) / s.size < STAYS:
        return False
    back = next((o.index for o in others if o.index > s.index and o.size * s.size < 0), n)
    before = next((o.index for o in reversed(others) if o.index < s.index and o.size * s.size < 0), 0)
    return back - s.index >= (lasting * n if back < n else 0) and (s.index - before >= lasting * n or not before)


def _named(case: Case, c: Curve, s: Step, exact: float) -> Change | None:
    factor = math.exp(s.size)
    whole = _whole(factor, max(exact, min(2 * exact, 2.5 * s.error)))
    moved = _validation_moved(case, c, s)
    unmoved = _unmoved(moved, s)
    if not whole and not unmoved:
        return None
    # A model that breaks through, or breaks down, takes the held-out loss along, but hardly by the same whole factor.
    if moved is not None and not unmoved and (s.error > 0.02 or abs(moved - s.size) > exact):
        return None
    witness = "the held-out loss goes on unmoved" if unmoved else _same_in_gradient(case, c, s)
    if factor > 1 and moved is None and _back_at_the_start(c, s) and not _surely(c, whole, s, exact):
        return None
    if factor > 1 / 3 and factor < 1 and not witness and _at_epoch_end(c, s.index):
        return None
    return Change(s, whole or factor, witness)


def _whole(factor: float, tolerance: float) -> float:
    """The whole factor, or one over it, that this is within the tolerance; 0 for none."""
    large = max(factor, 1 / factor)
    near = min((*FACTORS, max(1, round(large))) if large > 1024 else FACTORS, key=lambda k: abs(math.log(large / k)))
    if abs(math.log(large / near)) > tolerance:
        return 0.0
    return float(near) if factor > 1 else 1.0 / near


def _surely(c: Curve, whole: float, s: Step, exact: float) -> bool:
    """Whether a rise is that of a multiplied unit beyond chance: by any whole factor, or nearly by a power of two."""
    off = abs(s.size - math.log(whole))
    if math.log2(whole).is_integer() and off <= max(exact, 2 * s.error) and s.error <= 0.04:
        return True
    # A model that guesses again ends at the first losses.
    elsewhere = abs(_above_start(c, s)) > 0.07
    return elsewhere and off <= max(exact / 3, s.error) and s.error <= exact / 2


def _back_at_the_start(c: Curve, s: Step) -> bool:
    """Whether a rise ends near the first losses or above them, as that of a model which breaks down does."""
    return _above_start(c, s) > math.log(0.7)


def _above_start(c: Curve, s: Step) -> float:
    return median(c.u[s.index : s.index + 8]) - median(c.u[:5])


def _validation_moved(case: Case, c: Curve, s: Step) -> float | None:
    """By how much, in ln units, the held-out loss moves where the train loss jumps; None where it does not tell."""
    held_out = case.validation
    if held_out is None or c.series.split != "train" or c.x.size != c.series.step.size:
        return None
    good = held_out.take(np.isfinite(held_out.value) & np.isfinite(held_out.step) & (held_out.value > 0))
    at = c.step(s.index)
    before, after = good.value[good.step < at][-3:], good.value[good.step > at][:3]
    if at != at or not before.size or not after.size:
        return None
    return math.log(median(after) / median(before))


def _same_in_gradient(case: Case, c: Curve, s: Step) -> str:
    """Words for a gradient norm that jumps by the same factor at the same step."""
    norm = case.get("grad_norm")
    at = c.step(s.index)
    if norm is None or at != at or unfit_norm(norm):
        return ""
    before, after = norm.value[norm.step < at][-32:], norm.value[norm.step > at][:32]
    if min(before.size, after.size) < 4:
        return ""
    moved = math.log(median(after) / median(before))
    return "the gradient norm jumps with it" if abs(moved - s.size) < 0.2 * abs(s.size) else ""


def unfit_norm(norm: Series) -> bool:
    """Whether a gradient norm has values of which no ratio can be formed."""
    return not (np.isfinite(norm.value).all() and (norm.value > 0).all())


def _at_epoch_end(c: Curve, index: int) -> bool:
    """Whether an epoch ends near this row, or could where the log does not count epochs."""
    epoch = c.series.epoch
    near = slice(max(0, index - 3), index + 3)
    if np.isfinite(epoch[near]).all():
        return bool(np.floor(epoch[near][-1]) > np.floor(epoch[near][0]))
    return any(abs(index / len(c) - share) < 0.01 for share in BOUNDARIES)


def _finding(case: Case, c: Curve, change: Change, more: list[Change]) -> Finding:
    s, at = change.step, change.step.index
    near = 16
    before, after = (math.exp(median(part)) for part in (c.u[max(0, at - near) : at], c.u[at : at + near]))
    name = f"x{change.factor:.4g}" if change.factor > 1 else f"1/{1 / change.factor:.4g}"
    seen = f"; {change.witness}" if change.witness else ""
    again = f"; it jumps {len(more)} times more" if len(more) > 1 else "; it jumps once more" if more else ""
    return Finding(
        CODE,
        NAME,
        "fail",
        (c.series.metric,),
        f"{label(c.series)} jumps from {before:.4g} to {after:.4g} between two rows ({name}) and goes on as before: "
        f"its unit has changed, not the model{seen}{again}",
        REMEDY,
        c.step(at),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in (at - 1, at, len(c) - 1)),
        f"factor {math.exp(s.size):.4g}, {abs(s.size) / s.error:.0f} standard errors; noise of a row "
        f"{s.before:.1%} before, {s.after:.1%} after".replace("%", " %"),
    )


RULE = Rule(CODE, NAME, "fail", check)
