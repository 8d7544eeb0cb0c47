"""E104: a token loss that is learnt at the cost of the coordinates."""

import numpy as np
import pytest
from article_runs import kind
from curves import noisy
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.e104_regression_crowded_out import check


def judge(ce, coords, noise=0.01, config=None, seed=0, **more):
    rng = np.random.default_rng(seed)
    series = {"loss_ce": noisy(np.asarray(ce), noise, rng), "loss_coords": noisy(np.asarray(coords), noise, rng)}
    return check(case({**series, **more}, loss_type=kind("eos"), config=config))


def time(n):
    return np.linspace(0, 1, n)


def falls(n):
    return 0.9 * np.exp(-2 * time(n))


def turns(n):
    t = time(n)
    return 1.4 * np.exp(-1.5 * np.minimum(t, 0.4)) * np.exp(0.4 * np.maximum(0, t - 0.4))


def stands(n):
    return np.full(n, 1.4)


@pytest.mark.parametrize("n", [20, 200, 20_000])
@pytest.mark.parametrize("coords", [turns, stands])
def test_coordinates_that_stop_or_rise_warn(coords, n):
    found = judge(falls(n), coords(n))
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert found.remedy == "lower the EOS weight (20 -> 10)"


def test_the_weight_in_effect_is_lowered():
    assert "(30 -> 20)" in judge(falls(100), turns(100), config={"eos_weight": 30}).remedy


@pytest.mark.parametrize("n", [20, 200, 20_000])
@pytest.mark.parametrize(
    "coords",
    [
        lambda n: 1.4 * np.exp(-2 * time(n)),
        lambda n: 1.4 * (0.3 + 0.7 * np.exp(-12 * time(n))),
        lambda n: 1.4 * np.exp(-0.6 * time(n)),
    ],
    ids=["falls", "converged", "falls slowly"],
)
def test_healthy_coordinates_pass(coords, n):
    for seed in range(5):
        assert isinstance(judge(falls(n), coords(n), seed=seed), Pass)


def test_both_losses_at_rest_pass():
    assert isinstance(judge(np.full(100, 0.4), stands(100)), Pass)


def test_a_quality_that_rises_speaks_for_the_coordinates():
    pck = np.linspace(0.2, 0.6, 100)
    assert isinstance(judge(falls(100), stands(100), **{"eval/pck": pck}), Pass)
    assert isinstance(judge(falls(100), stands(100), **{"eval/pck": np.full(100, 0.3)}), Finding)


def test_the_two_epochs_of_the_note_are_left_open():
    result = judge([0.906, 0.607], [1.373, 1.408])
    assert isinstance(result, NotRun)
    assert result.applicable


def test_other_losses_are_not_judged():
    assert not check(case({"loss": [1.0]})).applicable


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_the_verdict_does_not_depend_on_units(scale):
    assert isinstance(judge(scale * falls(200), scale * turns(200)), Finding)
