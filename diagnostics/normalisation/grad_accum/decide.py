"""Whether a training loss is logged times its gradient accumulation: order of the questions and what each answer takes.

The thresholds were set on 226 logs of runs whose true factor is known and checked on 64 more; a factor needs the ratio
of train to eval loss at matched steps, a known accumulation, and for small factors a second witness. What the evidence
leaves open is answered with `undetermined`.
"""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.normalisation.grad_accum import words
from trainvitals.diagnostics.normalisation.grad_accum.candidates import (
    Match,
    best_match,
    factors,
    start_agrees,
    with_true_eval,
)
from trainvitals.diagnostics.normalisation.grad_accum.pairs import Comparison
from trainvitals.diagnostics.normalisation.grad_accum.settings import Settings
from trainvitals.diagnostics.normalisation.grad_accum.verdict import Verdict
from trainvitals.diagnostics.normalisation.grad_accum.witnesses import LOOSE, TIGHT, Witnesses
from trainvitals.parsers.model import Floats

NEAR_ONE, NEAR_ONE_EARLY = 0.35, 0.6
"""Octaves around a ratio of 1 that running means, dropout and ordinary evals explain (measured: up to x1.42 early)."""

TOWARDS_ONE = 0.35
"""A flat ratio within this share of the octaves from 1 to K has another cause (seen: x1.6 at K = 8)."""

LARGE = 1.9
"""log2 of the smallest factor that a ratio alone may prove: 4. Train and eval differ by 2 or 3 for other reasons."""

ENOUGH_PAIRS = 3

SUSPECT_WITHIN, SUSPECT_SPREAD, SUSPECT_PAIRS, SUSPECT_OCTAVES = 0.13, 0.3, 4, 10
"""Without a known accumulation: how near to a power of two, how flat, over how many pairs, 1024 times at most."""

STEADY_WINDOW, STEADY = 4, 0.6

EITHER = "but an eval loss that is too large would look the same"

PLAIN_SPREAD = 0.35
"""Octaves over which a ratio may scatter that is called 1/K although nothing tells which of the losses is off."""


def decide(settings: Settings, comparison: Comparison | None, witnesses: Witnesses, loss: Floats) -> Verdict:
    """The verdict on a positive training loss of shape `(n,)`."""
    candidates = factors(settings)
    if comparison is None:
        return _without_eval(settings, witnesses, candidates)
    if near_one(comparison):
        return _near_one(settings, comparison, witnesses, candidates)
    if not candidates:
        return _unknown(settings, comparison)
    if comparison.additive and not witnesses.too_large and math.log2(max(candidates)) >= LARGE:
        return Verdict("unscaled", words.join(words.ratio(comparison), "by a constant difference, not by a factor"))
    comparison, eval_factor = with_true_eval(comparison, settings, witnesses)
    match = best_match(comparison, candidates)
    if match is None:
        return _no_match(settings, comparison, witnesses, candidates)
    doubt = _doubt(settings, comparison, witnesses, match, loss, eval_factor)
    if doubt == EITHER and _plainly(comparison, match, settings):
        return _named(settings, comparison, match.factor)
    if doubt:
        settled = _by_witness(settings, witnesses, candidates, comparison)
        return settled or _undetermined(settings, comparison, match.factor, doubt)
    return _scaled(settings, witnesses, match.factor, comparison, eval_factor)


def near_one(comparison: Comparison) -> bool:
    """Train and eval loss lie on one scale."""
    return abs(comparison.level) < NEAR_ONE and abs(comparison.early) < NEAR_ONE_EARLY


def _near_one(s: Settings, c: Comparison, w: Witnesses, candidates: tuple[float, ...]) -> Verdict:
    supported = next((v for v in candidates if v > 1 and _absolute(w, v, loose=False)), None)
    if supported is None or not w.too_large:
        return Verdict("unscaled", words.ratio(c))
    return _undetermined(s, c, supported, "but both are too large for such a model")


