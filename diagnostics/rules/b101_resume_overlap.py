"""B101: the step goes back, because the run was resumed or started anew in the same log."""

from __future__ import annotations

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.report import Correction, Evidence, Finding, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Run, Series
from trainvitals.parsers.patterns import pattern

CODE, NAME = "B101", "resume-overlap"

REMEDY = (
    "nothing, if you resumed on purpose; if the values differ, check that optimiser state, data order and seed "
    "are restored, and that no second run writes to this log"
)

_TWICE = pattern(r"(\d+) of (\d+) steps written twice differ")


def check(case: Case, *, differing: float = 0.1) -> Result:
    """The step goes back: parts of the log were written twice.

    What it checks: whether steps decrease in the order in which they were logged, and whether the steps that were
    written twice have the same values.

    Why it matters: curves with an overlap zigzag, means count points twice, and everything after the resume may come
    from other settings. Different values for one step say that the second attempt did not continue the first.

    What to try: nothing after a wanted resume. Otherwise compare the settings of both attempts, restore the optimiser,
    the scheduler and the data order, and give every run a log of its own.

    How it decides: the normaliser keeps the last value written for a step (after a new start only the last attempt)
    and counts the steps written twice whose values differ by more than 0.1 %. More than `differing` (10 %) of them make
    it a warning. Source: definition of this tool.

    Blind spots: two processes that write one log at the same time look like many resumes (B102).
    """
    dropped = [c for c in case.corrections if c.kind == "resume_overlap"]
    if not dropped:
        return Pass(CODE, "steps only grow")
    return tuple(_finding(case, c, differing) for c in dropped)


def _finding(case: Case, correction: Correction, differing: float) -> Finding:
    counted = _TWICE.search(correction.evidence)
    differ, both = (int(counted[1]), int(counted[2])) if counted else (0, 0)
    series = next((s for s in _candidates(case.raw, correction) if _backward(s).size), None)
    start = end = float("nan")
    cited: tuple[Evidence, ...] = ()
    if series is not None:
        back = int(_backward(series)[0])
        start, end = float(series.step[back]), float(series.step[back - 1])
        cited = tuple(evidence(case, series, i) for i in (back - 1, back))
    return Finding(
        CODE,
        NAME,
        "warn" if differ > differing * both else "info",
        (correction.metric,),
        correction.evidence,
        REMEDY,
        start,
        end,
        cited,
        f"{differ} of {both} steps written twice differ by more than 0.1 %; a warning above {differing:.0%}",
    )


def _candidates(raw: Run, correction: Correction) -> list[Series]:
    """Series as logged, the one that the correction names first."""
    return sorted(raw.series, key=lambda s: correction.metric not in (s.metric, s.logged_as))


def _backward(series: Series) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Indices at which the step is smaller than the one before."""
    return np.flatnonzero(np.diff(series.step) < 0) + 1


RULE = Rule(CODE, NAME, "info", check)
