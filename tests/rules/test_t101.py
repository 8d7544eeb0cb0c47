"""T101: the last steps take much longer than steps of this run usually did."""

from dataclasses import replace

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.t101_throughput_drop import check


def judge(values, metric="step_time", **more):
    return check(case({"loss": power_law(len(values)), metric: values, **more}))


def drop(n, factor, at=0.75, noise=0.05, seed=0):
    return noisy(np.where(np.linspace(0, 1, n) > at, factor, 1.0) * 0.4, noise, np.random.default_rng(seed))


@pytest.mark.parametrize("n", [40, 300, 50_000])
@pytest.mark.parametrize("at", [0.3, 0.75])
@pytest.mark.parametrize(("factor", "severity"), [(1.6, "warn"), (3.0, "fail")])
def test_slower_steps_are_found(factor, severity, at, n):
    found = judge(drop(n, factor, at))
    assert isinstance(found, Finding)
    assert found.severity == severity
    assert found.step_start == pytest.approx(at * n, abs=max(8, n / 10))
    assert "(step_time: 0." in found.message


def test_throughput_is_read_upside_down():
    found = judge(1e4 / drop(300, 2.5), "tokens_per_second")
    assert found.severity == "fail"
    assert "tokens_per_second" in found.message


def test_time_stamps_tell_when_nothing_else_does():
    n = 300
    passed = np.where(np.arange(n) > 220, 9.0, 3.0) + 0.01 * np.random.default_rng(0).standard_normal(n)
    made = case({"loss": power_law(n)})
    stamped = replace(made.run.series[0], time=1.7e9 + np.cumsum(passed))
    found = check(Case(replace(made.run, series=(stamped,)), made.raw, made.loss_type))
    assert isinstance(found, Finding)
    assert "3.00 times as long" in found.message
    assert "by the time stamps" in found.evidence[0].text


def pauses(n, rng):
    time = noisy(np.ones(n), 0.1, rng)
    time[9::10] *= 20
    return time


def slow_start(n, rng):
    return noisy(np.where(np.arange(n) < max(3, n // 50), 8.0, 1.0), 0.05, rng)


def all_lengths(n, rng):
    return np.exp(0.5 * rng.standard_normal(n))


def pause_at_the_end(n, rng):
    time = noisy(np.ones(n), 0.05, rng)
    time[-2:] *= 30
    return time


def one_slow_stretch(n, rng):
    return noisy(np.where(np.abs(np.linspace(0, 1, n) - 0.5) < 0.1, 3.0, 1.0), 0.05, rng)


def a_little_slower(n, rng):
    return noisy(np.linspace(1, 1.12, n), 0.03, rng)


@pytest.mark.parametrize("n", [40, 300, 5000])
@pytest.mark.parametrize(
    "shape", [pauses, slow_start, all_lengths, pause_at_the_end, one_slow_stretch, a_little_slower]
)
def test_healthy_step_times_pass(shape, n):
    for seed in range(20):
        assert isinstance(judge(shape(n, np.random.default_rng(seed))), Pass)


def test_a_growing_batch_takes_longer_by_plan():
    batch = np.repeat([256.0, 512.0, 1024.0], 100)
    assert isinstance(judge(noisy(batch / 1000, 0.05, np.random.default_rng(0)), global_batch_size=batch), Pass)


def test_answers_that_grow_longer_take_longer():
    result = judge(drop(300, 3), reward=np.linspace(0, 1, 300))
    assert isinstance(result, NotRun)
    assert "longer answers" in result.reason


def test_time_since_the_start_is_no_step_time():
    result = judge(np.cumsum(np.ones(100)), "time")
    assert isinstance(result, NotRun)
    assert not result.applicable


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_verdict_depends_on_neither_units_nor_density(scale, every):
    assert judge((scale * drop(3000, 3))[::every]).severity == "fail"


def test_too_little_is_not_run():
    assert judge(drop(20, 3)).applicable
    assert not check(case({"loss": power_law(50)})).applicable