def _unknown(s: Settings, c: Comparison) -> Verdict:
    """K is in no file: at most a suspicion, and only of logs whose trainer is known for it."""
    nearest = round(c.level)
    suspicious = (
        s.family
        and 2 <= abs(nearest) <= SUSPECT_OCTAVES
        and abs(c.level - nearest) <= SUSPECT_WITHIN
        and c.spread <= SUSPECT_SPREAD
        and c.pairs >= SUSPECT_PAIRS
        and not c.additive
        and start_agrees(c, 2.0**nearest)
    )
    if not suspicious:
        return Verdict("silent", words.join(words.accumulation(s), words.ratio(c)))
    reason = words.join(words.ratio(c), words.accumulation(s), words.opinion(s))
    return Verdict("suspected", reason, 2.0**nearest)


def _without_eval(s: Settings, w: Witnesses, candidates: tuple[float, ...]) -> Verdict:
    """No eval loss: only what the loss cannot be on its own."""
    settled = _by_witness(s, w, candidates, None)
    if settled:
        return settled
    excluded = bool(candidates) and all(w.accuracy_excludes(v) for v in candidates)
    if excluded and not w.accuracy_excludes(1.0):
        return Verdict("unscaled", "its token accuracy allows the train loss only as logged")
    return Verdict("silent", "there is no eval loss at the steps of the train loss to compare it with")


def _no_match(s: Settings, c: Comparison, w: Witnesses, candidates: tuple[float, ...]) -> Verdict:
    settled = _by_witness(s, w, candidates, c)
    if settled:
        return settled
    octaves = math.log2(max(candidates))
    if not w.too_large:
        if abs(c.early) <= TOWARDS_ONE * octaves and c.start < octaves / 2:
            return Verdict("unscaled", words.join(words.ratio(c), "it starts at one scale and drifts with training"))
        if abs(c.level) <= TOWARDS_ONE * octaves and c.spread <= STEADY:
            return Verdict("unscaled", words.join(words.ratio(c), "far from " + words.accumulation(s)))
    return _undetermined(s, c, 1.0, "which is neither 1 nor that factor")


def _doubt(s: Settings, c: Comparison, w: Witnesses, m: Match, loss: Floats, eval_factor: int) -> str:
    """Why a ratio that fits a factor does not prove it; empty if it does."""
    absolute = _absolute(w, m.factor, loose=True)
    if not start_agrees(c, m.factor):
        return "but the loss did not start at that scale, as with memorised data"
    if w.accuracy_excludes(m.factor):
        return "but the token accuracy excludes it"
    if scale_changes(loss, m.factor):
        return "but the train loss itself jumps by that factor within the run"
    if m.factor < 1:
        return "" if absolute else _doubt_too_small(s, m, c)
    if s.processes_in_doubt and eval_factor == 1 and not w.start_fits(m.factor, TIGHT):
        count = f"{s.processes} processes" if s.processes else "an unknown number of processes"
        return f"but with {count} and tokens averaged over them, train and eval may both be multiplied by their number"
    if absolute:
        return ""
    if c.additive:
        return "but it is a constant difference as much as a factor"
    if s.opinion == "scaled":
        return ""
    if s.opinion == "never":
        return "but this release is not known to do so"
    return _too_little(m, c)


def _doubt_too_small(s: Settings, m: Match, c: Comparison) -> str:
    if not s.family:
        return EITHER
    if s.processes is None and s.averaging and s.eval_by_processes:
        return "but an eval loss multiplied by the number of processes, which is unknown, would look the same"
    if s.processes and s.processes > 1 and abs(math.log2(s.processes * m.factor)) <= 0.5:
        return f"but an eval loss multiplied by the {s.processes} processes would look the same"
    return _too_little(m, c)


def _plainly(c: Comparison, m: Match, s: Settings) -> bool:
    """A ratio of 1/K from the first pair on, flat, over enough pairs, with the K that the run itself states."""
    stated = s.accumulation is not None and m.factor == 1 / s.accumulation
    from_the_start = m.fit == "level" and abs(c.early - math.log2(m.factor)) <= NEAR_ONE
    return stated and from_the_start and c.spread <= PLAIN_SPREAD and not c.additive and not _too_little(m, c)


