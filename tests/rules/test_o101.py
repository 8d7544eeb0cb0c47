"""O101: a learning rate of exactly 0 where nothing warms up and nothing has decayed."""

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.o101_lr_zero import check

N = 200
T = np.linspace(0, 1, N)
COSINE = 3e-4 * 0.5 * (1 + np.cos(np.pi * T))


def judge(rate, loss=None, **more):
    rate = np.asarray(rate, float)
    course = noisy(power_law(rate.size), 0.02, np.random.default_rng(0)) if loss is None else loss
    return check(case({"loss": course, "learning_rate": rate, **more}))


@pytest.mark.parametrize("n", [20, 200, 5000])
@pytest.mark.parametrize("share", [0.4, 0.8])
def test_a_schedule_that_ends_too_early_fails(n, share):
    t = np.linspace(0, 1, n)
    rate = 3e-4 * np.maximum(0, 1 - t / share)
    found = judge(rate)
    assert isinstance(found, Finding)
    assert found.severity == "fail"
    assert found.step_start == pytest.approx(share * n, rel=0.1, abs=2)
    assert found.step_end == n
    assert "to the end" in found.message


def test_a_rate_that_is_switched_off_in_the_middle_fails():
    rate = COSINE.copy()
    rate[80:120] = 0
    found = judge(rate)
    assert "0 between steps 81 and 120 (40 rows, 20 % of the log)" in found.message
    assert [e.line for e in found.evidence] == [80, 81, 120]


def test_a_rate_of_0_throughout_fails_when_the_loss_stands_still():
    flat = noisy(np.full(N, 2.3), 0.02, np.random.default_rng(1))
    assert "0 throughout" in judge(np.zeros(N), flat).message


def linear_to_the_last_row(n):
    return 3e-4 * np.linspace(1, 0, n)


def warm_up_from_zero(n):
    return 3e-4 * np.minimum(1, np.arange(n) / (n // 10))


def restarts_that_touch_zero(n):
    return 3e-4 * 0.5 * (1 + np.cos(np.pi * ((np.arange(n) % (n // 4)) / (n // 4 - 1))))


def printed_with_six_decimals(n):
    return np.round(1e-5 * 0.5 * (1 + np.cos(np.pi * np.linspace(0, 1, n))), 6)


def last_rows_after_a_constant(n):
    return np.where(np.arange(n) < n - 2, 1e-3, 0)


@pytest.mark.parametrize("n", [20, 200, 5000])
@pytest.mark.parametrize(
    "shape",
    [
        linear_to_the_last_row,
        warm_up_from_zero,
        restarts_that_touch_zero,
        printed_with_six_decimals,
        last_rows_after_a_constant,
    ],
)
def test_zeros_of_a_healthy_schedule_are_expected(shape, n):
    assert not isinstance(judge(shape(n)), Finding)


def test_a_small_rate_that_was_rounded_to_0_is_told_by_its_falling_loss():
    result = judge(np.zeros(N))
    assert isinstance(result, NotRun)
    assert "rounded" in result.reason


def test_a_frozen_group_is_no_matter_while_another_one_trains():
    groups = {"learning_rate/backbone": np.zeros(N), "learning_rate/head": COSINE}
    assert isinstance(check(case({"loss": power_law(N), **groups})), Pass)


def test_without_evidence_it_is_not_run():
    absent = check(case({"loss": power_law(N)}))
    assert isinstance(absent, NotRun)
    assert not absent.applicable
    few = check(case({"loss": power_law(4), "learning_rate": [0, 0, 0, 0]}))
    assert isinstance(few, NotRun)
    assert few.applicable
