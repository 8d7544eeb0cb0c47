"""L104: spikes, whether they pass, and how many there are."""

import numpy as np
import pytest
from curves import cosine_restarts, noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.l104_spike import check, curve, spike_score


def spiky(n, places, height=3.0, length=4, noise=0.03, seed=0):
    loss = noisy(power_law(n), noise, np.random.default_rng(seed))
    for place in places:
        loss[int(place * n) : int(place * n) + length] *= height
    return loss


def of(loss, **series):
    return check(case({"loss": loss, **series}))


@pytest.mark.parametrize(("n", "noise"), [(200, 0.03), (1000, 0.05), (20_000, 0.1)])
@pytest.mark.parametrize(("places", "severity"), [((0.6,), "info"), ((0.5, 0.8), "info"), ((0.5, 0.64, 0.87), "warn")])
def test_spikes_that_pass_are_a_warning_from_three_on(n, noise, places, severity):
    finding = of(spiky(n, places, noise=noise))
    assert finding.severity == severity
    assert {1: "once", 2: "twice", 3: "3 times"}[len(places)] in finding.message
    assert "is back" in finding.message
    assert finding.step_start == int(places[0] * n) + 1


@pytest.mark.parametrize("n", [200, 1000, 20_000])
def test_a_spike_that_does_not_pass_is_a_failure(n):
    finding = of(spiky(n, (0.6,), height=2.0, length=n))
    assert finding.severity == "fail"
    assert "has not come back" in finding.message
    assert (finding.step_start, finding.step_end) == (int(0.6 * n) + 1, n)


def test_a_long_weak_rise_is_seen_in_means_of_rows():
    assert isinstance(of(spiky(4000, (0.6,), height=1.7, length=24, noise=0.1)), Finding)


def test_a_spike_in_the_last_rows_is_left_open():
    finding = of(spiky(400, (0.99,)))
    assert finding.severity == "info"
    assert "too soon" in finding.message


def test_regular_spikes_and_those_of_the_learning_rate_are_expected():
    assert of(spiky(1000, (0.3, 0.5, 0.7, 0.9))).severity == "info"
    loss = spiky(1000, (0.3, 0.57, 0.9), length=20)
    rate = np.full(1000, 1e-4)
    for place in (300, 570, 900):
        rate[place : place + 20] = 1e-3
    assert isinstance(of(loss, learning_rate=rate), Pass)
    assert isinstance(check(case(cosine_restarts(2000, 0.005, np.random.default_rng(0)))), Pass)


@pytest.mark.parametrize("noise", ["gaussian", "heavy", "skewed"])
def test_noise_is_no_spike(noise):
    rng = np.random.default_rng(4)
    draw = {"gaussian": rng.standard_normal(5000) * 0.3, "heavy": 0.05 * rng.standard_t(4, 5000)}
    draw["skewed"] = -np.log(rng.gamma(4, 1 / 4, 5000)) * 0.3
    result = of(power_law(5000) * np.exp(draw[noise]))
    assert isinstance(result, Pass) or result.severity == "info"


def test_a_gradient_norm_that_shoots_up_alone_is_for_information():
    norm = np.exp(0.1 * np.random.default_rng(0).standard_normal(300))
    norm[200] = 30.0
    finding = of(spiky(300, ()), grad_norm=norm)
    assert finding.severity == "info"
    assert finding.metrics == ("grad_norm",)


@pytest.mark.parametrize("loss", [np.linspace(3, 2, 30), np.linspace(1, -1, 300)])
def test_short_logs_and_losses_below_zero_are_left_open(loss):
    assert isinstance(of(loss), NotRun)


def test_the_score_of_olmo_is_the_share_of_rows_seven_deviations_out():
    made = case({"loss": spiky(2000, (0.7,), height=5.0, length=1, noise=0.02)})
    assert spike_score(curve(made.loss)) == pytest.approx(1 / (2000 - 32))


def test_single_mistakes_among_losses_of_next_to_nothing_are_no_warning():
    rng = np.random.default_rng(0)
    calm = 0.006 * np.exp(0.4 * rng.standard_normal(400))
    calm[:7] = 2.3, 1.6, 0.9, 0.5, 0.2, 0.05, 0.02
    for height, severity in ((0.35, "info"), (1.5, "warn")):
        loss = calm.copy()
        loss[[150, 190, 260, 300, 345]] += height
        found = check(case({"loss": loss}))
        assert isinstance(found, Finding)
        assert found.severity == severity


def test_a_huge_spike_is_not_over_at_three_times_the_level_before():
    rng = np.random.default_rng(0)
    loss = noisy(np.full(600, 0.13), 0.1, rng)
    loss[300:] *= 3 + 300 * np.exp(-np.arange(300) / 4)
    found = check(case({"loss": loss}))
    assert isinstance(found, Finding)
    assert found.severity == "fail"
    assert "has not come back" in found.message
