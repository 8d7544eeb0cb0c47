"""O102: a learning rate that jumps up where no restart is due."""

import numpy as np
import pytest
from curves import power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.o102_lr_jump import check

SIZES = (24, 200, 5000)


def judge(rate):
    rate = np.asarray(rate, float)
    return check(case({"loss": power_law(rate.size), "learning_rate": rate}))


def time(n):
    return np.linspace(0, 1, n)


def constant_times_ten(n):
    return np.where(time(n) > 0.5, 1e-3, 1e-4)


def cosine_times_twenty(n):
    return 1e-4 * (0.55 + 0.45 * np.cos(np.pi * time(n))) * np.where(time(n) > 0.6, 20, 1)


def back_to_the_peak_from_mid_decay(n):
    t = time(n)
    return 1e-3 * np.where(t < 0.7, 1 - t, 1.7 - t)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("fault", [constant_times_ten, cosine_times_twenty, back_to_the_peak_from_mid_decay])
def test_a_jump_warns_at_its_step(fault, n):
    found = judge(fault(n))
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    at = int(np.argmax(np.diff(fault(n)))) + 1
    assert found.step_start == at
    assert [e.line for e in found.evidence][:2] == [at, at + 1]


def cosine_restarts(n, cycles=4):
    return 1e-3 * 0.5 * (1 + np.cos(np.pi * ((cycles * np.arange(n) / n) % 1)))


def one_restart(n):
    return cosine_restarts(n, 2)


def restarts_that_double(n):
    t = 7 * np.arange(n) / n
    start = np.select([t < 1, t < 3], [0.0, 1.0], 3.0)
    return 1e-3 * (0.05 + 0.475 * (1 + np.cos(np.pi * (t - start) / np.select([t < 1, t < 3], [1.0, 2.0], 4.0))))


def linear_restarts_to_a_fifth(n):
    return 1e-3 * (1 - 0.8 * ((5 * np.arange(n) / n) % 1))


def first_step_from_zero_to_peak(n):
    return 1e-3 * np.where(np.arange(n) == 0, 0, 1 - time(n))


def one_cycle(n):
    t = time(n)
    up = 0.04 + 0.96 * 0.5 * (1 - np.cos(np.pi * np.minimum(1, t / 0.3)))
    return 1e-3 * np.where(t < 0.3, up, 0.5 * (1 + np.cos(np.pi * (t - 0.3) / 0.7)))


def steep_warm_up(n):
    return 1e-3 * np.minimum(1, np.exp(12 * (time(n) - 0.2)))


def constant_warm_up(n):
    return 1e-3 * np.where(time(n) < 0.05, 0.1, 1.0)


def two_groups_in_turn(n):
    return np.where(np.arange(n) % 2 == 0, 1e-3, 1e-4)


def steps_of_ten(n):
    return 0.1 * 10.0 ** -np.floor(3 * time(n) * 0.999)


def decayed_to_zero(n):
    return 1e-3 * np.where(np.arange(n) == n - 1, 0, 1 - time(n))


def single_outlier(n):
    return np.where(np.arange(n) == n // 2, 1e-2, 1e-3)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize(
    "shape",
    [
        cosine_restarts,
        one_restart,
        restarts_that_double,
        linear_restarts_to_a_fifth,
        first_step_from_zero_to_peak,
        one_cycle,
        steep_warm_up,
        constant_warm_up,
        two_groups_in_turn,
        steps_of_ten,
        decayed_to_zero,
        single_outlier,
    ],
)
def test_healthy_schedules_pass(shape, n):
    assert isinstance(judge(shape(n)), Pass)


@pytest.mark.parametrize("every", [2, 7])
def test_the_verdict_does_not_depend_on_the_sampling(every):
    n = 1000
    assert isinstance(judge(cosine_times_twenty(n)[::every]), Finding)
    for shape in (cosine_restarts, restarts_that_double, linear_restarts_to_a_fifth, one_cycle):
        assert isinstance(judge(shape(n)[::every]), Pass)


def test_too_little_is_not_run():
    assert isinstance(judge([1e-4] * 3 + [1e-2] * 3), NotRun)
    absent = check(case({"loss": power_law(50)}))
    assert not absent.applicable
