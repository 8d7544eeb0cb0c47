"""O103: a schedule that begins anew after a resume."""

import numpy as np
import pytest
from curves import power_law
from make import case, run

from trainvitals.diagnostics.normalisation import resume
from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.o103_scheduler_not_restored import check


def schedule(n, warm=0.05):
    t = np.linspace(0, 1, n)
    return 3e-4 * np.minimum(1, (t + 1e-3) / warm) * (0.55 + 0.45 * np.cos(np.pi * t)) if warm else 3e-4 * (1 - 0.9 * t)


def resumed(n, at, back, after):
    """The case of a log whose step goes back by `back` rows at `at`; `after` are the rates from there on."""
    steps = np.concatenate([np.arange(1.0, at + 1), np.arange(at - back + 1.0, at - back + 1 + after.size)])
    rates = np.concatenate([schedule(n)[:at], after])
    raw = run({"learning_rate": (steps, rates), "loss": (steps, power_law(steps.size))})
    cleaned, corrections = resume.deduplicate(raw.series)
    made = case({s.metric: (s.step, s.value) for s in cleaned}, raw=raw, corrections=corrections)
    return check(made)


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("back", [0, 5])
def test_a_second_warm_up_warns(n, back):
    found = resumed(n, n // 2, back, schedule(n)[: n // 2])
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert "warms up again" in found.message
    assert found.step_start == n // 2 - back + 1


def test_a_schedule_without_warm_up_that_begins_anew_is_seen_at_the_resume():
    n, at, back = 200, 120, 10
    decay = schedule(n, warm=0)
    steps = np.concatenate([np.arange(1.0, at + 1), np.arange(at - back + 1.0, n + 1)])
    rates = np.concatenate([decay[:at], decay[: n - at + back]])
    raw = run({"learning_rate": (steps, rates)})
    cleaned, _ = resume.deduplicate(raw.series)
    found = check(case({s.metric: (s.step, s.value) for s in cleaned}, raw=raw))
    assert isinstance(found, Finding)
    assert "as in the first rows of the log" in found.message


@pytest.mark.parametrize("n", [100, 1000])
@pytest.mark.parametrize("factor", [1.0, 0.5, 0.1])
def test_a_resume_that_goes_on_or_lowers_the_rate_passes(n, factor):
    at, back = n // 2, 5
    assert isinstance(resumed(n, at, back, factor * schedule(n)[at - back :]), Pass)


def test_a_warm_up_of_two_logged_points_is_known_by_the_first_rows():
    rate = np.concatenate(
        [[1.5e-4, 3e-4], 3e-4 * np.linspace(1, 0.7, 12), [1.5e-4, 3e-4], 3e-4 * np.linspace(1, 0.7, 12)]
    )
    rate[14] = rate[0] = 5e-5
    found = check(case({"learning_rate": rate}))
    assert isinstance(found, Finding)
    assert found.step_start == 15


@pytest.mark.parametrize("n", [60, 600])
def test_restarts_with_their_own_warm_up_are_a_schedule(n):
    t = (4 * np.arange(n) / n) % 1
    rate = 1e-3 * np.where(t < 0.2, t / 0.2, 0.5 * (1 + np.cos(np.pi * (t - 0.2) / 0.8)))
    assert isinstance(check(case({"learning_rate": rate})), Pass)
    linear = 1e-3 * np.where(t < 0.2, t / 0.2, 1 - 0.6 * (t - 0.2) / 0.8)
    assert isinstance(check(case({"learning_rate": linear})), Pass)


@pytest.mark.parametrize("rate", [np.full(50, 1e-3), 0.1 * 10.0 ** -np.floor(np.arange(60) / 20)])
def test_constant_rates_and_milestones_pass(rate):
    assert isinstance(check(case({"learning_rate": rate})), Pass)


def test_without_a_rate_it_does_not_apply():
    assert not check(case({"loss": power_law(50)})).applicable
    assert isinstance(check(case({"learning_rate": [1e-3] * 4})), NotRun)


@pytest.mark.parametrize("cycles", [3, 6, 9])
def test_a_triangular_rate_that_is_seldom_logged_is_a_schedule(cycles):
    wave = 1 - np.abs(2 * ((cycles * np.linspace(0, 1, 50)) % 1) - 1)
    assert isinstance(check(case({"learning_rate": 1e-4 + 1e-3 * wave})), Pass)


def test_the_first_point_after_a_resume_may_lie_within_the_warm_up():
    rate = np.concatenate([schedule(200)[:160], schedule(200)[1:41]])
    assert rate[159] < 2 * rate[160]
    found = check(case({"learning_rate": rate, "loss": power_law(200)}))
    assert isinstance(found, Finding)
    assert found.step_start == 161


@pytest.mark.parametrize(
    "after", [np.linspace(0.5, 0.3, 40), np.linspace(0.3, 0.9, 40)], ids=["a step", "a slow climb"]
)
def test_a_small_fall_without_the_first_warm_up_again_is_no_fault(after):
    rate = np.concatenate([schedule(200)[:100], 3e-4 * after])
    assert not isinstance(check(case({"learning_rate": rate, "loss": power_law(140)})), Finding)
