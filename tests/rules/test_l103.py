"""L103: a loss that gives back what it had gained, or ends above its start."""

import re

import numpy as np
import pytest
from curves import noisy, power_law
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.l103_divergence import check


def creeping(n):
    """Falls to 60 % of the run, then rises for the rest."""
    t = np.linspace(0, 1, n)
    return power_law(n, 6, 2, 0.05) * np.exp(np.maximum(0, t - 0.6) * 3)


def blown_up(n):
    """Jumps back to the loss of a broken model at 70 %."""
    return np.where(np.linspace(0, 1, n) > 0.7, 7.3, power_law(n, 10.8, 2.5))


def from_the_start(n):
    """A fine-tuning whose loss rises from the first rows on."""
    return np.minimum(8.0, 2.3 * np.exp(4 * np.linspace(0, 1, n)))


FAULTS = (creeping, blown_up, from_the_start)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("n", "noise"), [(20, 0.01), (50, 0.05), (200, 0.05), (2000, 0.05), (2000, 0.2), (100_000, 0.2)]
)
def test_a_diverged_run_fails(fault, n, noise):
    loss = noisy(fault(n), noise, np.random.default_rng(n))
    finding = check(case({"loss": loss}))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert finding.step_end == n
    assert finding.evidence[-1].line == n
    if fault is not from_the_start:
        assert 0.4 * n < finding.step_start < 0.75 * n, "the window begins at the best block"


def test_a_loss_that_jumps_and_stays_there_is_a_warning_with_its_levels():
    t = np.linspace(0, 1, 2000)
    loss = np.where(t < 0.5, 4 * 0.25 ** (t / 0.5), 2.0)
    finding = check(case({"loss": noisy(loss, 0.01, np.random.default_rng(0))}))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert "ends at 1.995 (+82.6 %), giving back 50 % of what it had gained" in finding.message
    assert "16 blocks" in finding.how


@pytest.mark.parametrize(("rise", "severity"), [(1.0, None), (1.5, "warn"), (3.0, "fail")])
def test_the_severity_follows_the_share_given_back(rise, severity):
    t = np.linspace(0, 1, 3000)
    loss = power_law(3000, 10, 2) * np.exp(np.log(rise) * np.maximum(0, t - 0.6) / 0.4)
    result = check(case({"loss": noisy(loss, 0.03, np.random.default_rng(1))}))
    assert (result.severity if isinstance(result, Finding) else None) == severity


def test_a_rise_that_the_run_recovered_from_before_is_expected():
    """Restarts whose learning rate is not logged: each rise of the loss is made good in the next cycle."""
    t = np.linspace(0, 1, 4000)
    loss = power_law(4000, 4, 2, 0.1) * (1.25 - 0.25 * ((4 * t + 0.4) % 1))
    assert isinstance(check(case({"loss": loss})), Pass)


def test_a_restart_of_the_learning_rate_leaves_it_open():
    t = np.linspace(0, 1, 2000)
    restart = t > 0.75
    loss = np.where(restart, 4.5, power_law(2000, 6, 2, 0.05))
    rate = np.where(restart, 1e-3, 1e-3 * np.cos(0.5 * np.pi * np.minimum(1, t / 0.76)))
    result = check(case({"loss": loss, "learning_rate": rate}))
    assert isinstance(result, NotRun)
    assert "restarted" in result.reason
    assert isinstance(check(case({"loss": np.where(restart, 9.0, loss), "learning_rate": rate})), Finding), (
        "above its start is a divergence under any schedule"
    )


def test_a_memorised_set_may_wobble_at_the_bottom():
    loss = np.maximum(4 * np.exp(-np.linspace(0, 20, 1000)), 5e-4)
    loss[850:] = 0.02
    assert isinstance(check(case({"loss": loss})), Pass)


def test_a_rise_during_warm_up_is_left_open():
    n = 60
    made = case({"loss": from_the_start(n), "learning_rate": np.linspace(0, 1e-3, n)})
    assert isinstance(check(made), NotRun)
    early = case({"loss": from_the_start(n)}, config={"max_steps": 1000})
    assert isinstance(check(early), NotRun)


@pytest.mark.parametrize("n", [2, 10, 17])
def test_too_few_points_are_inconclusive(n):
    result = check(case({"loss": creeping(n)}))
    assert isinstance(result, NotRun)
    assert "inconclusive" in result.reason


