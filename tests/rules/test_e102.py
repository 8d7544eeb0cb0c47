"""E102: generated sequences that are far too short or far too long."""

import numpy as np
import pytest
from article_runs import kind
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.e102_length_off import check


def judge(lengths, loss_type="eos", config=None, **more):
    count = len(lengths)
    at = np.arange(1.0, count + 1)
    series = {"loss_ce": (at, 1 / at), "loss_coords": (at, 1 / at), "eval/pred_length": (at, lengths), **more}
    return check(case(series, loss_type=kind(loss_type), config=config))


@pytest.mark.parametrize(
    ("level", "words", "remedy"),
    [(8.0, "too short: 8 tokens", "(20 -> 10)"), (200.0, "too long: 200 tokens", "(20 -> 30)")],
)
def test_lengths_far_off_warn_with_the_way_to_turn(level, words, remedy):
    found = judge([30.0, 20.0, level, level, level, level])
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert words in found.message
    assert "17 are true (usual for this loss type)" in found.message
    assert remedy in found.remedy


@pytest.mark.parametrize(
    "lengths",
    [[200.0, 60.0, 20.0, 18.0, 17.0, 17.0], [17.0] * 6, [14.0] * 6, [8.0, 8.0, 8.0, 8.0, 8.0, 17.0]],
    ids=["comes down", "right", "nearly right", "right at last"],
)
def test_lengths_that_arrive_pass(lengths):
    assert isinstance(judge(lengths), Pass)


def test_the_logged_length_goes_before_the_usual_one():
    at = np.arange(1.0, 7.0)
    assert isinstance(judge([40.0] * 6, **{"eval/target_length": (at, np.full(6, 41.0))}), Pass)
    assert "41 are true (target_length is logged)" in judge(
        [10.0] * 6, **{"test/target_length": (at, np.full(6, 41.0))}
    ).message.replace("test/", "").replace("test ", "")


def test_what_is_not_judged():
    assert isinstance(judge([8.0, 8.0]), NotRun)
    assert "planned run" in judge([8.0] * 6, config={"max_steps": 100}).reason
    unknown = judge([8.0] * 6, "softce")
    assert isinstance(unknown, NotRun)
    assert unknown.applicable
    assert not check(case({"loss": [1.0]})).applicable
