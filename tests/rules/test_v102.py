"""V102: a training loss that goes on falling while the validation loss does not follow."""

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.v102_gap_growing import check


def judge(train, held_out, evaluations=20, noise=0.004, seed=0, **more):
    """Curves over the share of the run."""
    n = 400
    rng = np.random.default_rng(seed)
    t = np.linspace(0, 1, n)
    at = np.linspace(n // evaluations, n, evaluations).astype(int)
    series = {
        "loss": noisy(train(t), 0.02, rng),
        "eval/loss": (at.astype(float), noisy(held_out(at / n), noise, rng)),
    }
    return check(case({**series, **more}))


def falling(t):
    return 3 * np.exp(-2 * t)


def stands(t):
    return 3 * np.exp(-2 * np.minimum(t, 0.35))


def creeps(t):
    return stands(t) * (1 + 0.05 * np.maximum(0, t - 0.35))


@pytest.mark.parametrize("evaluations", [8, 20, 60])
@pytest.mark.parametrize("held_out", [stands, creeps])
def test_a_growing_gap_warns(held_out, evaluations):
    found = judge(falling, held_out, evaluations)
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert "above the training loss" in found.message


def test_a_gap_of_many_times_is_told_as_such():
    found = judge(lambda t: 3 * np.exp(-8 * t), stands)
    assert isinstance(found, Finding)
    assert "times the training loss" in found.message
    assert "%" not in found.message.partition("and changed")[0]


@pytest.mark.parametrize("evaluations", [6, 20, 60])
@pytest.mark.parametrize(
    ("train", "held_out"),
    [
        (falling, lambda t: 1.3 * falling(t)),
        (falling, lambda t: 0.7 * falling(t)),
        (falling, lambda t: 3 * np.exp(-1.4 * t)),
        (stands, lambda t: 1.5 * stands(t)),
        (lambda t: 1.2 + 2 * np.exp(-6 * t), lambda t: 1.3 + 2 * np.exp(-6 * t)),
        (lambda t: power_law(t.size, 3, 1), lambda t: np.full(t.size, 1.05)),
    ],
    ids=["constant gap", "dropout", "both fall", "both stand", "converged", "constant validation"],
)
def test_healthy_gaps_pass(train, held_out, evaluations):
    for seed in range(5):
        assert isinstance(judge(train, held_out, evaluations, seed=seed), Pass)


def test_the_last_digits_of_a_memorised_set_are_no_gap():
    assert isinstance(judge(lambda t: 3 * np.exp(-9 * t), lambda t: 3 * np.exp(-9 * t) + 0.002), Pass)


@pytest.mark.parametrize("scale", [1e-4, 1e4])
def test_the_verdict_does_not_depend_on_units(scale):
    assert isinstance(judge(lambda t: scale * falling(t), lambda t: scale * stands(t)), Finding)


def test_too_little_is_not_run():
    few = judge(falling, stands, 4)
    assert isinstance(few, NotRun)
    assert few.applicable
    assert not check(case({"loss": power_law(50)})).applicable
