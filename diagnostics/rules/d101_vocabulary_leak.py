"""D101: probability leaves the coordinate vocabulary."""

from __future__ import annotations

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import Curve, curve
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import blocks, local_noise, mann_kendall, remembers
from trainvitals.parsers.model import Split

CODE, NAME = "D101", "vocabulary-leak"

ADVICE = "raise gate_weight; never drop the gate"

FEWEST = 7
"""With fewer blocks not even a strict order has a Mann-Kendall z of 3."""

SIGNALS = (("coord_vocab_mass", -1), ("gate", 1))
"""Metrics that tell leakage, and the sign of the change that is bad."""


def check(
    case: Case, *, mass_loss: float = 0.005, gate_rise: float = 0.2, gate_least: float = 0.002, z: float = 3.0
) -> Result:
    """Probability mass leaks out of the coordinate vocabulary.

    What it checks: whether the mass inside the coordinate slice trends down, or the gate, which is its penalty, up.

    Why it matters: mass on other tokens is lost for every coordinate; decoding then emits text where numbers should be.

    What to try: raise gate_weight; never drop the gate.

    How it decides: Mann-Kendall on near-independent blocks, at least 7 as fewer cannot reach `z` (3), over the whole
    run and over its second half, and an effect: the mass fell by at least `mass_loss` (0.005) from its first to its
    last block, or the gate rose by `gate_rise` (20 %) and `gate_least` (0.002). Held-out data go first, training data
    where they are too few or hold. Source: audit of a run whose gate rose and whose mass fell a little, worth watching.

    Blind spots: a leak from the first step on; a log that holds only the weighted gate.
    """
    logged = any(s.metric in dict(SIGNALS) for s in case.run.series)
    findings: list[Finding] = []
    seen: list[str] = []
    reasons: list[str] = []
    for metric, bad in SIGNALS:
        curves = _curves(case, metric)
        leaks = (_leak(case, c, bad, mass_loss, gate_rise, gate_least, z) for c in curves)
        if not curves:
            reasons.append(_absent(case, metric))
        elif found := next((leak for leak in leaks if leak), None):
            findings.append(found)
        else:
            seen.append(f"{metric} holds")
    if findings:
        return tuple(findings[:1])
    return Pass(CODE, ", ".join(seen)) if seen else NotRun(CODE, "; ".join(reasons), logged)


def _curves(case: Case, metric: str) -> list[Curve]:
    """The curves with enough independent blocks, held-out data first; the half of a short one has too few."""
    order: tuple[Split, ...] = (*HELD_OUT, "train")
    found = [c for split in order if (s := case.get(metric, split)) is not None and len(c := curve(s))]
    return [c for c in found if c.blocks(FEWEST) >= FEWEST]


def _absent(case: Case, metric: str) -> str:
    logged = any(s.metric == metric and len(s) for s in case.run.series)
    return f"inconclusive: too few points of {metric}" if logged else f"no {metric} is logged"


def _leak(
    case: Case, c: Curve, bad: int, mass_loss: float, gate_rise: float, gate_least: float, z: float
) -> Finding | None:
    for start in (0, len(c) // 2):
        x, u, values = c.x[start:], c.u[start:], c.series.value[start:]
        count = c.blocks(FEWEST) // (2 if start else 1)
        if count < FEWEST:
            continue
        cut = blocks(x, u, count)
        means = blocks(x, values, count).u
        first, last = float(means[0]), float(means[-1])
        enough = first - last >= mass_loss if bad < 0 else last - first >= max(gate_rise * abs(first), gate_least)
        strength = mann_kendall(cut.u)
        if enough and bad * strength >= z and not remembers(u, local_noise(u)):
            return _finding(case, c, start, first, last, strength, count)
    return None


def _finding(case: Case, c: Curve, start: int, first: float, last: float, strength: float, count: int) -> Finding:
    series = c.series
    word = "fell" if last < first else "rose"
    ends = sorted({start, len(series) - 1})
    return Finding(
        CODE,
        NAME,
        "warn",
        (series.metric,),
        f"{series.logged_as} {word} from {first:.4g} to {last:.4g}: probability leaves the coordinate vocabulary",
        remedy(case, "D101", ADVICE),
        float(series.step[start]),
        float(series.step[-1]),
        tuple(evidence(case, series, i) for i in ends),
        f"Mann-Kendall z {strength:+.1f} over {count} blocks",
    )


RULE = Rule(CODE, NAME, "warn", check)
