"""D103: a Wasserstein part that does nothing; a note, never an alarm."""

import numpy as np
import pytest
from article_runs import kind
from curves import noisy
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.d103_w1_redundant import check

T = np.linspace(0, 1, 60)
FALLS = 4 * np.exp(-T)


def judge(w1, soft_ce=FALLS, config=None):
    rng = np.random.default_rng(0)
    series = {"eval/w1": noisy(w1, 0.01, rng), "eval/soft_ce": noisy(soft_ce, 0.01, rng)}
    return check(case(series, loss_type=kind("softce"), config=config))


@pytest.mark.parametrize(
    ("w1", "config", "words"),
    [
        (np.full(60, 0.3), None, "w1 moved by"),
        (0.01 * np.exp(-T), None, "of soft_ce while"),
        (0.3 * np.exp(-T), {"w1_weight": 0.01}, "of soft_ce while"),
    ],
    ids=["flat", "tiny", "tiny with its weight"],
)
def test_a_part_that_does_nothing_is_noted(w1, config, words):
    found = judge(w1, config=config)
    assert isinstance(found, Finding)
    assert found.severity == "info"
    assert words in found.message
    assert "w1_weight = 0" in found.remedy


def test_a_part_that_falls_along_passes():
    assert isinstance(judge(0.5 * np.exp(-0.8 * T)), Pass)
    assert isinstance(judge(np.full(60, 0.3), np.full(60, 4.0)), Pass)


def test_too_little_is_not_run():
    few = judge(np.full(5, 0.3), FALLS[:5])
    assert isinstance(few, NotRun)
    assert few.applicable
    assert not check(case({"loss": [1.0]})).applicable


def test_a_part_without_weight_is_logged_on_purpose():
    assert isinstance(judge(np.full(60, 0.3), config={"w1_weight": 0}), Pass)
