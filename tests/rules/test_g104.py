"""G104: two tasks pull the shared parameters in opposite directions."""

import numpy as np
import pytest
from curves import power_law
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.g104_gradient_conflict import check


def judge(cosine):
    return check(case({"loss": power_law(len(cosine)), "grad_cos/ce_coords": cosine}))


def around(level, n, spread, seed=0):
    return np.clip(level + spread * np.random.default_rng(seed).standard_normal(n), -1, 1)


@pytest.mark.parametrize("n", [20, 200, 5000])
def test_a_negative_cosine_warns(n):
    (one,) = judge(around(-0.4, n, 0.2))
    assert one.severity == "warn"
    assert "the tasks (ce and coords) pull against each other" in one.message


@pytest.mark.parametrize("n", [20, 200, 5000])
@pytest.mark.parametrize(("level", "spread"), [(0.0, 0.3), (0.3, 0.2), (-0.03, 0.1)])
def test_cosines_around_zero_and_above_pass(level, spread, n):
    for seed in range(20):
        assert isinstance(judge(around(level, n, spread, seed)), Pass)


def test_a_conflict_that_was_resolved_passes():
    assert isinstance(judge(np.where(np.arange(100) < 40, -0.6, 0.2)), Pass)


def test_too_little_is_not_run():
    assert isinstance(judge(np.full(10, -0.5)), NotRun)
    assert not check(case({"grad_norm": np.ones(50)})).applicable
