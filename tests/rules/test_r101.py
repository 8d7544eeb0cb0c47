import pytest
from article_runs import BAD, GOOD, article, dense, kind
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.r101_ratio_out_of_band import check

NAN = float("nan")


def only(result):
    (found,) = result
    return found


def one(part, rest):
    return article(((100,), (part,), (rest,)))


@pytest.mark.parametrize("run", [GOOD, BAD], ids=["good", "bad"])
def test_both_runs_of_the_note_read_learning_at_step_100(run):
    result = check(article(run, 1))
    assert isinstance(result, Pass)
    assert result.summary == "article / other 0.45: learning"


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_good_is_never_found(count):
    assert isinstance(check(article(GOOD, count)), Pass)


def test_a_noisy_long_good_run_is_found_at_no_prefix():
    for seed in range(2):
        run = dense(GOOD, noise=0.05, every=20, seed=seed, last=3000)
        assert all(isinstance(check(article(run, n)), Pass) for n in range(1, run[0].size, 9))


@pytest.mark.parametrize(
    ("ratio", "severity", "status"),
    [
        (3.5, "fail", "struggling"),
        (3.0, "fail", "struggling"),
        (2.99, "warn", "still learning"),
        (2.0, "warn", "still learning"),
        (1.99, None, "improving"),
        (1.35, None, "nearly balanced"),
        (0.9, None, "balanced"),
        (0.6, None, "learning"),
        (0.45, None, "learning"),
    ],
)
def test_the_snapshot_bands_while_both_losses_fall(ratio, severity, status):
    result = check(one(ratio * 2, 2.0))
    if severity is None:
        assert isinstance(result, Pass)
        assert result.summary.endswith(status)
    else:
        assert (only(result).severity, status in only(result).message) == (severity, True)


@pytest.mark.parametrize(
    ("ratio", "severity"), [(3.5, "fail"), (2.5, "fail"), (1.7, "warn"), (1.3, "warn"), (1.0, None), (0.6, "warn")]
)
def test_the_bands_while_the_other_loss_is_stuck(ratio, severity):
    """The article loss halved while the other one stayed."""
    result = check(article(((100, 500), (4 * ratio, 2 * ratio), (2.0, 2.0))))
    assert (None if isinstance(result, Pass) else only(result).severity) == severity


def test_a_stuck_run_below_its_band_is_left_to_r102():
    result = check(article(BAD))
    assert isinstance(result, Pass)
    assert "R102" in result.summary


def test_the_finding_cites_both_losses_and_names_the_remedy():
    found = only(check(article(((100,), (4.2345,), (1.9876,)), config={"article_weight": 5})))
    assert found.message == "article / other is 2.13 (article_loss 4.234, other_loss 1.988): still learning"
    assert found.remedy.startswith("raise the article weight (5 -> 10)")
    assert [e.line for e in found.evidence] == [1, 1]


@pytest.mark.parametrize(("level", "expected"), [(1.0, None), (1.24, None), (0.85, None), (1.4, "warn"), (0.6, "warn")])
def test_train_and_eval_loss_of_a_soft_cross_entropy_should_agree(level, expected):
    steps = list(range(10, 101, 10))
    series = {"loss": (steps, [level * (3 - s / 50) for s in steps]), "eval/loss": ([20, 50, 80], [2.6, 2.0, 1.4])}
    result = check(case(series, loss_type=kind("softce")))
    assert (None if isinstance(result, Pass) else only(result).severity) == expected


def test_two_evaluations_are_too_few_to_compare_splits():
    series = {"loss": [4.0, 3.0, 2.0], "eval/loss": ([2, 3], [1.0, 1.0])}
    result = check(case(series, loss_type=kind("softce")))
    assert isinstance(result, NotRun)
    assert "2 matched evaluations of 3" in result.reason


def test_one_noisy_point_does_not_decide_a_long_log():
    n = 200
    part = [2.0] * (n - 1) + [9.0]
    assert isinstance(check(article((range(n), part, [2.0] * n))), Pass)


@pytest.mark.parametrize("rest", [0.0, NAN, -1.0, float("inf")])
def test_a_hostile_denominator_is_not_run(rest):
    result = check(one(1.0, rest))
    assert isinstance(result, NotRun)
    assert "share no step" in result.reason


def test_generic_runs_are_not_judged():
    result = check(case({"loss": [1.0, 2.0]}))
    assert isinstance(result, NotRun)
    assert not isinstance(result, Finding)
