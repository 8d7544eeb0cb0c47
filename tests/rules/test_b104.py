"""B104: a log that ends before the run was to end."""

import numpy as np
from make import PATH, case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.b104_truncated import check
from trainvitals.parsers.model import Source

LOSS = np.linspace(3, 2, 60)


def test_a_log_that_stops_before_its_plan_says_where():
    finding = check(case({"loss": LOSS}, config={"max_steps": 100}))
    assert isinstance(finding, Finding)
    assert finding.severity == "info"
    assert "step 60 of 100 planned, 60 % of the run" in finding.message
    assert finding.evidence[0].line == 60


def test_epochs_are_a_plan_too():
    made = case({"loss": (np.arange(1.0, 61), LOSS, np.linspace(0, 1.5, 60))}, config={"num_train_epochs": 3})
    assert "50 % of the run" in check(made).message


def test_a_torn_last_line_is_told():
    finding = check(case({"loss": LOSS}, sources=(Source(PATH, "made", lines=61, truncated=True),)))
    assert "in the middle of a line" in finding.message
    assert finding.evidence[0].line == 61


def test_a_complete_run_passes_and_one_without_a_plan_is_left_open():
    assert isinstance(check(case({"loss": LOSS}, config={"max_steps": 61})), Pass)
    assert isinstance(check(case({"loss": LOSS})), NotRun)
    assert isinstance(check(case({})), NotRun)
