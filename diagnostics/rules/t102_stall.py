"""T102: a run has stopped writing."""

from __future__ import annotations

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.report import NotRun
from trainvitals.diagnostics.rule import Result, Rule

CODE, NAME = "T102", "stall"


def check(case: Case) -> Result:
    """A run that is being followed writes nothing any more.

    What it checks: whether a new line is overdue: by ten median gaps, and by five minutes at least. An evaluation or a
    checkpoint makes longer gaps than a step does, so the silence must also be half as long again as the longest gap so
    far, or as an hour, whichever is shorter.

    Why it matters: a deadlock, a hung collective operation or a full disk writes no error, and costs the machine's
    time.

    What to try: look whether the process still works (`py-spy dump --pid ...`, `nvidia-smi`), and whether the disk is
    full.

    How it decides: only `trainvitals watch` can, as a log on disk does not say whether its run has ended. Gaps are
    those between the times in the log; between the looks of the watcher where it has none. With fewer than three gaps
    nothing is said. Source: definition of this tool.

    Blind spots: a writer that buffers its output looks stalled while it trains, until more is written.
    """
    del case  # holds what was written, and nothing of what was not
    return NotRun(CODE, "only `trainvitals watch` can tell a run that stalls from one that has ended", applicable=False)


RULE = Rule(CODE, NAME, "fail", check)
