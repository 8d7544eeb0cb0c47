"""B104: the log ends before the run was to end."""

from __future__ import annotations

import os

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import setting, share_done
from trainvitals.diagnostics.report import Evidence, Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule, evidence
from trainvitals.parsers.model import Series

CODE, NAME = "B104", "truncated"

REMEDY = "nothing if the run is still going or was stopped on purpose; otherwise look at why it ended, and resume it"


def check(case: Case, *, complete: float = 0.98) -> Result:
    """The log ends in the middle of a line, or before the planned last step.

    What it checks: whether a file of the run ends in the middle of a line or record, and whether the last step reaches
    the planned number of steps or epochs.

    Why it matters: what is judged is a part of the run. Its learning rate has not decayed, its last losses are not the
    final ones, and a comparison with a complete run is unfair.

    What to try: wait if it is still running; look for the end of the job (time limit, preemption, out of memory).

    How it decides: the last logged step or epoch is below `complete` (98 %) of `max_steps` or `num_train_epochs` in the
    run's configuration. Source: definition of this tool.

    Blind spots: runs whose plan is not logged; early stopping looks the same; a plan in other units is not used.
    """
    torn = [s for s in case.run.sources if s.truncated]
    series = case.loss or max(case.run.series, key=len, default=None)
    done = share_done(case, series) if series is not None and len(series) else float("nan")
    if done < complete:
        return _unfinished(case, series, done)
    if torn:
        return _torn(torn[0].path, torn[0].lines)
    if done != done:
        return NotRun(CODE, "the planned number of steps is not known")
    return Pass(CODE, f"{done:.0%} of the planned run is there".replace("%", " %"))


def _unfinished(case: Case, series: Series | None, done: float) -> Finding:
    assert series is not None
    plan = setting(case, "max_steps") if case.step_unit == "step" else setting(case, "num_train_epochs")
    planned = f" of {plan:g} planned" if plan == plan else ""
    return Finding(
        CODE,
        NAME,
        "info",
        (series.metric,),
        f"the log ends at {case.step_unit} {series.step[-1]:.9g}{planned}, {done:.0%} of the run".replace("%", " %"),
        REMEDY,
        float(series.step[-1]),
        float(series.step[-1]),
        (evidence(case, series, len(series) - 1),),
        "last logged step or epoch over the configured one",
    )


def _torn(path: str, lines: int) -> Finding:
    return Finding(
        CODE,
        NAME,
        "info",
        (),
        f"{os.path.basename(path)} ends in the middle of a line or record: its writer is at work, or was killed",
        REMEDY,
        evidence=(Evidence(path, lines, "the last line is not complete"),),
    )


RULE = Rule(CODE, NAME, "info", check)
