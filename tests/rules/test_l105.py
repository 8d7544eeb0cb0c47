"""L105: a loss that swings."""

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.l105_oscillation import check


def swinging(n, period=2, height=0.2, noise=0.05):
    wave = np.cos(2 * np.pi * np.arange(n) / period)
    return noisy(power_law(n, knee=0.1), noise, np.random.default_rng(n)) * np.exp(height * wave)


@pytest.mark.parametrize("period", [2, 4, 5, 7, 10])
@pytest.mark.parametrize("n", [100, 400, 20_000])
def test_a_swing_is_a_warning(n, period):
    finding = check(case({"loss": swinging(n, period)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert ("from row to row" if period == 2 else f"every {period} rows") in finding.message


def test_a_swing_of_three_rows_needs_more_of_them():
    assert isinstance(check(case({"loss": swinging(400, 3)})), Finding)


def test_a_small_swing_and_one_that_is_over_pass():
    assert isinstance(check(case({"loss": swinging(400, height=0.05, noise=0.01)})), Pass)
    over = swinging(400)
    over[:150] = swinging(400, height=0.4)[:150]
    over[150:] = power_law(400)[150:]
    assert isinstance(check(case({"loss": noisy(over, 0.1, np.random.default_rng(0))})), Pass)


def test_noise_of_any_memory_has_no_period():
    rng = np.random.default_rng(2)
    for n in (60, 200, 2000):
        for phi in (0.0, 0.5, 0.9, 0.95):
            noise = rng.standard_normal(n)
            for i in range(1, n):
                noise[i] = phi * noise[i - 1] + np.sqrt(1 - phi**2) * noise[i]
            assert isinstance(check(case({"loss": power_law(n) * np.exp(0.3 * noise)})), Pass)


def test_the_period_of_the_rate_and_of_the_epoch_is_expected():
    n = 400
    rate = 1e-3 * np.exp(np.cos(2 * np.pi * np.arange(n) / 10))
    assert isinstance(check(case({"loss": swinging(n, 10), "learning_rate": rate})), Pass)
    epochs = (np.arange(n) + 1) / 10
    assert isinstance(check(case({"loss": (np.arange(1.0, n + 1), swinging(n, 10), epochs)})), Pass)


def test_few_rows_and_negative_losses_are_left_open():
    assert "inconclusive" in check(case({"loss": swinging(18)})).reason
    assert isinstance(check(case({"loss": -swinging(100)})), NotRun)


@pytest.mark.parametrize("n", [20, 30, 47])
def test_few_rows_that_go_up_and_down_by_turns_are_enough(n):
    finding = check(case({"loss": swinging(n)}))
    assert isinstance(finding, Finding)
    assert "from row to row" in finding.message


@pytest.mark.parametrize("n", [20, 30, 47])
def test_few_rows_of_noise_are_no_swing(n):
    rng = np.random.default_rng(n)
    for _ in range(300):
        noise = noisy(power_law(n, knee=0.1), 0.3, rng)
        assert not isinstance(check(case({"loss": noise})), Finding)
    assert not isinstance(check(case({"loss": swinging(n, height=0.04, noise=0.001)})), Finding)