def _named(s: Settings, c: Comparison, factor: float) -> Verdict:
    """A mismatch that is certain, of which only the side is not: it is said, and nothing is rescaled."""
    return Verdict("scaled", words.join(words.ratio(c), words.accumulation(s), EITHER), factor, applied=False)


def _too_little(m: Match, c: Comparison) -> str:
    """What is missing where nothing but the ratio speaks."""
    if abs(math.log2(m.factor)) < LARGE:
        return "but a ratio this small has other causes too, and no second witness confirms it"
    if c.pairs < ENOUGH_PAIRS:
        return "but that is too few pairs without a second witness"
    if m.fit == "early":
        return "but only the first pair fits, and no second witness confirms it"
    return ""


def _absolute(w: Witnesses, factor: float, *, loose: bool) -> tuple[str, ...]:
    """Witnesses that need no eval loss and support a factor, in words."""
    start = w.start_fits(factor, TIGHT) or (loose and w.start_fits(factor, LOOSE))
    said = (
        (start, "the first loss is that of an untrained model times this factor"),
        (w.accuracy_fits(factor), "the loss as logged is impossible at its token accuracy and right after dividing"),
        (w.nll_fits(factor) and factor > 1, "the loss is this factor times the nll_loss beside it"),
    )
    return tuple(text for holds, text in said if holds)


def _by_witness(s: Settings, w: Witnesses, candidates: tuple[float, ...], c: Comparison | None) -> Verdict | None:
    """A factor that the eval-free witnesses settle; none if they settle none, or several."""
    settled = [v for v in candidates if _settles(s, w, v)]
    return _scaled(s, w, settled[0], c, 1) if len(settled) == 1 else None


def _settles(s: Settings, w: Witnesses, factor: float) -> bool:
    if w.accuracy_excludes(factor) or not _absolute(w, factor, loose=True):
        return False
    tight, loose = w.start_fits(factor, TIGHT), w.start_fits(factor, LOOSE)
    if s.processes_in_doubt and not tight:
        return False
    prior = s.opinion == "scaled" and factor > 1
    large = abs(math.log2(factor)) >= LARGE and s.opinion != "never"
    enough = (
        tight and (large or prior),
        loose and (prior or w.accuracy_fits(factor)),
        w.accuracy_fits(factor) and (large or prior),
        w.nll_fits(factor) and large,
    )
    return any(enough)


def _scaled(s: Settings, w: Witnesses, factor: float, c: Comparison | None, eval_factor: int) -> Verdict:
    absolute = _absolute(w, factor, loose=True)
    by_ratio = c is not None and abs(c.level - math.log2(factor)) <= NEAR_ONE
    agreeing = by_ratio + bool(absolute) + (s.opinion == "scaled" and factor > 1) + (by_ratio and w.equally_hard)
    too_large_eval = f"the eval loss is {eval_factor} times too large itself and left as it is"
    reason = words.join(
        words.ratio(c) if c else "there is no eval loss to compare with",
        words.accumulation(s),
        *absolute,
        words.opinion(s) if factor > 1 else "",
        "train and eval token accuracy agree" if w.equally_hard else "",
        too_large_eval if eval_factor > 1 else "",
        words.gradient(s, factor),
    )
    applied = s.accumulation is not None
    return Verdict("scaled", reason, factor, applied, "high" if agreeing > 1 else "medium")


def _undetermined(s: Settings, c: Comparison, factor: float, doubt: str) -> Verdict:
    return Verdict("undetermined", words.join(words.ratio(c), words.accumulation(s), doubt, words.opinion(s)), factor)


def scale_changes(loss: Floats, factor: float) -> bool:
    """A steady loss jumps by the factor, up or down, and is steady again: a resume with other software or settings."""
    n = STEADY_WINDOW
    octaves = abs(math.log2(factor))
    if loss.size < 2 * n or octaves < LARGE:
        return False
    windows = np.lib.stride_tricks.sliding_window_view(np.log2(loss), n)
    middle, reach = np.median(windows, axis=1), np.ptp(windows, axis=1)
    jump = np.abs(np.abs(middle[n:] - middle[:-n]) - octaves) <= NEAR_ONE
    return bool((jump & (reach[n:] <= STEADY) & (reach[:-n] <= STEADY)).any())
