"""G103: nearly every step is clipped."""

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.g103_clip_saturation import check

N = 200


def judge(norm, limit=1.0, **more):
    series = {"loss": power_law(len(norm)), "grad_norm": norm, **more}
    return check(case(series, config={"max_grad_norm": limit} if limit else {}))


def norms(level, n=N, noise=0.3):
    return noisy(np.full(n, level), noise, np.random.default_rng(0))


@pytest.mark.parametrize("n", [60, 5000])
def test_norms_far_above_the_limit_warn(n):
    found = judge(norms(8.0, n))
    assert found.severity == "warn"
    assert found.message.startswith("100 % of the steps of the last half are clipped (norms against max_grad_norm = 1)")


def test_norms_that_stand_at_the_limit_were_logged_after_clipping():
    found = judge(np.minimum(1.0, norms(1.3)), limit=None)
    assert found.severity == "warn"
    assert "logged after clipping stand at 1" in found.message


def test_a_share_that_came_up_warns():
    share = np.where(np.arange(N) < 80, 5.0, 90.0)
    found = judge(norms(1.0), limit=None, grad_clip_fraction=share)
    assert found.severity == "warn"
    assert "90 % of the steps" in found.message


def test_a_mild_constant_clipping_is_a_note():
    found = judge(norms(1.4, noise=0.1))
    assert isinstance(found, Finding)
    assert found.severity == "info"
    always = check(case({"loss": power_law(N), "grad_clip_fraction": np.full(N, 100.0)}))
    assert always.severity == "info"


@pytest.mark.parametrize(
    "norm", [norms(0.4), noisy(5 * np.exp(-5 * np.linspace(0, 1, N)), 0.3, np.random.default_rng(2))]
)
def test_healthy_norms_pass(norm):
    assert isinstance(judge(norm), Pass)


def test_a_short_fine_tuning_is_left_open():
    result = judge(norms(6.0, 24))
    assert isinstance(result, NotRun)
    assert "of 50 needed" in result.reason


def test_without_a_limit_it_does_not_apply():
    assert not judge(norms(8.0), limit=None).applicable
    assert not judge(norms(8.0), reward=np.arange(200.0)).applicable
    assert not check(case({"loss": power_law(N)})).applicable
