"""V101: validation that rises above its best while training goes on."""

import numpy as np
import pytest
from curves import noisy
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.v101_overfitting import check

STEPS = np.arange(1.0, 1001)


def train(seed=0):
    return STEPS, noisy(1 + 3 * np.exp(-np.linspace(0, 6, 1000)), 0.03, np.random.default_rng(seed))


def evaluated(values):
    return np.round(np.linspace(1000 / len(values), 1000, len(values))), np.asarray(values)


def valley(n, rise):
    """Falls until half of the run and then rises by a share of its best."""
    t = np.linspace(0, 1, n)
    return 1 + 2 * np.exp(-12 * np.minimum(t, 0.5)) + rise * np.maximum(0, t - 0.5) / 0.5


def judged(values, noise=0.0, seed=0, **more):
    values = noisy(np.asarray(values, float), noise, np.random.default_rng(seed))
    return check(case({"loss": train(), "eval/loss": evaluated(values), **more}))


@pytest.mark.parametrize(
    ("n", "noise"), [(5, 0.0), (8, 0.01), (12, 0.02), (19, 0.02), (40, 0.02), (200, 0.05), (20_000, 0.1)]
)
def test_a_rise_by_half_fails(n, noise):
    steps = np.linspace(1, 1000, n) if n > 1000 else evaluated(np.ones(n))[0]
    values = noisy(valley(n, 0.5), noise, np.random.default_rng(n))
    finding = check(case({"loss": train(), "eval/loss": (steps, values)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert 300 < finding.step_start < 700
    assert finding.step_end == 1000
    assert "keeps falling" in finding.message


@pytest.mark.parametrize(
    ("values", "severity"),
    [
        ([0.65, 0.60, 0.62, 0.70, 0.85], "fail"),  # a fine-tuning of five epochs
        ([0.60, 0.75, 1.10], "fail"),  # worse from the second epoch on
        ([0.60, 0.58, 0.57, 0.90], "fail"),  # a single evaluation after the best, but far off
        ([0.65, 0.60, 0.58, 0.60], None),  # one evaluation, 3 %
        ([0.65, 0.60, 0.62, 0.61, 0.63], None),  # wobbles
        ([2.0, 1.8, 1.7, 1.65, 1.63], None),  # still falls
        ([1.0, 1.0, 1.0, 1.0, 1.0, 1.0], None),
    ],
)
def test_few_evaluations_must_speak_clearly(values, severity):
    result = judged(values)
    assert (result.severity if isinstance(result, Finding) else None) == severity


def test_a_slight_rise_after_a_long_fall_is_for_information():
    """A detector after 500 epochs: 34 to 8.03, then 1.9 % up, with the precision as good as ever."""
    epochs = np.linspace(0, 1, 500)
    loss = 8.0 + 26 * np.exp(-epochs * 20)
    loss = noisy(loss * (1 + 0.022 * np.maximum(0, epochs - 0.7) / 0.3), 0.003, np.random.default_rng(0))
    result = check(case({"loss": train(), "eval/loss": evaluated(loss)}))
    assert isinstance(result, Finding)
    assert result.severity == "info"


def test_a_rise_of_some_percent_is_information_while_quality_holds_and_a_warning_while_it_falls():
    t = np.linspace(0, 1, 60)
    quality = {"eval/accuracy": evaluated(0.9 + 0.01 * t)}
    worse = {"eval/accuracy": evaluated(0.9 - 0.1 * t)}
    severities = [judged(valley(60, 0.06), 0.002, **more) for more in (quality, worse, {})]
    assert [r.severity for r in severities if isinstance(r, Finding)] == ["info", "warn", "warn"]


@pytest.mark.parametrize(("course", "severity"), [("flat", "warn"), ("missing", "warn"), ("rising", None)])
def test_without_a_falling_training_loss_it_is_no_failure(course, severity):
    series = {"eval/loss": evaluated(valley(40, 0.5))}
    if course != "missing":
        series["loss"] = (STEPS, np.where(course == "rising", 1 + 2 * np.abs(STEPS / 1000 - 0.4), 1.5))
    result = check(case(series))
    assert (result.severity if isinstance(result, Finding) else None) == severity


@pytest.mark.parametrize("n", [20, 60, 200, 500])
@pytest.mark.parametrize("shape", [lambda t: 2 + 6 * np.exp(-t * 4), lambda t: 1 + np.exp(-t * 50), np.ones_like])
def test_noise_around_a_healthy_validation_is_seldom_taken_for_a_rise(n, shape):
    """The usual rule, 2 % above the best with patience 5, fires on most of these."""
    t = np.linspace(0, 1, n)
    found = [judged(shape(t), 0.03, seed) for seed in range(40)]
    assert sum(isinstance(r, Finding) and r.severity != "info" for r in found) <= 2


@pytest.mark.parametrize("n", [3, 6, 10, 19])
def test_few_noisy_evaluations_are_seldom_taken_for_a_rise(n):
    found = [judged(np.ones(n), 0.03, seed) for seed in range(60)]
    assert sum(isinstance(r, Finding) for r in found) <= 3


def test_a_restarted_learning_rate_leaves_it_open():
    rate = np.where(STEPS > 600, 1e-3, 1e-3 * (1.05 - STEPS / 600))
    result = judged(valley(40, 0.5), learning_rate=(STEPS, rate))
    assert isinstance(result, NotRun)
    assert "restarted" in result.reason


def test_the_test_split_stands_in_for_a_missing_validation():
    result = check(case({"loss": train(), "test/loss": evaluated(valley(40, 0.5))}))
    assert isinstance(result, Finding)
    assert result.message.startswith("test/loss was best")


@pytest.mark.parametrize("series", [{"loss": [1.0, 2.0]}, {"loss": [1.0], "eval/loss": [1.0, 2.0]}])
def test_without_evaluations_it_says_why(series):
    assert isinstance(check(case(series)), NotRun)


@given(scale=st.floats(1e-4, 1e4), unit=st.floats(0.01, 1e4), rise=st.sampled_from([0.0, 0.5]))
@settings(max_examples=25, deadline=None)
def test_the_verdict_depends_on_no_unit(scale, unit, rise):
    steps, values = evaluated(scale * noisy(valley(40, rise), 0.02, np.random.default_rng(0)))
    loss_steps, loss = train()
    result = check(case({"loss": (unit * loss_steps, scale * loss), "eval/loss": (unit * steps, values)}))
    assert (result.severity if isinstance(result, Finding) else None) == ("fail" if rise else None)


@pytest.mark.parametrize("rise", [0.0, 0.5])
@pytest.mark.parametrize("change", ["twice", "half"])
def test_the_verdict_depends_on_no_density(rise, change):
    steps, values = evaluated(noisy(valley(500, rise), 0.02, np.random.default_rng(0)))
    chosen = (np.repeat(steps, 2), np.repeat(values, 2)) if change == "twice" else (steps[::2], values[::2])
    result = check(case({"loss": train(), "eval/loss": chosen}))
    assert isinstance(result, Finding if rise else Pass)


def remembering(n, sd, phi, rng):
    steps = sd * np.sqrt(1 - phi**2) * rng.standard_normal(n)
    values = [sd * rng.standard_normal()]
    for step in steps[1:]:
        values.append(phi * values[-1] + step)
    return np.array(values)


def alarms(evaluations, bend, sd, phi, count, runs=60):
    """How many of `runs` validation curves, of this shape and with noise of this memory, are called overfitting."""
    rng = np.random.default_rng([evaluations, count])
    found = 0
    for _ in range(runs):
        at = np.linspace(1 / evaluations, 1, evaluations)
        curve = bend(at) * np.exp(remembering(evaluations, sd, phi, rng))
        train = np.linspace(3.0, 1.0, 300) * np.exp(0.03 * rng.standard_normal(300))
        result = check(case({"loss": train, "eval/loss": (300 * at, curve)}))
        found += isinstance(result, Finding) and result.severity != "info"
    return found


def settles(at):
    return 1.6 + np.exp(-8 * at)


def turns(at):
    return (1.6 + 1.6 * np.exp(-10 * at)) * (1 + 0.2 * np.maximum(0, (at - 0.4) / 0.6))


@pytest.mark.parametrize("evaluations", [4, 8, 12, 20, 35, 60, 100])
@pytest.mark.parametrize(("sd", "phi"), [(0.03, 0.0), (0.03, 0.5), (0.03, 0.9)])
def test_evaluations_that_share_their_luck_seldom_look_like_overfitting(evaluations, sd, phi):
    assert alarms(evaluations, settles, sd, phi, 1) <= 4


@pytest.mark.parametrize("evaluations", [8, 12, 20, 35, 60, 100, 400])
def test_a_rise_by_a_fifth_in_one_percent_of_noise_is_seen(evaluations):
    assert alarms(evaluations, turns, 0.01, 0.5, 2) >= 48
