"""E102: generated sequences are far too short or far too long."""

from __future__ import annotations

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import Curve, curve, label, share_done
from trainvitals.diagnostics.pixels import present, quality_series
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median

CODE, NAME = "E102", "length-off"

ADVICE = {"short": "lower the weight of EOS in the token loss", "long": "raise the weight of EOS in the token loss"}

LENGTHS = ("target_length", "sequence_length", "true_length")
"""Hyperparameters that say how long a sequence is."""


def check(
    case: Case, *, short: float = 0.7, long: float = 1.5, points_needed: int = 4, progress_needed: float = 0.5
) -> Result:
    """The mean length of generated sequences is far from the true one.

    What it checks: the predicted length late in the run against the logged or configured true length, or the count of
    tokens that is typical for the loss type.

    Why it matters: a model that stops too early loses points, one that never stops adds wrong ones; every score that
    matches points one to one suffers, while the token loss may look fine.

    What to try: too short: lower the weight of EOS; too long: raise it.

    How it decides: the median of the last third of the predicted lengths is below `short` (0.7) or above `long` (1.5)
    times the true one, and so is every value of that third. At least `points_needed` (4) values and
    `progress_needed` (50 %) of the plan, where that is known. Source: field note of the EOS weight: 8 or 200 tokens
    against a true 17.

    Blind spots: a mean that is right while half of the sequences are too short and half too long.
    """
    series = quality_series(case, "pred_length")
    if series is None:
        return NotRun(CODE, "no predicted length is logged", applicable=False)
    c = curve(series)
    if len(c) < points_needed:
        return NotRun(CODE, f"inconclusive: {len(c)} predicted lengths of {points_needed} needed")
    true, origin = _true_length(case)
    if not true > 0:
        return NotRun(CODE, "the true length is neither logged nor configured, and the loss type has none")
    done = share_done(case, series)
    if done < progress_needed:
        return NotRun(CODE, f"inconclusive: {done:.0%} of the planned run".replace("%", " %"))
    late = c.series.value[-max(2, len(c) // 3) :]
    level = median(late)
    if short * true <= late.max() and late.min() <= long * true:
        return Pass(CODE, f"predicted length {level:.3g}, true length {true:.3g}")
    return _finding(case, c, level, true, origin, late.size)


def _true_length(case: Case) -> tuple[float, str]:
    """The true length and where it is known from; NaN where it is not."""
    logged = next((s for split in (*HELD_OUT, "train") if (s := case.get("target_length", split))), None)
    if logged is not None and (value := present(logged)) > 0:
        return value, f"{label(logged)} is logged"
    configured = case.number(*LENGTHS)
    if configured is not None:
        return configured, "from the configuration"
    weight = case.loss_type.weight
    counts = {name: n for name, n in weight.counts.items() if name != weight.weighted} if weight else {}
    return (float(sum(counts.values())), "usual for this loss type") if counts else (float("nan"), "")


def _finding(case: Case, c: Curve, level: float, true: float, origin: str, count: int) -> Finding:
    kind = "short" if level < true else "long"
    start = len(c) - count
    return Finding(
        CODE,
        NAME,
        "warn",
        (c.series.metric,),
        f"generated sequences are too {kind}: {level:.3g} tokens over the last third, {true:.3g} are true ({origin})",
        remedy(case, f"E102_{kind}", ADVICE[kind]),
        c.step(start),
        c.step(-1),
        tuple(evidence(case, c.series, i) for i in sorted({start, len(c) - 1})),
        f"{count} values, all {'below' if kind == 'short' else 'above'}; ratio {level / true:.2f}",
    )


RULE = Rule(CODE, NAME, "warn", check)
