"""S104: two series of one quantity are in different units."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.evaluations import MIXING
from trainvitals.diagnostics.ratio import Matched, across, half_unit, matched, recent
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import MAD_TO_SD, MEDIAN_SE, median
from trainvitals.parsers.model import Floats, Series, Split
from trainvitals.parsers.patterns import pattern

CODE, NAME = "S104", "unit-mismatch"

SPLITS: tuple[Split, ...] = ("train", *HELD_OUT)

PERCENT = pattern(
    r"(^|[_/.])(acc|accuracy|top_?[15]|acc1|acc5|precision|recall|f1|iou|miou|map|token_acc|pck)($|[_/.@])"
)
"""Metrics that are fractions or percentages."""

UNIT_WORDS = pattern(r"(?<![a-z])(bpc|bpb|bits?|nats?)(?![a-z])", re.IGNORECASE)
"""Words in a name that say the unit."""


def check(
    case: Case,
    *,
    tolerance: float = 0.02,
    unexplained: float = 0.1,
    constant: float = 0.1,
    pairs_needed: int = 8,
    varied: float = 0.2,
) -> Result:
    """Two series of the same quantity are in different units.

    What it checks: perplexity against exp(loss); the loss of two splits for a factor of 1/ln 2 = 1.4427 (bits against
    nats) or an exponential between them; accuracies of two splits for a factor of 100 (percent).

    Why it matters: train and validation can then not be compared, and a perplexity that is none is compared with
    published ones.

    What to try: log both in nats (or both in bits), both as fractions, and the perplexity as exp of the unweighted mean
    cross-entropy.

    How it decides: the median of ln(perplexity) - loss over matched points, within `tolerance` (0.02), rounding of the
    printed digits and what averaging adds. fairseq logs bits, and 2**loss is right there. Otherwise it looks for a
    unit: 2**loss, the loss itself, exp of the loss of another series, exp of a fixed multiple of the loss (ten times
    closer than a fixed difference, over a loss that changes by `varied`, 20 %). Without one it speaks beyond
    `unexplained` (0.1) unless the difference is constant (scatter below `constant`, 10 % of it), as with label
    smoothing or an auxiliary loss. Between splits it asks for `pairs_needed` (8) matched evaluations over which the
    loss changes by `varied` (20 %) while the ratio is within 3 standard errors (0.6 % at the most) of 1.4427 and labels
    are not mixed, or for names that say the unit. Source: definitions of the units; real logs with constant ratios of
    1.6, 2.3 or 0.24 for other reasons are why a ratio alone is no evidence. Perplexity is exp of the unweighted mean:
    exp(weighted loss) is labelled as such and not called a perplexity.

    Blind spots: a perplexity that is a mean of exponentials over an epoch is above exp of the mean; two losses in the
    same wrong unit.
    """
    results = [*_perplexities(case, tolerance, unexplained, constant, varied)]
    results += [_between_splits(case, pairs_needed, varied), _percentages(case)]
    found = tuple(r for r in results if isinstance(r, Finding))
    passes = [r.summary for r in results if isinstance(r, Pass)]
    reasons = [r.reason for r in results if isinstance(r, NotRun) and r.reason]
    if found:
        return found
    if passes:
        return Pass(CODE, "; ".join(passes))
    absent = "no perplexity, and no metric of two splits that could differ in unit"
    return NotRun(CODE, "; ".join(reasons) or absent, applicable=bool(reasons))


def _perplexities(
    case: Case, tolerance: float, unexplained: float, constant: float, varied: float
) -> Iterator[Finding | Pass | NotRun]:
    for split in SPLITS:
        perplexity = case.get("perplexity", split)
        loss = case.get("nll_loss", split) or case.get("loss", split)
        if perplexity is not None and loss is not None:
            yield _perplexity(case, perplexity, loss, tolerance, unexplained, constant, varied)


def _perplexity(
    case: Case,
    perplexity: Series,
    loss: Series,
    tolerance: float,
    unexplained: float,
    constant: float,
    varied: float,
) -> Finding | Pass | NotRun:
    points = matched(perplexity, loss)
    points = points.take(points.values[0] > 0)
    if not len(points):
        return NotRun(CODE, f"{perplexity.logged_as} and {loss.logged_as} share no step")
    said, nats = np.log(points.values[0]), points.values[1]
    rounding = median(half_unit(points.values[0]) / points.values[0]) + half_unit(nats)
    off = said - nats
    middle = median(off)
    # A mean of exponentials is above the exponential of the mean, by half the variance of the loss within the window.
    if -tolerance - rounding <= middle <= 2.5 * tolerance + rounding:
        return Pass(CODE, f"{perplexity.logged_as} is {_label(case, loss)}")
    bits = loss.metric == "nll_loss" or case.nats(loss) < 1
    if bits and abs(median(said - nats * math.log(2))) <= tolerance + rounding:
        return Pass(CODE, f"{perplexity.logged_as} is 2**{loss.logged_as}: that loss is in bits")
    plain = _unweighted(case, perplexity.split, points, said, tolerance + rounding)
    if plain:
        return Pass(CODE, f"{perplexity.logged_as} is {plain}")
    unit = _explained(case, perplexity, loss, points, tolerance + rounding) or _multiple(loss, said, nats, varied)
    spread = median(np.abs(off - middle))
    if not unit and abs(middle) <= unexplained:
        return Pass(
            CODE, f"{perplexity.logged_as} is within {abs(middle):.0%} of exp({loss.logged_as})".replace("%", " %")
        )
    if not unit and (
        loss.metric == "nll_loss" or _smoothed(case) or (off.size >= 5 and spread < constant * abs(middle))
    ):
        reason = f"inconclusive: {perplexity.logged_as} differs from exp({loss.logged_as}) by a constant factor"
        return NotRun(CODE, reason + ", as with label smoothing or an auxiliary loss")
    now, value = math.exp(min(nats[-1], 700)), points.values[0, -1]
    text = f"{perplexity.logged_as} is {value:.5g} where exp({loss.logged_as}) is {now:.5g}"
    text += f": it is {unit}" if unit else ""
    advice = "log exp of the mean cross-entropy in nats"
    return _finding(case, (perplexity, loss), points, text, advice, f"median of ln(perplexity) - loss {middle:+.3f}")


def _label(case: Case, loss: Series) -> str:
    if case.loss_type.shares and case.loss_type.shares[0].total == loss.metric:
        return f"exp({loss.logged_as}), of the logged total: a perplexity only if that total is the unweighted mean"
    return f"exp({loss.logged_as})"


def _unweighted(case: Case, split: Split, points: Matched, said: Floats, tolerance: float) -> str:
    """Whether a perplexity is that of the unweighted mean of a class and the rest, for a known share of the class."""
    for known in case.loss_type.shares:
        part, rest = case.get(known.part, split), case.get(known.rest, split)
        if part is None or rest is None:
            continue
        steps = {float(s): (p, r) for s, p, r in zip(*_three(part, rest), strict=True)}
        both = [(value, *steps[s]) for s, value in zip(points.step.tolist(), said.tolist(), strict=True) if s in steps]
        if not both:
            continue
        value, a, o = np.array(both).T
        ends = np.sort([known.low * a + (1 - known.low) * o, known.high * a + (1 - known.high) * o], axis=0)
        if median(np.maximum(ends[0] - value, value - ends[1])) <= tolerance:
            return "exp of the unweighted mean of both classes"
    return ""


def _three(part: Series, rest: Series) -> tuple[list[float], list[float], list[float]]:
    found = matched(part, rest)
    return found.step.tolist(), found.values[0].tolist(), found.values[1].tolist()


def _explained(case: Case, perplexity: Series, loss: Series, points: Matched, tolerance: float) -> str:
    """The unit that explains a perplexity, in words; empty where none does."""
    said, nats = np.log(points.values[0]), points.values[1]
    tries = [
        (said - nats * math.log(2), f"2**{loss.logged_as}, right only if that loss is in bits"),
        (said - nats / math.log(2), f"exp({loss.logged_as} / ln 2)"),
        (points.values[0] - nats, "the loss itself, without an exponential"),
        (said - np.log(100) - nats, "100 times too large"),
    ]
    steps = case.number("gradient_accumulation_steps")
    if steps and steps > 1:
        tries.append(
            (said - nats / steps, f"exp({loss.logged_as} / {steps:g}): the loss is summed over the accumulation")
        )
    for split in SPLITS:
        other = case.get("loss", split)
        if other is not None and split != perplexity.split:
            shared = matched(perplexity, other)
            values = np.log(shared.values[0][shared.values[0] > 0]) - shared.values[1][shared.values[0] > 0]
            tries.append((values, f"exp of the {split} loss"))
    fits = (text for off, text in tries if off.size and abs(median(off)) <= tolerance)
    return next(fits, "")


def _multiple(loss: Series, said: Floats, nats: Floats, varied: float) -> str:
    """`exp of 1.25 times the loss`, where a multiple explains a log perplexity and no difference does; else empty."""
    if said.size < 5 or nats.min() <= 0 or np.ptp(np.log(nats)) < varied:
        return ""
    by, shift = median(said / nats), median(said - nats)
    left, other = (median(np.abs(rest)) for rest in (said - by * nats, said - nats - shift))
    return f"exp of {by:.4g} times {loss.logged_as} at all steps" if 10 * left < other else ""


def _smoothed(case: Case) -> bool:
    return bool(case.number("label_smoothing_factor") or case.get("aux_loss"))


def _between_splits(case: Case, pairs_needed: int, varied: float) -> Finding | Pass | NotRun:
    train = case.get("loss")
    held_out = next((s for split in HELD_OUT if (s := case.get("loss", split)) is not None), None)
    if train is None or held_out is None:
        return NotRun(CODE, "")
    points = across(train, held_out)
    points = points.take(np.flatnonzero(np.all(points.values > 0, axis=0)))
    if len(points) < 2:
        return NotRun(CODE, "")
    a, b = points.values
    logs = np.log(a / b)
    middle = median(logs)
    spread = median(np.abs(logs - middle))
    units = [set(map(str.lower, UNIT_WORDS.findall(s.logged_as))) for s in (train, held_out)]
    named = bool(units[0]) and bool(units[1]) and _is_bits(units[0]) != _is_bits(units[1])
    bits = math.log(1 / math.log(2))
    # A ratio that happens to be near would be as near in one healthy run of fifty: it must be as exact as its noise.
    exact = min(0.006, max(0.0015, 3 * MEDIAN_SE * MAD_TO_SD * spread / math.sqrt(len(points))))
    steady = len(points) >= pairs_needed and spread <= 0.01 and np.ptp(np.log(b)) >= varied and not _mixed(case)
    if named or (abs(abs(middle) - bits) <= exact and steady):
        higher, lower = (train, held_out) if middle > 0 else (held_out, train)
        text = f"{higher.logged_as} ({higher.split}) is {math.exp(abs(middle)):.4f} times "
        text += (
            f"{lower.logged_as} ({lower.split}) at all levels: 1/ln 2 is 1.4427, one is in bits and the other in nats"
        )
        return _finding(case, (train, held_out), points, text, "log both in the same unit", f"{len(points)} pairs")
    if len(points) >= pairs_needed and abs(median(np.log(b) - a)) <= 0.02 and abs(middle) > 0.1:
        text = f"{held_out.logged_as} ({held_out.split}) is exp of {train.logged_as} ({train.split})"
        return _finding(case, (train, held_out), points, text, "log both as losses", f"{len(points)} pairs")
    return (
        Pass(CODE, "train and held-out loss are in the same unit") if len(points) >= pairs_needed else NotRun(CODE, "")
    )


def _mixed(case: Case) -> bool:
    """Whether labels are mixed or smoothed in training, which puts its loss a factor above that of validation."""
    return any((case.number(name) or 0) > 0 for name in (*MIXING, "label_smoothing_factor"))


def _is_bits(words: set[str]) -> bool:
    return not words & {"nat", "nats"}


def _percentages(case: Case) -> Finding | Pass | NotRun:
    seen = False
    for one in case.run.series:
        if one.split != "train" or not PERCENT.search(one.metric):
            continue
        other = next((s for split in HELD_OUT if (s := case.get(one.metric, split)) is not None), None)
        pair = [s.value[np.isfinite(s.value)] for s in (one, other) if s is not None]
        if len(pair) < 2 or min(p.size for p in pair) < 2:
            continue
        seen = True
        small, large = sorted(pair, key=lambda v: float(v.max()))
        factor = recent(large) / recent(small) if recent(small) > 0 else 0.0
        if 0.05 < small.max() <= 1 and 1.5 < large.max() <= 100 and 40 <= factor <= 250:
            assert other is not None
            points = across(one, other)
            text = f"{one.logged_as} and {other.logged_as} differ by a factor of {factor:.0f}: fraction against percent"
            return _finding(case, (one, other), points, text, "log both as fractions", "last values of both")
    return Pass(CODE, "accuracies are in the same unit") if seen else NotRun(CODE, "")


def _finding(
    case: Case, series: tuple[Series, Series], points: Matched, message: str, remedy: str, how: str
) -> Finding:
    index = [int(i) for i in points.index[:, -1]] if len(points) else [len(s) - 1 for s in series]
    start, end = (float(points.step[i]) for i in (0, -1)) if len(points) else (math.nan, math.nan)
    cited = tuple(evidence(case, s, i) for s, i in zip(series, index, strict=True))
    metrics = tuple(dict.fromkeys(s.metric for s in series))
    return Finding(CODE, NAME, "warn", metrics, message, remedy, start, end, cited, how)


RULE = Rule(CODE, NAME, "warn", check)
