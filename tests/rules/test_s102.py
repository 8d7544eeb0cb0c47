"""S102: a loss that is logged in another unit from one row on."""

import numpy as np
import pytest
from curves import noisy, power_law
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.s102_scale_change import check


def changed(n, factor, noise=0.03, at=0.6, seed=0):
    loss = noisy(power_law(n), noise, np.random.default_rng(seed))
    return np.where(np.arange(n) >= at * n, factor, 1.0) * loss


@pytest.mark.parametrize("factor", [2, 4, 8, 16, 1 / 4, 1 / 8])
@pytest.mark.parametrize(("n", "noise"), [(100, 0.01), (200, 0.03), (2000, 0.1), (50_000, 0.1)])
def test_a_jump_by_a_factor_is_a_change_of_unit(factor, n, noise):
    finding = check(case({"loss": changed(n, factor, noise)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert finding.step_start == pytest.approx(0.6 * n + 1, abs=1)
    assert (f"x{factor:g}" if factor > 1 else f"1/{1 / factor:g}") in finding.message
    assert [e.line for e in finding.evidence[:2]] == [finding.step_start - 1, finding.step_start]


@pytest.mark.parametrize("factor", [3, 5, 10, 100])
def test_any_whole_factor_above_the_first_losses_is_a_change_of_unit(factor):
    assert isinstance(check(case({"loss": changed(2000, factor, 0.03) * np.linspace(1, 0.8, 2000)})), Finding)


def test_a_half_is_told_from_the_end_of_an_epoch_by_a_witness():
    loss = changed(400, 0.5, at=0.5)
    assert isinstance(check(case({"loss": loss})), Pass)
    unmoved = (np.arange(20.0, 401, 20), power_law(20, 4, 2.2, 0.2))
    told = check(case({"loss": loss, "eval/loss": unmoved}))
    assert "the held-out loss goes on unmoved" in told.message
    norm = np.where(np.arange(400) >= 200, 0.5, 1.0)
    assert "the gradient norm jumps with it" in check(case({"loss": loss, "grad_norm": norm})).message


def test_a_factor_that_is_no_whole_one_needs_the_held_out_loss():
    loss = changed(400, 1 / np.log(1.6))
    assert isinstance(check(case({"loss": loss})), Pass)
    assert isinstance(
        check(case({"loss": loss, "eval/loss": (np.arange(20.0, 401, 20), power_law(20, 4, 2.2, 0.2))})), Finding
    )


def test_sums_of_log_likelihoods_are_judged_by_their_size():
    finding = check(case({"loss": -changed(400, 4)}))
    assert isinstance(finding, Finding)


def test_a_divergence_a_spike_and_stairs_are_none():
    t = np.linspace(0, 1, 1000)
    rng = np.random.default_rng(1)
    ramp = noisy(power_law(1000), 0.02, rng) * np.exp(np.log(4) * np.clip((t - 0.6) / 0.03, 0, 1))
    spike = noisy(power_law(1000), 0.02, rng)
    spike[600:612] *= 4
    stairs = 2.0 * 0.5 ** np.floor(4 * np.linspace(0, 1, 1000, endpoint=False))
    for loss in (ramp, spike, noisy(stairs, 0.02, rng)):
        assert isinstance(check(case({"loss": loss})), Pass)


@pytest.mark.parametrize("loss", [[3.0, 2.0, 1.0], np.linspace(-1, 1, 50)])
def test_too_few_rows_and_changing_signs_are_left_open(loss):
    result = check(case({"loss": loss}))
    assert isinstance(result, NotRun)
    assert "inconclusive" in result.reason


@given(
    scale=st.floats(1e-3, 1e4),
    change=st.sampled_from(["none", "twice", "half"]),
    factor=st.sampled_from([1.0, 4.0]),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_the_verdict_depends_on_neither_units_nor_density(scale, change, factor, seed):
    n = 2000
    steps, loss = np.arange(1.0, n + 1), scale * changed(n, factor, 0.05, seed=seed)
    if change == "twice":
        steps, loss = np.repeat(steps, 2), np.repeat(loss, 2)
    if change == "half":
        steps, loss = steps[::2], loss[::2]
    assert isinstance(check(case({"loss": (steps, loss)})), Finding) == (factor != 1.0)


@pytest.mark.parametrize("seed", range(12))
def test_noise_that_wanders_by_a_third_is_no_change_of_unit(seed):
    rng = np.random.default_rng(seed)
    noise = np.zeros(200)
    for i in range(1, 200):
        noise[i] = 0.8 * noise[i - 1] + 0.18 * rng.standard_normal()
    assert isinstance(check(case({"loss": np.linspace(5, 3, 200) * np.exp(noise)})), Pass)


def breakthrough(n, factor, rng):
    level = np.where(np.arange(n) < n // 2, 1.0, 1 / factor)
    return noisy(power_law(n, first=3, floor=1) * level, 0.02, rng)


@pytest.mark.parametrize("factor", [3.02, 4.1, 7.9, 12.0])
def test_a_breakthrough_takes_the_held_out_loss_along(factor):
    rng = np.random.default_rng(0)
    series = {"loss": breakthrough(200, factor, rng), "eval/loss": breakthrough(200, 1.12 * factor, rng)}
    assert isinstance(check(case(series)), Pass)


def test_a_jump_back_to_the_start_by_an_odd_factor_is_left_to_divergence():
    loss = noisy(
        np.where(np.arange(200) < 120, power_law(200, first=6, floor=1.2), 9.0), 0.03, np.random.default_rng(0)
    )
    assert isinstance(check(case({"loss": loss})), Pass)


@pytest.mark.parametrize("n", [20, 30, 50])
@pytest.mark.parametrize("factor", [4, 1 / 4, 8])
def test_beside_a_held_out_loss_a_falling_train_loss_shows_its_jump(n, factor):
    """A log of epochs, in which every row has both losses; the model still learns when the unit changes."""
    rng = np.random.default_rng(n)
    course = 2.3 * (0.15 + 0.85 * np.exp(-6 * np.arange(n) / n))
    held_out, loss = (course * scale * np.exp(0.01 * rng.standard_normal(n)) for scale in (1.1, 1.0))
    loss[n // 2 :] *= factor
    found = check(case({"loss": loss, "eval/loss": held_out}))
    assert isinstance(found, Finding)
    assert found.step_start == n // 2 + 1
    assert "the held-out loss goes on unmoved" in found.message
    calm = check(case({"loss": loss / np.where(np.arange(n) < n // 2, 1, factor), "eval/loss": held_out}))
    assert not isinstance(calm, Finding)


def test_a_loss_that_fell_a_thousandfold_needs_a_held_out_loss_to_show_its_jump():
    rng = np.random.default_rng(0)
    course = 0.7 * np.exp(-np.minimum(np.arange(225) / 10, 7))
    loss, held_out = (course * np.exp(0.3 * rng.standard_normal(225)) for _ in range(2))
    loss[135:] *= 8
    assert isinstance(check(case({"loss": loss, "eval/loss": held_out})), Finding)
    assert not isinstance(check(case({"loss": loss})), Finding)
