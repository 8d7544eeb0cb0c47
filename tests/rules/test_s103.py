"""S103: dips of the loss where an accumulation window is not full."""

import numpy as np
import pytest
from curves import epoch_stairs, noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.s103_partial_window import check


def dipping(n, stride, share=0.5, noise=0.05):
    loss = noisy(power_law(n, 8, 2, 0.1), noise, np.random.default_rng(n))
    loss[stride - 1 :: stride] *= share
    return loss


def with_epochs(loss, stride):
    rows = np.arange(1.0, loss.size + 1)
    return case({"loss": (rows, loss, rows / stride)}, config={"gradient_accumulation_steps": 8})


@pytest.mark.parametrize(("n", "stride"), [(60, 12), (500, 83), (20_000, 2500)])
@pytest.mark.parametrize("epochs", [True, False])
def test_dips_at_a_fixed_stride_are_a_warning(n, stride, epochs):
    loss = dipping(n, stride)
    finding = check(with_epochs(loss, stride) if epochs else case({"loss": loss}))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert f"one row of every {stride}" in finding.message
    assert finding.step_start == stride
    assert not epochs or "of 8 micro-batches" in finding.message


def test_noise_stairs_and_single_dips_are_none():
    rng = np.random.default_rng(3)
    single = noisy(power_law(400), 0.03, rng)
    single[[90, 231, 300]] *= 0.5
    for loss in (noisy(power_law(400), 0.3, rng), epoch_stairs(400, 0.02, rng)["loss"], single):
        assert isinstance(check(case({"loss": loss})), Pass)
    assert isinstance(check(with_epochs(epoch_stairs(400, 0.02, rng)["loss"], 100)), Pass)


def test_without_accumulation_or_rows_it_is_not_judged():
    alone = check(case({"loss": dipping(200, 20)}, config={"gradient_accumulation_steps": 1}))
    assert isinstance(alone, NotRun)
    assert not alone.applicable
    assert "inconclusive" in check(case({"loss": dipping(20, 5)})).reason


def test_the_lowest_of_many_rows_with_heavy_tails_have_no_stride():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        loss = power_law(3000) * np.exp(0.04 * np.clip(rng.standard_t(3, 3000), -8, 12))
        assert isinstance(check(case({"loss": loss})), Pass)


@pytest.mark.parametrize("period", [4, 6, 12])
def test_a_swing_is_no_dip(period):
    wave = 0.3 * np.sin(2 * np.pi * np.arange(600) / period)
    loss = noisy(power_law(600), 0.02, np.random.default_rng(period)) * (1 + wave)
    assert isinstance(check(case({"loss": loss})), Pass)
