"""L108: a loss that comes to rest at the entropy of the labels."""

import math

import numpy as np
import pytest
from curves import noisy
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.l108_predicts_prior import check


def rest(level, n=200, noise=0.02, start=3.0):
    return noisy(level + (start - level) * np.exp(-np.linspace(0, 30, n)), noise, np.random.default_rng(0))


def entropy(*shares):
    return -sum(p * math.log(p) for p in shares)


@pytest.mark.parametrize(
    ("config", "level"),
    [
        ({"class_counts": [700, 200, 100]}, entropy(0.7, 0.2, 0.1)),
        ({"label_distribution": '{"a": 0.9, "b": 0.1}'}, entropy(0.9, 0.1)),
        ({"positive_rate": 0.2}, entropy(0.2, 0.8)),
        ({"vocab_size": 100}, math.log(100)),
    ],
)
def test_a_rest_at_the_prior_is_a_warning(config, level):
    finding = check(case({"loss": rest(level, start=2 * level)}, config=config))
    assert isinstance(finding, Finding)
    assert finding.severity == "warn"
    assert f"({level:.4g})" in finding.message
    assert isinstance(check(case({"loss": rest(0.8 * level, start=2 * level)}, config=config)), Pass)


def test_an_accuracy_that_never_changes_tells_the_majority_class():
    steps = np.arange(20.0, 201, 20)
    constant, moving = np.full(10, 0.85), 0.85 + 0.002 * np.arange(10)
    level = entropy(0.85, 0.15)
    assert isinstance(check(case({"loss": rest(level), "eval/accuracy": (steps, constant)})), Finding)
    assert not isinstance(check(case({"loss": rest(level), "eval/accuracy": (steps, moving)})), Finding)


def test_a_loss_that_falls_through_it_or_begins_there_passes():
    falling = np.linspace(2, 0.4, 200)
    assert isinstance(check(case({"loss": falling}, config={"positive_rate": 0.5})), Pass)
    assert isinstance(check(case({"loss": rest(math.log(50), start=math.log(50))}, config={"vocab_size": 50})), Pass)


def test_without_frequencies_or_rows_it_is_not_judged():
    assert not check(case({"loss": rest(0.5)})).applicable
    assert "inconclusive" in check(case({"loss": rest(0.5, n=10)}, config={"positive_rate": 0.2})).reason
    assert isinstance(check(case({"loss": rest(0.5)}, config={"class_counts": "unknown"})), NotRun)


@pytest.mark.parametrize(("classes", "split"), [(10, "eval/"), (3, ""), (1000, "test/")])
def test_the_accuracy_of_an_even_guess_tells_the_number_of_classes(classes, split):
    rng = np.random.default_rng(0)
    series = {"loss": rest(math.log(classes)), f"{split}accuracy": noisy(np.full(40, 1 / classes), 0.1, rng)}
    finding = check(case(series))
    assert isinstance(finding, Finding)
    assert "an even guess among about" in finding.message


@pytest.mark.parametrize(("level", "accuracy"), [(math.log(10), 0.3), (1.1, 0.65), (0.05, 0.951), (3.3, 0.37)])
def test_an_accuracy_above_that_of_a_guess_is_of_a_model_that_learnt(level, accuracy):
    series = {"loss": rest(level), "eval/accuracy": noisy(np.full(40, accuracy), 0.02, np.random.default_rng(0))}
    assert not isinstance(check(case(series)), Finding)


def test_three_accuracies_of_a_guess_are_enough_and_two_are_not():
    series = {"loss": rest(math.log(10)), "eval/accuracy": np.array([0.095, 0.1, 0.098, 0.102, 0.101, 0.099, 0.1, 0.1])}
    assert isinstance(check(case(series)), Finding)
    assert not isinstance(check(case({**series, "eval/accuracy": series["eval/accuracy"][:5]})), Finding)
