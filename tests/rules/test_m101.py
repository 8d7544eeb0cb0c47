"""M101: one task that makes up nearly all of the total."""

import numpy as np
import pytest
from article_runs import kind
from curves import noisy
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.m101_task_dominance import check

T = np.linspace(0, 1, 100)
FALLS = np.exp(-2 * T)


def judge(ce, coords, config=None):
    rng = np.random.default_rng(0)
    ce, coords = noisy(np.asarray(ce, float), 0.01, rng), noisy(np.asarray(coords, float), 0.01, rng)
    series = {"loss": ce + 5 * coords, "loss_ce": ce, "loss_coords": coords}
    return check(case(series, loss_type=kind("eos"), config=config))


def test_a_dominant_task_is_noted():
    (one,) = judge(0.1 * FALLS, 1.4 * FALLS)
    assert one.severity == "info"
    assert "loss_coords is 99 % of loss" in one.message


def test_a_dominant_task_beside_one_that_stalls_warns():
    (one,) = judge(0.9 + 0 * T, 14 * FALLS)
    assert one.severity == "warn"
    assert "while loss_ce does not fall" in one.message


def test_a_flat_cross_entropy_may_have_been_learnt_before():
    (one,) = judge(0.1 + 0 * T, 1.4 * FALLS)
    assert one.severity == "info"


@pytest.mark.parametrize(("ce", "coords"), [(5 * FALLS, FALLS), (3 * FALLS, 0.4 * FALLS), (3 + 0 * T, FALLS)])
def test_tasks_of_one_size_pass(ce, coords):
    assert isinstance(judge(ce, coords), Pass)


def test_a_regulariser_is_meant_to_be_small_and_flat():
    made = {"loss": 4 * FALLS + 0.03, "base_ce": 2 * FALLS, "soft_ce": 2 * FALLS, "gate": np.full(100, 0.03)}
    assert isinstance(check(case(made, loss_type=kind("softce"), config={"gate_weight": 1.0})), Pass)
    alone = {"loss": 4 * FALLS + 0.03, "base_ce": 0.01 * FALLS, "soft_ce": 3.99 * FALLS, "gate": np.full(100, 0.03)}
    (one,) = check(case(alone, loss_type=kind("softce"), config={"gate_weight": 1.0}))
    assert one.severity == "info"


def test_what_is_not_judged():
    assert not check(case({"loss": [1.0]})).applicable
    few = check(case({"loss": [1.0], "loss_ce": [1.0], "loss_coords": [0.1]}, loss_type=kind("eos")))
    assert isinstance(few, NotRun)
    assert few.applicable
