"""E103: a share of correct keypoints that fell and has not come back within five epochs."""

import numpy as np
import pytest
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.e103_quality_not_recovered import check


def judge(pck, per_epoch=1):
    pck = np.asarray(pck, float)
    step = 100.0 * np.arange(1, pck.size + 1)
    return check(case({"eval/pck": (step, pck, np.arange(1, pck.size + 1) / per_epoch)}))


def test_a_fall_that_stays_warns():
    found = judge([0.24, 0.27, 0.28, 0.25, 0.22, 0.20, 0.21, 0.20, 0.21, 0.20])
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert found.message == "eval/pck fell from 0.27 and has not come back in 5 epochs: it ends at 0.2"
    assert found.step_end == 1000


def test_a_long_noisy_fall_warns():
    rng = np.random.default_rng(0)
    pck = np.concatenate([np.linspace(0.1, 0.6, 20), np.linspace(0.6, 0.4, 10), np.full(30, 0.4)])
    assert isinstance(judge(pck + 0.01 * rng.standard_normal(60), per_epoch=2), Finding)


@pytest.mark.parametrize(
    "pck",
    [
        [0.28, 0.25, 0.26, 0.27, 0.29, 0.33, 0.35, 0.37],
        np.linspace(0.1, 0.8, 30),
        np.concatenate([np.linspace(0.1, 0.8, 10), np.full(20, 0.8)]),
        [0.5] * 10,
    ],
    ids=["comes back", "rises", "saturates", "flat"],
)
def test_healthy_courses_pass(pck):
    assert isinstance(judge(pck), Pass)


def test_noise_around_a_plateau_passes():
    for seed in range(50):
        rng = np.random.default_rng(seed)
        rising = 0.8 * (1 - np.exp(-np.arange(40) / 5))
        assert isinstance(judge(rising + 0.02 * rng.standard_normal(40)), Pass | NotRun)


def test_a_fall_of_few_epochs_may_still_come_back():
    result = judge([0.24, 0.27, 0.28, 0.28, 0.22, 0.20, 0.19])
    assert isinstance(result, NotRun)
    assert "may come back" in result.reason


def test_too_little_is_not_run():
    assert isinstance(judge([0.3, 0.1, 0.1]), NotRun)
    assert "no epochs" in check(case({"eval/pck": np.linspace(0.8, 0.1, 20)})).reason
    assert not check(case({"loss": [1.0]})).applicable
