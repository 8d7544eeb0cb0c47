"""B102: two processes write into one log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.case import HELD_OUT, Case
from trainvitals.diagnostics.curve import setting
from trainvitals.diagnostics.normalisation.repeats import once
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Floats, Ints, Series

CODE, NAME = "B102", "two-writers"

REMEDY = (
    "give every process a log of its own (log on rank 0 only; a new folder for every run), and judge each part alone: "
    "of steps written twice only the last value is shown here"
)
MOST_ROWS = 20_000
"""Rows that are followed one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Writers:
    """Rows of one file sorted into growing sequences of steps.

    `of` is the number of the sequence of each row, shape `(n,)`; `switches` how often the file changes between them.
    """

    of: Ints
    switches: int

    @property
    def second(self) -> float:
        """Share of the rows that the first sequence does not hold, at least that of the second."""
        return float(np.sort(np.bincount(self.of))[::-1][1:2].sum()) / self.of.size


def check(case: Case, *, rows: int = 16, switching: float = 0.08, share: float = 0.2, differing: float = 0.5) -> Result:
    """Two or more processes write into one log: their steps are interleaved.

    What it checks: whether the steps of a file, in the order in which they were written, belong to two or more
    sequences that grow side by side.

    Why it matters: the curve jumps between two runs, or two ranks, and looks like an oscillation, spikes or a
    divergence; steps written twice keep the value of whoever wrote last.

    What to try: log on rank 0 only; start every run in a folder of its own; look for a second job that was not stopped.

    How it decides: every row continues the sequence with the largest smaller step, or begins a new one. It is a warning
    from `rows` (16) rows on when the file switches between sequences in `switching` (8 %) of the rows, the second
    sequence holds `share` (20 %) of them, and `differing` (50 %) of the steps written twice have different values.
    Where each step is merely repeated at once, the rows could be micro-batches of one step: then the accumulation must
    be known to be no multiple of the repetitions, the repetitions must differ in learning rate, epoch or gradient norm
    (in either direction: over micro-batches it grows), or in their level by 6 standard errors, or the held-out loss
    must be there twice at one step with two values. Source: definition of this tool.

    Blind spots: ranks that write in turn at the same steps, with one gradient norm and one evaluation, where the
    accumulation is not known or as large as their number: their rows are those of micro-batches. Processes that buffer
    more than a dozen rows look like many resumes (B101).
    """
    candidates = sorted((s for s in once(case.raw).series if s.split == "train"), key=len, reverse=True)
    series = next((s for s in candidates if s.metric == "loss"), candidates[0] if candidates else None)
    if series is None or len(series) < rows:
        return NotRun(CODE, f"inconclusive: fewer than {rows} rows")
    undecided = ""
    for source in series.source[np.sort(np.unique(series.source, return_index=True)[1])].tolist():
        mine = series.source == source
        own = series if mine.all() else series.take(mine)
        if len(own) < rows or not np.isfinite(own.step).all():
            continue
        back, ties = np.diff(own.step) < 0, np.diff(own.step) == 0
        if back.sum() + ties.sum() < max(3, 0.02 * len(own)):
            continue
        own = own.take(slice(0, MOST_ROWS))
        writers = _writers(own.step)
        if writers.switches < max(6, switching * len(own)) or writers.second < share or not _differ(own, differing):
            continue
        if not back.sum() >= 3 and not (_other_run(case, own) or _evaluated_twice(case, int(source))):
            undecided = "inconclusive: each step is written several times at once, by micro-batches or by processes"
            continue
        return _finding(case, own, writers)
    return NotRun(CODE, undecided) if undecided else Pass(CODE, "one sequence of steps")


def _writers(step: Floats, most: int = 64) -> Writers:
    """Rows sorted into sequences; those that would need more than `most` sequences join the first."""
    last: list[float] = []
    of = np.zeros(step.size, np.int64)
    for row, value in enumerate(step.tolist()):
        fitting = [i for i, end in enumerate(last) if end < value]
        if fitting:
            chosen = max(fitting, key=last.__getitem__)
        elif len(last) < most:
            last.append(value)
            chosen = len(last) - 1
        else:
            chosen = 0
        last[chosen] = value
        of[row] = chosen
    return Writers(of, int(np.count_nonzero(np.diff(of))))


def _differ(own: Series, share: float) -> bool:
    """Whether steps that were written twice have different values; True where too few were."""
    order = np.argsort(own.step, kind="stable")
    same_step = np.diff(own.step[order]) == 0
    if same_step.sum() < 4:
        return True
    values = own.value[order]
    differ = ~np.isclose(values[1:], values[:-1], rtol=1e-6, atol=0.0, equal_nan=True)
    return bool(differ[same_step].mean() >= share)


def _evaluated_twice(case: Case, source: int, least: int = 2) -> bool:
    """Whether a file holds two values of the held-out loss at one step: no micro-batch is evaluated."""
    for series in once(case.raw).series:
        if series.split in HELD_OUT and series.metric == "loss":
            own = series.take(series.source == source)
            tied = (np.diff(own.step) == 0) & (np.diff(own.value) != 0)
            if tied.sum() >= max(least, len(own) // 4):
                return True
    return False


def _other_run(case: Case, own: Series) -> bool:
    """Whether rows repeated at once differ in what a step fixes, or in their level."""
    accumulation = setting(case, "gradient_accumulation_steps")
    repeated = round(len(own) / np.unique(own.step).size)
    if accumulation == accumulation and accumulation % max(2, repeated):
        return True
    norm = _values_of(case, "grad_norm", own)
    if norm is not None:
        change = np.sign(np.diff(norm)[np.diff(own.step) == 0])
        if np.mean(change != 0) > 0.5 and abs(float(np.mean(change))) < 0.5:
            return True
    for name in ("learning_rate", "epoch"):
        other = own.epoch if name == "epoch" else _values_of(case, name, own)
        if other is not None and other.size == len(own) and np.isfinite(other).all():
            tied = np.diff(own.step) == 0
            if float(np.mean(np.diff(other)[tied] != 0)) > 0.5:
                return True
    first = np.concatenate([[True], np.diff(own.step) != 0])
    index = np.flatnonzero(first[:-1] & ~first[1:])
    gap = own.value[index + 1] - own.value[index]
    gap = gap[np.isfinite(gap)]
    return bool(gap.size >= 8 and abs(gap.mean()) > 6 * gap.std() / np.sqrt(gap.size))


def _values_of(case: Case, metric: str, own: Series) -> Floats | None:
    found = once(case.raw).get(metric)
    if found is None:
        return None
    mine = found.take(found.source == own.source[0]).take(slice(0, len(own)))
    return mine.value if np.array_equal(mine.line, own.line) else None


def _finding(case: Case, own: Series, writers: Writers) -> Finding:
    count = int(writers.of.max()) + 1
    at = int(np.flatnonzero(np.diff(writers.of))[0]) + 1
    return Finding(
        CODE,
        NAME,
        "warn",
        (own.metric,),
        f"{count} growing sequences of steps are interleaved in one file ({writers.switches} changes in {len(own)} "
        f"rows): {count} processes write it",
        REMEDY,
        float(own.step.min()),
        float(own.step.max()),
        tuple(evidence(case, own, i) for i in range(max(0, at - 1), min(len(own), at + 2))),
        f"the second sequence holds {writers.second:.0%} of the rows".replace("%", " %"),
    )


RULE = Rule(CODE, NAME, "warn", check)
