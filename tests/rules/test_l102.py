"""L102: a loss that stops falling."""

import numpy as np
import pytest
from curves import drop_then_flat, epoch_stairs, noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.l102_plateau import check


def stopped(n, at=0.45, noise=0.02):
    t = np.linspace(0, 1, n)
    return noisy(4 * np.exp(-1.5 * np.minimum(t, at)), noise, np.random.default_rng(n))


@pytest.mark.parametrize("n", [200, 1000, 20_000])
def test_a_fall_that_stops_at_once_is_a_warning(n):
    finding = check(case({"loss": stopped(n), "learning_rate": np.full(n, 1e-3)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert 0.4 * n < finding.step_start < 0.6 * n
    assert finding.step_end == n


def test_after_the_decay_of_the_rate_it_is_for_information():
    rate = np.where(np.arange(1000) < 450, 1e-3, 1e-4)
    finding = check(case({"loss": stopped(1000), "learning_rate": rate}))
    assert finding.severity == "info"
    assert "had decayed" in finding.message


@pytest.mark.parametrize("n", [100, 1000, 5000])
@pytest.mark.parametrize("noise", [0.01, 0.1])
def test_a_loss_that_comes_to_rest_is_no_warning(n, noise):
    rng = np.random.default_rng(n)
    t = np.linspace(0, 1, n)
    shapes = [0.8 + 3 * np.exp(-t / tau) for tau in (0.02, 0.05, 0.1, 0.2)]
    shapes += [power_law(n), drop_then_flat(n, 0.0, rng)["loss"], epoch_stairs(n, 0.0, rng)["loss"]]
    for shape in shapes:
        result = check(case({"loss": noisy(shape, noise, rng)}))
        assert not isinstance(result, Finding) or result.severity == "info"


def test_a_loss_that_still_falls_passes():
    assert isinstance(check(case({"loss": noisy(power_law(5000, knee=0.1), 0.05, np.random.default_rng(0))})), Pass)


def test_a_rate_that_was_restarted_and_too_few_rows_are_left_open():
    rate = np.where(np.arange(1000) < 450, np.linspace(1e-3, 0, 1000), 9e-4)
    rate[400:450] = 1e-5
    assert isinstance(check(case({"loss": stopped(1000), "learning_rate": rate})), NotRun)
    assert "inconclusive" in check(case({"loss": stopped(20)})).reason


@pytest.mark.parametrize(("rate", "severity"), [("constant", "warn"), ("cosine", "info"), ("not logged", "info")])
def test_half_a_run_without_a_fall_is_a_warning_only_at_a_rate_that_stays(rate, severity):
    t = np.linspace(0, 1, 2000)
    series = {"loss": noisy(1.2 + 3 * np.exp(-t / 0.03), 0.01, np.random.default_rng(0))}
    if rate != "not logged":
        series["learning_rate"] = 3e-4 * (np.ones(2000) if rate == "constant" else 0.5 * (1 + np.cos(np.pi * t)))
    assert check(case(series)).severity == severity


@pytest.mark.parametrize(("held_out", "answer"), [(1.0, Finding), (0.8, Pass)])
def test_no_plateau_while_the_held_out_loss_falls(held_out, answer):
    at = np.arange(50.0, 1001, 50)
    validation = np.interp(at, [0, 450, 1000], [3.0, 1.2, 1.2 * held_out])
    assert isinstance(check(case({"loss": stopped(1000), "eval/loss": (at, validation)})), answer)


@pytest.mark.parametrize(("scatter", "answer"), [(0.002, Finding), (0.02, Pass)])
def test_evaluations_that_stand_still_say_more_than_a_noisy_loss(scatter, answer):
    rng = np.random.default_rng(4)
    t = np.linspace(0, 1, 1000)
    course = 1 + 0.6 * np.exp(-30 * t)
    at = np.arange(40, 1000, 40)
    series = {"loss": noisy(course, 0.1, rng), "learning_rate": np.full(1000, 3e-4)}
    series["eval/loss"] = (at + 1.0, noisy(course[at], scatter, rng))
    result = check(case(series))
    assert isinstance(result, answer)
    assert not isinstance(result, Finding) or result.severity == "warn"


def test_a_held_out_loss_at_its_floor_is_no_plateau_of_a_train_loss_that_falls():
    rng = np.random.default_rng(5)
    course = power_law(1000, knee=0.3)
    at = np.arange(40, 1000, 40)
    series = {"loss": noisy(course, 0.03, rng), "learning_rate": np.full(1000, 3e-4)}
    series["eval/loss"] = (at + 1.0, noisy(np.maximum(course[at], course[500]), 0.001, rng))
    assert isinstance(check(case(series)), Pass)


def test_harder_data_in_the_last_half_are_no_plateau():
    rng = np.random.default_rng(6)
    course = power_law(3000, knee=0.1) * np.where(np.arange(3000) > 1700, 1.04, 1.0)
    result = check(case({"loss": noisy(course, 0.01, rng), "learning_rate": np.full(3000, 3e-4)}))
    assert isinstance(result, Pass)
