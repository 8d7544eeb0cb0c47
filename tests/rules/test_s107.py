import numpy as np
import pytest
from article_runs import kind
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.report import Finding, NotRun, Pass
from trainvitals.diagnostics.rules.s107_weight_not_in_effect import check, shares

NOTE = {"loss": [2.0543], "article_loss": [4.2345], "other_loss": [1.9876]}


def judge(series, weight=None):
    config = None if weight is None else {"article_weight": weight}
    return check(case(series, loss_type=kind("article"), config=config))


def weighted(share, weight, *, noise=0.0, n=50, gap=2.0):
    """Losses of a run in which the weight is in effect."""
    rest = 2 + 2 * np.exp(-np.arange(n) / 15)
    part = rest + gap + noise * np.random.default_rng(0).standard_normal(n)
    p = share * (1 + noise * np.random.default_rng(1).standard_normal(n))
    total = (weight * p * part + (1 - p) * rest) / (weight * p + 1 - p)
    return {"loss": np.round(total, 4), "article_loss": np.round(part, 4), "other_loss": np.round(rest, 4)}


def test_the_lines_of_the_note_imply_0_6_percent_at_weight_5_and_3_0_at_weight_1():
    found = judge(NOTE, 5)
    assert isinstance(found, Finding)
    assert found.severity == "warn"
    assert "0.6 % of the tokens have weight 5, against 5-9 %" in found.message
    assert "at weight 1 it would be 3.0 %" in found.message


def test_an_unknown_weight_is_not_run_and_shows_both_shares():
    result = judge(NOTE)
    assert isinstance(result, NotRun)
    assert "unknown; the losses imply a share of 0.6 % at weight 5, 3.0 % at weight 1" in result.reason


@pytest.mark.parametrize("weight", [3, 5, 10])
@pytest.mark.parametrize("share", [0.05, 0.07, 0.09])
def test_a_weight_in_effect_passes(share, weight):
    assert isinstance(judge(weighted(share, weight), weight), Pass)
    assert isinstance(judge(weighted(share, weight, noise=0.2), weight), Pass)


@pytest.mark.parametrize("weight", [3, 5, 10])
def test_a_plain_mean_is_named(weight):
    found = judge(weighted(0.07, 1), weight)
    assert isinstance(found, Finding)
    assert "the total is the plain mean, the weight is not in effect" in found.message


def test_losses_that_are_too_close_tell_nothing():
    result = judge({"loss": [2.01], "article_loss": [2.01], "other_loss": [2.0]}, 5)
    assert isinstance(result, NotRun)
    assert result.reason.startswith("inconclusive")
    assert isinstance(judge({"loss": [2.0] * 3, "article_loss": [2.0] * 3, "other_loss": [2.0] * 3}, 5), NotRun)


def test_coarse_digits_widen_the_interval():
    """2.1, 4.2 and 2.0 could be anything from no articles to 3 % of them at weight 5: no claim with one decimal."""
    wide = judge({"loss": [2.6], "article_loss": [4.2], "other_loss": [2.0]}, 5)
    assert not isinstance(wide, tuple)


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ({"article_loss": [1.0], "other_loss": [2.0]}, "no loss is logged"),
        ({"loss": [np.nan], "article_loss": [1.0], "other_loss": [2.0]}, "share no step"),
    ],
)
def test_what_is_absent_is_named(series, reason):
    result = judge(series, 5)
    assert isinstance(result, NotRun)
    assert reason in result.reason
    assert isinstance(check(case({"loss": [1.0]})), NotRun)


@given(st.floats(0.001, 0.5), st.floats(1, 20), st.floats(0.5, 9), st.floats(0.1, 5))
@settings(max_examples=100, deadline=None)
def test_the_formula_inverts_the_weighted_mean(p, weight, rest, gap):
    part = rest + gap
    total = (weight * p * part + (1 - p) * rest) / (weight * p + 1 - p)
    implied = shares(np.array([total]), np.array([part]), np.array([rest]), weight)[0]
    assert implied == pytest.approx(p, rel=1e-4)
