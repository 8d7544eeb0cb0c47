"""O104: a run that ended in the middle of its schedule; a note, never an alarm."""

import numpy as np
import pytest
from curves import power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.o104_schedule_unfinished import check


def judge(rate, **config):
    rate = np.asarray(rate, float)
    return check(case({"loss": power_law(rate.size), "learning_rate": rate}, config=config))


@pytest.mark.parametrize("n", [20, 500])
def test_a_cosine_that_stops_at_a_third_is_noted(n):
    found = judge(1e-3 * 0.5 * (1 + np.cos(np.pi * np.linspace(0, 0.33, n))), max_steps=3 * n)
    assert isinstance(found, Finding)
    assert found.severity == "info"
    assert "after 33 % of the planned run" in found.message


@pytest.mark.parametrize(
    "rate",
    [
        np.full(50, 1e-3),
        1e-3 * np.linspace(1, 0, 50),
        1e-3 * np.minimum(1, np.arange(50) / 20),
        1e-3 * 0.5 * (1 + np.cos(np.pi * ((3.3 * np.arange(200) / 200) % 1))),
    ],
    ids=["constant", "to 0", "warm-up only", "restarts"],
)
def test_other_ends_pass(rate):
    assert isinstance(judge(rate), Pass)


def test_a_run_that_is_complete_by_its_plan_passes():
    assert isinstance(judge(1e-3 * np.linspace(1, 0.7, 50), max_steps=50), Pass)


def test_too_little_is_not_run():
    assert isinstance(judge([1e-3] * 5), NotRun)
    assert not check(case({"loss": power_law(50)})).applicable
