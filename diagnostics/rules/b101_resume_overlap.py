"""B101: the step goes back, because the run was resumed or started anew in the same log."""

from __future__ import annotations

import math

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.normalisation.repeats import once
from trainvitals.diagnostics.normalisation.resume import overlap
from trainvitals.diagnostics.report import Correction, Evidence, Finding, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.diagnostics.statistics import MAD_TO_SD, MEDIAN_SE, median
from trainvitals.parsers.model import Run, Series

CODE, NAME = "B101", "resume-overlap"

REMEDY = (
    "nothing, if you resumed on purpose; if the values differ, check that optimiser state, data order and seed "
    "are restored, and that no second run writes to this log"
)


def check(case: Case, *, smallest: float = 0.01, errors: float = 4.0) -> Result:
    """The step goes back: parts of the log were written twice.

    What it checks: whether steps decrease in the order in which they were logged, and whether the steps that were
    written twice have the same values.

    Why it matters: curves with an overlap zigzag, means count points twice, and everything after the resume may come
    from other settings. Different values for one step say that the second attempt did not continue the first.

    What to try: nothing after a wanted resume. Otherwise compare the settings of both attempts, restore the optimiser,
    the scheduler and the data order, and give every run a log of its own.

    How it decides: the normaliser keeps the last value written for a step (after a new start only the last attempt). A
    second write differs by as much as two batches do where the data came in another order; that is an info. It is a
    warning when the values written twice differ as a whole: their median difference is above `smallest` (1 %) of their
    level and above `errors` (4) standard errors, from the noise between neighbouring rows. A file that repeats all rows
    of another with the same values, as the copy of a log beside a checkpoint, is no resume. Source: definition of this
    tool.

    Blind spots: two processes that write one log at the same time look like many resumes (B102).
    """
    dropped = [c for c in case.corrections if c.kind == "resume_overlap"]
    if not dropped:
        return Pass(CODE, "steps only grow")
    if all(_copied(case, c) for c in dropped):
        return Pass(CODE, "some files repeat the rows of others, with the same values")
    return tuple(_finding(case, c, smallest, errors) for c in dropped)


def _copied(case: Case, correction: Correction) -> bool:
    """Whether the later rows are in another file and repeat all that was there, as a copy of the log does."""
    series = next((s for s in _candidates(once(case.raw), correction) if _backward(s).size), None)
    found = overlap(series) if series is not None else None
    if series is None or found is None or not found.restarted or (found.replaced < 0).any():
        return False
    before, after = series.value[found.dropped], series.value[found.replaced]
    apart = series.source[found.dropped] != series.source[found.replaced]
    return bool(apart.all() and np.array_equal(before, after, equal_nan=True))


def _finding(case: Case, correction: Correction, smallest: float, errors: float) -> Finding:
    series = next((s for s in _candidates(once(case.raw), correction) if _backward(s).size), None)
    start = end = float("nan")
    cited: tuple[Evidence, ...] = ()
    differs, how = False, ""
    if series is not None:
        back = int(_backward(series)[0])
        start, end = float(series.step[back]), float(series.step[back - 1])
        cited = tuple(evidence(case, series, i) for i in (back - 1, back))
        differs, how = _differs(series, smallest, errors)
    severity: Severity = "warn" if differs else "info"
    return Finding(CODE, NAME, severity, (correction.metric,), correction.evidence, REMEDY, start, end, cited, how)


def _differs(series: Series, smallest: float, errors: float) -> tuple[bool, str]:
    """Whether the second write of the same steps lies on another level than the first, and how that was decided."""
    found = overlap(series)
    twice = found.replaced >= 0 if found is not None else np.zeros(0, bool)
    if found is None or not twice.any():
        return False, "no step is written twice"
    before, after = series.value[found.dropped[twice]], series.value[found.replaced[twice]]
    both = np.isfinite(before) & np.isfinite(after)
    if not both.any():
        return False, "no finite value is written twice"
    apart = median(after[both] - before[both])
    level = median(np.abs(before[both]))
    scatter = MAD_TO_SD * median(np.abs(np.diff(series.value[np.isfinite(series.value)])))
    error = MEDIAN_SE * scatter / math.sqrt(int(both.sum()))
    how = (
        f"the second write of {both.sum()} steps differs by {apart:+.3g} in the median, where the noise explains "
        f"{errors * error:.2g}"
    )
    return abs(apart) > max(smallest * level, errors * error), how


def _candidates(raw: Run, correction: Correction) -> list[Series]:
    """Series as logged, the one that the correction names first."""
    return sorted(raw.series, key=lambda s: correction.metric not in (s.metric, s.logged_as))


def _backward(series: Series) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Indices at which the step is smaller than the one before."""
    return np.flatnonzero(np.diff(series.step) < 0) + 1


RULE = Rule(CODE, NAME, "info", check)
