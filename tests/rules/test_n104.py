"""N104: a value that repeats itself although it had been moving."""

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.n104_frozen_metric import check


def loss(n=200, noise=0.03, seed=0):
    return noisy(power_law(n), noise, np.random.default_rng(seed))


def frozen(n=200, at=0.6, digits=4):
    values = np.round(loss(n), digits)
    values[int(at * n) :] = values[int(at * n)]
    return values


@pytest.mark.parametrize("digits", [2, 3, 4, 12])
@pytest.mark.parametrize("n", [30, 200, 5000])
def test_a_loss_that_stands_still_is_a_failure(n, digits):
    finding = check(case({"loss": frozen(n, digits=digits)}))
    assert isinstance(finding, Finding)
    assert finding.severity == "fail"
    assert (finding.step_start, finding.step_end) == (int(0.6 * n) + 1, n)
    assert "to the end of the log" in finding.message


def test_validation_and_gradient_norm_are_looked_at_too():
    for name in ("eval/loss", "grad_norm"):
        values = frozen(60)
        assert check(case({"loss": loss(60), name: values})).metrics == (name.removeprefix("eval/"),)


def test_a_loss_that_never_moves_needs_more_rows():
    assert isinstance(check(case({"loss": np.full(40, 0.693147)})), Finding)
    assert isinstance(check(case({"loss": np.full(12, 0.693147)})), Finding)
    assert isinstance(check(case({"loss": np.full(8, 0.693147)})), Pass)


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_rounding_repeats_values_of_a_converged_loss(digits):
    rng = np.random.default_rng(1)
    for noise in (0.0, 0.001, 0.01):
        for floor in (0.001, 0.03, 0.8, 2.0):
            values = np.round(noisy(floor + 2 * np.exp(-np.linspace(0, 30, 300)), noise, rng), digits)
            assert isinstance(check(case({"loss": values})), Pass)


def test_values_that_are_carried_forward_repeat_anyway():
    assert isinstance(check(case({"loss": np.repeat(loss(40), 10)})), Pass)


def test_a_clipped_norm_zeros_and_a_rate_of_zero_are_others_business():
    norm = np.minimum(np.exp(np.random.default_rng(0).standard_normal(200)), 1.0)
    norm[100:] = 1.0
    assert isinstance(check(case({"loss": loss(), "grad_norm": norm})), Pass)
    zeros = loss()
    zeros[120:] = 0.0
    assert isinstance(check(case({"loss": zeros})), Pass)
    rate = np.where(np.arange(200) < 110, 1e-4, 0.0)
    assert isinstance(check(case({"loss": frozen(), "learning_rate": rate})), Pass)


def test_too_few_rows_and_rewards_are_left_open():
    assert "inconclusive" in check(case({"loss": [3.0, 2.0]})).reason
    assert isinstance(check(case({"loss": frozen(), "reward": loss()})), NotRun)


EVALUATIONS = [3.913771629333496, 3.7275593280792236, *[3.681691884994507] * 4]


def judged_at(values):
    steps = np.arange(1.0, len(values) + 1) * 30
    return check(case({"loss": loss(), "eval/loss": (steps, values)}))


def test_evaluations_of_many_digits_are_equal_only_if_the_weights_are():
    found = judged_at(EVALUATIONS)
    assert isinstance(found, Finding)
    assert found.severity == "fail"
    assert (found.step_start, found.step_end) == (90, 180)


def test_evaluations_of_few_digits_must_have_moved_far():
    assert isinstance(judged_at([3.91, 3.72, *[3.6817] * 8]), Finding)
    assert isinstance(judged_at([3.91, 3.72, *[3.6817] * 7]), Pass)
    assert isinstance(judged_at([3.6842, 3.6823, 3.6818, *[3.6817] * 9]), Pass)


@pytest.mark.parametrize(
    "values",
    [EVALUATIONS[:-1], np.round(EVALUATIONS, 4), np.repeat(EVALUATIONS[:3], 4), EVALUATIONS[1:], [*EVALUATIONS, 3.6]],
    ids=["fewer", "rounded", "carried forward", "too early", "moving again"],
)
def test_other_equal_evaluations_are_left(values):
    assert isinstance(judged_at(values), Pass)
