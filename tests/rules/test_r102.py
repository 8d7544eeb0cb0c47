import pytest
from article_runs import BAD, GOOD, article, dense, kind
from make import case

from trainvitals.diagnostics.report import NotRun, Pass
from trainvitals.diagnostics.rules.r102_ratio_overfit import check


@pytest.mark.parametrize("count", [2, 3])
def test_bad_fails_by_step_500_and_stays_failed(count):
    (found,) = check(article(BAD, count))
    assert found.severity == "fail"
    assert found.remedy == "lower the article weight (5 -> 3)"
    assert "other_loss is stuck, it fell by 3 % while article_loss fell by 56 %" in found.message
    assert found.step_start == 100
    assert len(found.evidence) >= 4


def test_a_reference_that_got_worse_is_said_to_rise():
    steps, part, rest = BAD
    (found,) = check(article((steps, part, tuple(20.0 - value for value in rest))))
    assert "other_loss is stuck, it rose by 3 % while article_loss fell by 56 %" in found.message


def test_the_remedy_starts_from_the_weight_in_effect():
    (found,) = check(article(BAD, config={"article_weight": "10"}))
    assert found.remedy == "lower the article weight (10 -> 5)"


@pytest.mark.parametrize("run", [GOOD, BAD], ids=["good", "bad"])
def test_one_point_tells_no_trajectory(run):
    result = check(article(run, 1))
    assert isinstance(result, NotRun)
    assert result.reason.startswith("inconclusive")


@pytest.mark.parametrize("count", [2, 3, 4])
def test_good_passes_at_every_prefix(count):
    assert isinstance(check(article(GOOD, count)), Pass)


@pytest.mark.parametrize("noise", [0.02, 0.08])
@pytest.mark.parametrize("first", [None, 10.8], ids=["from step 100", "from step 1"])
def test_noisy_long_runs(noise, first):
    for seed in range(2):
        good = dense(GOOD, noise=noise, every=20, seed=seed, last=2500, first=first)
        assert not any(isinstance(check(article(good, n)), tuple) for n in range(1, good[0].size, 11))
        bad = dense(BAD, noise=noise / 4, seed=seed, first=first)
        assert check(article(bad, int((bad[0] <= 500).sum())))[0].severity == "fail"
        assert check(article(bad))[0].severity == "fail"


def test_nothing_is_stuck_in_the_first_steps():
    """Articles are learnt first in every run: 10.8 to 4.5 by step 100, while the other loss falls to 10.1."""
    run = dense(GOOD, noise=0.0, every=5, last=150, first=10.8)
    assert isinstance(check(article(run)), NotRun)


def test_types_without_a_weighted_class_are_not_judged():
    assert isinstance(check(case({"loss": [2.0, 1.0]})), NotRun)
    result = check(case({"loss": [2.0, 1.0], "eval/loss": [9.0, 9.0]}, loss_type=kind("softce")))
    assert isinstance(result, NotRun)


def test_absent_series_are_named():
    result = check(case({"loss": [1.0]}, loss_type=kind("article")))
    assert isinstance(result, NotRun)
    assert result.reason == "needs article_loss and other_loss"
