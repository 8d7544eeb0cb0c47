"""E101: generation still runs into its length limit late in the run, or EOS is never predicted."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import share_done
from trainvitals.diagnostics.ratio import fall
from trainvitals.diagnostics.remedies import remedy
from trainvitals.diagnostics.report import Evidence, Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import median
from trainvitals.parsers.model import Floats, Note, Series, Split

CODE, NAME = "E101", "eos-not-learnt"

ADVICE = "raise the weight of EOS in the token loss (10, 20, then 30)"


def check(
    case: Case,
    *,
    late: float = 0.667,
    persisting: float = 0.1,
    near_zero: float = 0.05,
    places_needed: int = 3,
    progress_needed: float = 0.3,
    token_fall: float = 0.1,
) -> Result:
    """The model has not learnt to end its output.

    What it checks: lines that say that generation reached its limit without EOS, and a logged recall of EOS.

    Why it matters: every output is cut at the limit; lengths, and all scores that need the right number of points, are
    meaningless.

    What to try: raise the EOS weight one step (10 -> 20 -> 30) and watch the coordinate loss; wait when the lines stop
    by themselves.

    How it decides: the lines are placed by epoch, else by step. It fails when lines remain after `late` (2/3) of what
    has been logged, at least `persisting` (0.1) times as many as in the first third, and the run has `places_needed`
    (3) or more epochs or steps and `progress_needed` (0.3) of its plan where that is known. It also fails when the
    median EOS recall of the last third of at least 3 values is below `near_zero` (0.05), after the same share of the
    plan. Without any such line or recall it passes only if the token loss fell by `token_fall` (10 %). Source: field
    note of the EOS weight. The note says that the weight leaves the COORD gradient unchanged; that holds for a sum
    only: in a weighted mean with 17 COORD and 1 EOS a weight of 20 takes the share of COORD from 94.4 % to 45.9 %.

    Blind spots: a trainer that prints no such line; outputs that end, but at a wrong length.
    """
    recall = next((s for split in _SPLITS if (s := case.get("eos_recall", split)) and np.isfinite(s.value).any()), None)
    if recall is not None and (found := _low_recall(case, recall, near_zero)):
        return NotRun(CODE, f"too early: {found.message}") if share_done(case, recall) < progress_needed else found
    notes = [n for n in case.run.notes if n.kind == "max_len"]
    if notes:
        return _from_notes(case, notes, late, persisting, places_needed, progress_needed)
    if recall is not None:
        return Pass(CODE, f"EOS recall {recall.value[np.isfinite(recall.value)][-1]:.2f}")
    if case.loss_type.name != "eos":
        return NotRun(CODE, "no line about the generation limit and no EOS recall is logged", applicable=False)
    tokens = next((s for split in _SPLITS if (s := case.get("loss_ce", split))), None)
    if tokens is not None and fall(tokens.value[np.isfinite(tokens.value)]) >= token_fall:
        return Pass(CODE, "no line says that generation reached its limit, and the token loss falls")
    return NotRun(CODE, "inconclusive: no EOS recall is logged, and the token loss has not fallen yet")


_SPLITS: tuple[Split, ...] = (*HELD_OUT, "train")


def _low_recall(case: Case, recall: Series, near_zero: float) -> Finding | None:
    good = np.flatnonzero(np.isfinite(recall.value))
    tail = good[-max(1, good.size // 3) :]
    level = median(recall.value[tail])
    if good.size < 3 or level >= near_zero:
        return None
    start, end = (float(recall.step[i]) for i in (tail[0], tail[-1]))
    message = f"EOS recall is {level:.3g} over the last third of {good.size} values"
    how = f"median of {tail.size} values, limit {near_zero:g}"
    cited = (evidence(case, recall, int(tail[-1])),)
    return Finding(CODE, NAME, "fail", ("eos_recall",), message, remedy(case, "E101", ADVICE), start, end, cited, how)


def _from_notes(
    case: Case, notes: list[Note], late: float, persisting: float, places_needed: int, progress: float
) -> Finding | Pass | NotRun:
    logged, at = _places(case, notes)
    places = np.unique(logged)
    if places.size < places_needed:
        return NotRun(CODE, f"too early: {len(notes)} lines about the limit, {places.size} epochs or steps logged")
    done = _progress(case)
    if done < progress:
        return NotRun(CODE, f"too early: {len(notes)} lines about the limit, {done:.0%} of the run".replace("%", " %"))
    first, last = places[0], places[-1]
    where = (at - first) / (last - first)
    early_count = int(np.count_nonzero(~(where > 1 / 3)))
    late_notes = [n for n, w in zip(notes, where.tolist(), strict=True) if w >= late]
    if not late_notes or len(late_notes) < persisting * early_count:
        return Pass(
            CODE, f"{len(notes)} lines about the generation limit, {len(late_notes)} of them late: they stopped"
        )
    message = (
        f"generation still reaches its limit without EOS: {len(late_notes)} of {len(notes)} lines are in the last "
        "third of the run"
    )
    shown = late_notes[:1] + late_notes[1:][-1:]
    cited = tuple(Evidence(case.run.sources[n.source].path, n.line, n.text) for n in shown)
    how = f"{early_count} lines in the first third, {len(late_notes)} in the last"
    steps = [n.step for n in late_notes if not math.isnan(n.step)]
    start, end = (steps[0], steps[-1]) if steps else (math.nan, math.nan)
    return Finding(CODE, NAME, "fail", ("loss_ce",), message, remedy(case, "E101", ADVICE), start, end, cited, how)


def _places(case: Case, notes: list[Note]) -> tuple[Floats, Floats]:
    """Where the run was logged and where the notes stand: in epochs if all have one, else in steps, else in lines.

    A note before the first logged value has no place yet; it counts as early.
    """
    for name in ("epoch", "step"):
        logged = np.concatenate([getattr(s, name) for s in case.run.series] or [np.empty(0)])
        at = np.array([getattr(n, name) for n in notes])
        if np.isfinite(logged).any() and np.isfinite(at).any():
            return logged[np.isfinite(logged)], at
    lines = np.concatenate([s.line for s in case.run.series] or [np.empty(0, np.int64)]).astype(np.float64)
    return lines, np.array([float(n.line) for n in notes])


def _progress(case: Case) -> float:
    """How much of its plan the run has done; 1 where the plan is unknown."""
    shares = [s for series in case.run.series if not math.isnan(s := share_done(case, series))]
    return max(shares, default=1.0)


RULE = Rule(CODE, NAME, "fail", check)
