"""W101: compute after the point at which validation was as good as it gets."""

import numpy as np
from curves import noisy
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.w101_wasted_compute import check

STEPS = np.arange(50.0, 5001, 50)
DECAYED = {"learning_rate": np.linspace(1e-3, 0, 5000)}


def of(validation, **series):
    held_out = noisy(validation, 0.005, np.random.default_rng(0))
    return check(case({"loss": np.linspace(3, 2, 5000), "eval/loss": (STEPS, held_out), **series}))


def test_a_run_that_got_no_better_says_from_where():
    finding = of(1 + np.exp(-STEPS / 300), **DECAYED)
    assert isinstance(finding, Finding)
    assert finding.severity == "info"
    assert 1000 < finding.step_start < 3000
    assert finding.step_end == 5000


def test_a_run_that_goes_on_getting_better_passes():
    assert isinstance(of(3 - STEPS / 5000, **DECAYED), Pass)


def test_before_the_rate_has_decayed_and_with_few_evaluations_it_is_left_open():
    flat = 1 + np.exp(-STEPS / 300)
    assert isinstance(of(flat), NotRun)
    assert isinstance(of(flat, learning_rate=np.full(5000, 1e-3)), NotRun)
    few = check(case({"loss": np.linspace(3, 2, 5000), "eval/loss": (STEPS[:5], flat[:5]), **DECAYED}))
    assert "inconclusive" in few.reason
