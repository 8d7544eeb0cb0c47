"""No rule warns or fails on healthy runs of any shape, length and noise."""

import numpy as np
import pytest
from curves import HEALTHY
from make import case

from trainvitals.diagnostics.report import Finding, NotRun
from trainvitals.diagnostics.rules import RULES, l101_not_learning, l103_divergence, n102_hidden_nan, v101_overfitting

SIZES = ((20, 3), (60, 2), (200, 1), (2000, 1), (20_000, 1))


def found(rule, made):
    result = rule.check(made)
    findings = [f for f in (result if isinstance(result, tuple) else (result,)) if isinstance(f, Finding)]
    return [f for f in findings if f.severity != "info"]


@pytest.mark.parametrize("shape", HEALTHY, ids=lambda shape: shape.__name__)
def test_healthy_runs_are_not_faulted(shape):
    rng = np.random.default_rng(17)
    for size, repeats in SIZES:
        for noise in (0.01, 0.2):
            for _ in range(repeats):
                made = case(shape(size, noise, rng))
                assert [f.message for rule in RULES for f in found(rule, made)] == []


@pytest.mark.parametrize("rule", [l101_not_learning, l103_divergence, n102_hidden_nan])
@pytest.mark.parametrize("name", ["policy_gradient", "preference"])
def test_training_for_reward_is_not_judged_by_its_loss(rule, name):
    shape = next(s for s in HEALTHY if s.__name__ == name)
    result = rule.check(case(shape(100, 0.05, np.random.default_rng(0))))
    assert isinstance(result, NotRun)
    assert "reward" in result.reason


@pytest.mark.parametrize("rule", [l101_not_learning, l103_divergence, v101_overfitting])
def test_negative_losses_are_not_judged(rule):
    loss = np.linspace(-1, -50, 100)
    result = rule.check(case({"loss": loss, "eval/loss": loss}))
    assert isinstance(result, NotRun)
    assert "negative" in result.reason


@pytest.mark.parametrize("rule", [l101_not_learning, l103_divergence])
def test_adversarial_training_is_not_judged(rule):
    flat = np.full(200, 4.0)
    result = rule.check(case({"loss": flat, "d_loss": flat, "g_loss": flat}))
    assert isinstance(result, NotRun)
    assert "adversarial" in result.reason
