"""V103: a validation loss so far below the training loss that its answers must be known."""

import numpy as np
import pytest
from curves import noisy, power_law
from make import case

from trainvitals.diagnostics.report import Correction, Finding, NotRun, Pass
from trainvitals.diagnostics.rules.v103_validation_leak import check


def judge(below, *, n=400, evaluations=20, first=20, noise=0.03, **more):
    """A run whose validation loss is `below` times the training loss, a factor or a function of the share done."""
    rng = np.random.default_rng(0)
    course = power_law(n, 8, 1.5, 0.1)
    at = np.linspace(first, n, evaluations).astype(int)
    factor = below(at / n) if callable(below) else below
    held_out = noisy(course[at - 1] * factor, 0.02, rng)
    series = {"loss": noisy(course, noise, rng), "eval/loss": (at.astype(float), held_out), **more.pop("series", {})}
    return check(case(series, **more))


@pytest.mark.parametrize("n", [40, 400, 20_000])
@pytest.mark.parametrize("below", [0.2, 0.05, 1e-3])
def test_a_validation_loss_far_below_fails(below, n):
    found = judge(below, n=n, first=max(4, n // 20), evaluations=min(20, n // 4))
    assert isinstance(found, Finding)
    assert found.severity == "fail"
    assert "times below the training loss" in found.message


def test_a_leak_that_is_learnt_is_seen_from_where_it_shows():
    found = judge(lambda t: np.exp(-3 * t), first=1)
    assert isinstance(found, Finding)
    assert 100 < found.step_start < 300


def test_two_evaluations_suffice_near_zero():
    assert isinstance(judge(1e-3, evaluations=4, first=100), Finding)
    assert isinstance(judge(0.2, evaluations=3, first=100), NotRun)


@pytest.mark.parametrize("below", [1.0, 0.95, 0.6, 0.45, lambda t: 1 - 0.25 * t, lambda t: 1 + t])
@pytest.mark.parametrize("evaluations", [3, 6, 60])
def test_dropout_augmentation_and_gaps_pass(below, evaluations):
    assert isinstance(judge(below, evaluations=evaluations), Pass)


def test_a_validation_that_runs_ahead_is_a_note():
    found = judge(lambda t: 1 - 0.45 * t)
    assert isinstance(found, Finding)
    assert found.severity == "info"
    assert "falls faster than the training loss" in found.message
    assert isinstance(judge(lambda t: 1 - 0.45 * t, config={"dropout": 0.1}), Pass)


def test_different_units_are_there_from_the_first_evaluation():
    result = judge(0.1, first=1)
    assert isinstance(result, NotRun)
    assert "different units" in result.reason


def test_no_unit_explains_a_distance_that_grows():
    """A log of epochs: the first evaluation is made beside the first row, after an epoch in which much was learnt."""
    n = 24
    train, held_out = 0.75 + 1.4 * np.exp(-np.arange(n)), 0.0007 + np.exp(-3.0 * np.arange(n))
    assert isinstance(check(case({"loss": train, "eval/loss": held_out, "eval/acc": np.linspace(95, 100, n)})), Finding)


def test_mixed_labels_keep_the_training_loss_high():
    result = judge(0.3, config={"mixup": 0.8})
    assert "mixed labels" in result.reason
    accuracy = (np.array([100.0, 200.0, 400.0]), np.array([60.0, 75.0, 81.8]))
    result = judge(0.28, series={"eval/acc1": accuracy})
    assert "accuracy of 0.82" in result.reason


def test_a_suspected_accumulation_goes_before():
    suspected = Correction("grad_accum", "loss", 8.0, "medium", "undetermined: ...", applied=False)
    assert "8 times its level" in judge(0.1, corrections=(suspected,)).reason
    assert isinstance(judge(0.01, corrections=(suspected,)), Finding)


def test_a_training_loss_that_shot_up_is_no_leak():
    course = power_law(400, 8, 1.5, 0.1)
    raised = np.where(np.arange(400) > 150, 10, 1)
    at = np.arange(20, 401, 20)
    made = case({"loss": course * raised, "eval/loss": (at.astype(float), course[at - 1])})
    assert isinstance(check(made), Pass)


def test_parts_that_agree_speak_against_a_leak():
    course = power_law(400, 8, 1.5, 0.1)
    at = np.arange(20, 401, 20)
    parts = {"loss_ce": course / 6, "eval/loss_ce": (at.astype(float), course[at - 1] / 6)}
    assert "parts of the loss" in judge(1 / 6, series=parts).reason


def test_parts_of_the_training_loss_alone_leave_it_open():
    parts = {name: power_law(400, 1, 0.3, 0.1) for name in ("loss_ce", "loss_ce_0", "loss_ce_1")}
    assert "only training logs the parts" in judge(1 / 6, series=parts).reason


@pytest.mark.parametrize("scale", [1e-4, 1e4])
@pytest.mark.parametrize("every", [1, 5])
def test_the_verdict_depends_on_neither_units_nor_density(scale, every):
    course = scale * power_law(2000, 8, 1.5, 0.1)
    at = np.arange(100, 2001, 100)
    for below, kind in ((0.1, Finding), (0.7, Pass)):
        steps = np.arange(1.0, 2001)[::every]
        made = case({"loss": (steps, course[::every]), "eval/loss": (at.astype(float), below * course[at - 1])})
        assert isinstance(check(made), kind)


def test_without_validation_it_does_not_apply():
    result = check(case({"loss": power_law(50)}))
    assert isinstance(result, NotRun)
    assert not result.applicable
    reward = check(case({"loss": power_law(50), "eval/loss": power_law(50), "reward": np.ones(50)}))
    assert "reward" in reward.reason
