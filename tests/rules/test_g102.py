"""G102: a gradient norm that dies away while there is still something to learn."""

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.g102_gradient_vanishing import check


def judge(norm, loss=None, **more):
    norm = np.asarray(norm, float)
    return check(case({"loss": power_law(norm.size) if loss is None else loss, "grad_norm": norm, **more}))


@pytest.mark.parametrize("n", [24, 200, 5000])
@pytest.mark.parametrize("factor", [1e4, 1e8])
def test_a_norm_that_vanishes_warns(n, factor):
    t = np.linspace(0, 1, n)
    norm = noisy(np.exp(-np.minimum(1, 2 * t) * np.log(factor)), 0.3, np.random.default_rng(0))
    (one,) = judge(norm)
    assert one.severity == "warn"
    assert 0.1 * n < one.step_start < 0.6 * n


def test_a_head_whose_gradient_is_cut_off_warns():
    head = np.where(np.arange(100) < 60, 0.4, 0.0)
    (one,) = judge(np.ones(100), y_head_grad_norm=head)
    assert one.metrics == ("y_head_grad_norm",)
    assert "exactly 0 over its last 40 rows, 0.4 before" in one.message


@pytest.mark.parametrize("n", [24, 200, 5000])
def test_healthy_norms_pass(n):
    t = np.linspace(0, 1, n)
    rng = np.random.default_rng(1)
    assert isinstance(judge(noisy(50 * np.exp(-np.log(200) * t), 0.3, rng)), Pass)
    first = np.where(np.arange(n) < max(2, n // 50), 1e5, 1.0)
    assert isinstance(judge(noisy(first, 0.3, rng)), Pass)


def test_a_memorised_set_has_no_gradient_left():
    fade = np.exp(-12 * np.linspace(0, 1, 400))
    assert isinstance(judge(fade, 4 * fade + 1e-4), Pass)


def test_a_norm_that_falls_with_its_loss_scale_passes():
    scale = 2.0 ** -np.repeat(np.arange(14), 20) * 65536
    assert isinstance(judge(noisy(scale, 0.2, np.random.default_rng(0)), loss_scale=scale), Pass)


def test_a_head_that_was_always_frozen_passes():
    assert isinstance(judge(np.ones(100), x_head_grad_norm=np.zeros(100)), Pass)


def test_what_is_not_judged():
    assert isinstance(judge(np.geomspace(1, 1e-6, 10)), NotRun)
    reward = judge(np.geomspace(1, 1e-6, 100), reward=np.arange(100.0))
    assert "reward" in reward.reason
    assert not check(case({"loss": power_law(50)})).applicable


@pytest.mark.parametrize("name", ["gradient_std/encoder.weight", "gradient_mean/encoder.weight"])
def test_statistics_over_the_elements_of_a_gradient_are_no_norms(name):
    fading = np.exp(-20 * np.linspace(0, 1, 200))
    assert isinstance(check(case({"loss": power_law(200), name: fading})), NotRun)
    (one,) = check(case({"loss": power_law(200), "grad_norm/mean": fading}))
    assert one.severity == "warn"