@given(
    scale=st.floats(1e-4, 1e4),
    unit=st.floats(0.01, 1e5),
    change=st.sampled_from(["none", "twice", "half"]),
    shape=st.sampled_from([*FAULTS, power_law]),
)
@settings(max_examples=30, deadline=None)
def test_the_verdict_depends_on_neither_units_nor_density(scale, unit, change, shape):
    n = 4000
    steps, loss = unit * np.arange(1.0, n + 1), scale * noisy(shape(n), 0.05, np.random.default_rng(0))
    if change == "twice":
        steps, loss = np.repeat(steps, 2), np.repeat(loss, 2)
    if change == "half":
        steps, loss = steps[::2], loss[::2]
    result = check(case({"loss": (steps, loss)}))
    assert (result.severity if isinstance(result, Finding) else None) == (None if shape is power_law else "fail")


def test_zeros_that_hide_a_nan_are_no_level_that_was_lost_again():
    loss = noisy(power_law(400), 0.03, np.random.default_rng(3))
    loss[150:190] = 0.0
    assert isinstance(check(case({"loss": loss})), Pass)


@pytest.mark.parametrize("noise", [0.02, 0.3])
def test_a_loss_that_leaps_up_from_its_first_row_fails(noise):
    rng = np.random.default_rng(1)
    loss = np.concatenate([[6.0], 40 * np.exp(noise * rng.standard_normal(300))])
    finding = check(case({"loss": loss}))
    assert finding.severity == "fail"
    assert finding.message.startswith("the loss leapt from 6 in its first row, stays above ")


@pytest.mark.parametrize("seed", range(20))
def test_a_low_first_row_of_a_noisy_loss_is_no_leap(seed):
    rng = np.random.default_rng(seed)
    loss = 3 * np.exp(0.3 * rng.standard_normal(200) - 0.4 * np.linspace(0, 1, 200))
    loss[0] = loss.min()
    assert not isinstance(check(case({"loss": loss})), Finding)


@pytest.mark.parametrize(("held_out", "found"), [(1.0, False), (1.6, True)])
def test_noise_that_wanders_is_no_divergence_while_the_held_out_loss_is_at_its_best(held_out, found):
    rng = np.random.default_rng(0)
    level = np.concatenate([np.linspace(2.2, 0.7, 100), np.full(40, 0.7), np.full(60, 1.3)])
    evals = np.concatenate([np.linspace(2.0, 1.0, 10), np.full(6, held_out)])
    series = {"loss": noisy(level, 0.2, rng), "eval/loss": (np.linspace(10, 200, 16), evals)}
    assert isinstance(check(case(series)), Finding) is found


@pytest.mark.parametrize(("evaluated_until", "answer"), [(1000, Pass), (500, Finding)])
def test_a_slight_rise_that_later_evaluations_do_not_show_is_that_of_the_batches(evaluated_until, answer):
    t = np.linspace(0, 1, 1000)
    loss = noisy(1 + 2 * np.exp(-8 * t) + 0.25 * (t > 0.6), 0.02, np.random.default_rng(0))
    at = np.arange(50.0, evaluated_until + 1, 50)
    validation = 1.05 + 2 * np.exp(-8 * at / 1000)
    assert isinstance(check(case({"loss": loss, "eval/loss": (at, validation)})), answer)


def test_steps_beyond_a_million_are_told_in_full():
    steps = 1_234_567 + np.arange(600.0)
    loss = 3 * np.exp(-np.arange(600) / 60) + 0.5 + np.clip((np.arange(600) - 350) / 50, 0, 1) * 3
    found = check(case({"loss": (steps, noisy(loss, 0.01, np.random.default_rng(0)))}))
    assert re.search(r"around step 123\d{4} ", found.message)
    assert all(re.match(r"step 123\d{4}: ", place.text) for place in found.evidence)


@pytest.mark.parametrize("name", ["episode_return", "rollout/ep_rew_mean", "charts/episodic_return", "losses/qf1_loss"])
def test_a_loss_that_grows_with_the_returns_is_not_judged(name):
    growing = 0.1 + 3 * (1 - np.exp(-3 * np.linspace(0, 1, 400)))
    assert isinstance(check(case({"loss": growing, name: 50 * growing})), NotRun)
