"""Ratios at matched steps and the trajectory that decides what they mean."""

from dataclasses import replace

import numpy as np
import pytest
from article_runs import BAD, GOOD, article, dense, kind
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.ratio import (
    PRIOR_NOISE,
    band_of,
    fall,
    half_unit,
    matched,
    path_of,
    ratio_values,
    reading,
    recent,
    trajectory,
)

NAN = float("nan")
RATIO = kind("article").ratios[0]


def status(made):
    found = ratio_values(made, RATIO)
    return reading(band_of(RATIO, recent(found.value)), path_of(found)).status


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (GOOD, ["learning", "learning", "balanced", "balanced"]),
        (BAD, ["learning", "overfitting", "overfitting"]),
    ],
    ids=["good", "bad"],
)
def test_the_runs_of_the_note_at_every_step(run, expected):
    assert [status(article(run, n)) for n in range(1, len(expected) + 1)] == expected


def test_the_falls_by_step_500_are_those_of_the_definition():
    """BAD: 3 % against 56 %; GOOD: 36 % against 29 %."""
    bad = trajectory(np.array(BAD[1][:2]), np.array(BAD[2][:2]))
    good = trajectory(np.array(GOOD[1][:2]), np.array(GOOD[2][:2]))
    assert (bad.stuck, good.stuck) == (True, False)
    assert (bad.reference_fall, bad.weighted_fall) == pytest.approx((0.0297, 0.5556), abs=1e-4)
    assert (good.reference_fall, good.weighted_fall) == pytest.approx((0.3564, 0.2889), abs=1e-4)


def test_a_run_stays_stuck_until_the_reference_falls_again():
    """From 500 to 1000 the article loss falls by 10 % only, so a fifth of it no longer exceeds the 3 % of the other."""
    part, rest = np.array(BAD[1]), np.array(BAD[2])
    assert trajectory(part, rest).stuck
    assert not trajectory(np.append(part, 1.7), np.append(rest, 5.0)).stuck


@pytest.mark.parametrize("noise", [0.03, 0.1])
@pytest.mark.parametrize("start", [None, 10.8], ids=["from step 100", "from step 1"])
@pytest.mark.parametrize("every", [10, 50])
def test_a_noisy_good_run_is_never_stuck_below_its_band(noise, start, every):
    for seed in range(2):
        steps, part, rest = dense(GOOD, noise=noise, every=every, seed=seed, last=3000, first=start)
        for n in sorted(
            {*range(2, 12, 2), *np.linspace(12, steps.size, 8).astype(int)} & set(range(1, steps.size + 1))
        ):
            assert status(article((steps, part, rest), n)) != "overfitting", (seed, steps[n - 1])


@pytest.mark.parametrize("noise", [0.01, 0.03])
@pytest.mark.parametrize("start", [None, 10.8], ids=["from step 100", "from step 1"])
def test_a_noisy_bad_run_overfits_from_step_500_on(noise, start):
    for seed in range(2):
        steps, part, rest = dense(BAD, noise=noise, seed=seed, last=1500, first=start)
        for last in (500, 700, 1000, 1500):
            n = int(np.searchsorted(steps, last, side="right"))
            assert status(article((steps, part, rest), n)) == "overfitting", (seed, last)


def test_a_run_whose_losses_both_stopped_is_not_stuck():
    rng = np.random.default_rng(1)
    part, rest = (level * np.exp(0.03 * rng.standard_normal(300)) for level in (2.0, 2.3))
    assert not trajectory(part, rest).stuck


def test_a_million_points_are_thinned_and_keep_their_indices():
    steps = np.arange(200_000, dtype=float)
    part, rest = 2 + 2.5 * np.exp(-steps / 30_000), np.full(steps.size, 9.8)
    path = trajectory(part, rest, steps)
    assert path.stuck
    assert 0 <= path.since < path.until < steps.size


def test_a_ratio_is_formed_at_matched_steps_only():
    made = case(
        {"article_loss": ([1, 2, 3, 4], [2.0, NAN, 3.0, 4.0]), "other_loss": ([2, 3, 4, 5], [1.0, 2.0, 0.0, 1.0])},
        loss_type=kind("article"),
    )
    found = ratio_values(made, RATIO)
    assert found.points.step.tolist() == [3.0]
    assert found.value.tolist() == [1.5]


def test_without_steps_values_of_one_line_belong_together():
    made = case({"a": [1.0, 2.0, 3.0], "b": ([2, 3], [4.0, 8.0])})
    a, b = (replace(s, step=np.full(len(s), NAN)) for s in made.run.series)
    assert matched(a, b).values.tolist() == [[2.0, 3.0], [4.0, 8.0]]


@pytest.mark.parametrize(
    ("series", "reason"),
    [
        ({}, "needs article_loss and other_loss"),
        ({"article_loss": [1.0]}, "needs article_loss and other_loss"),
        ({"article_loss": [1.0, 1.0], "other_loss": [0.0, 0.0]}, "share no step with positive finite values"),
        ({"article_loss": [1.0], "other_loss": [NAN]}, "share no step with positive finite values"),
        ({"article_loss": [float("inf")], "other_loss": [1.0]}, "share no step with positive finite values"),
        ({"article_loss": ([1], [1.0]), "other_loss": ([2], [1.0])}, "share no step with positive finite values"),
    ],
)
def test_a_ratio_that_cannot_be_formed_says_why(series, reason):
    assert reason in ratio_values(case(series, loss_type=kind("article")), RATIO)


def test_a_ratio_between_splits_is_interpolated():
    ratio = kind("softce").ratios[0]
    made = case({"loss": ([10, 20, 30], [4.0, 3.0, 2.0]), "eval/loss": ([5, 15, 30, 40], [1.0, 3.5, 4.0, 1.0])})
    found = ratio_values(made, ratio)
    assert found.points.step.tolist() == [15.0, 30.0]
    assert found.value.tolist() == [1.0, 0.5]


def test_a_ratio_logged_on_held_out_data_only_is_read_there():
    made = case({"eval/article_loss": [3.0], "eval/other_loss": [2.0]}, loss_type=kind("article"))
    assert ratio_values(made, RATIO).value.tolist() == [1.5]


positive = st.floats(1e-6, 1e6)


@given(st.lists(st.tuples(positive, positive), min_size=2, max_size=40))
@settings(max_examples=60, deadline=None)
def test_a_trajectory_has_finite_falls_below_one_and_ordered_bounds(pairs):
    part, rest = (np.array(column) for column in zip(*pairs, strict=True))
    path = trajectory(part, rest)
    assert path.weighted_fall < 1
    assert path.reference_fall < 1
    assert (path.since, path.until) == (-1, -1) if not path.stuck else 0 <= path.since < path.until < part.size


@given(positive, positive)
def test_the_fall_of_two_points_is_one_minus_their_quotient(first, last):
    assert fall(np.array([first, last])) == pytest.approx(1 - last / first, rel=1e-6, abs=1e-9)


def test_a_fall_needs_two_positive_points():
    assert np.isnan(fall(np.array([1.0])))
    assert np.isnan(fall(np.array([1.0, 0.0])))
    assert np.isnan(fall(np.array([])))


@given(st.decimals(0, 1000, places=4).map(float))
def test_half_a_unit_covers_what_rounding_removed(value):
    printed = float(f"{value:.4f}")
    assert abs(printed - value) <= half_unit(np.array([printed])) * 1.0001


def test_the_last_place_is_read_from_the_longest_number():
    assert half_unit(np.array([2.0543, 4.23])) == pytest.approx(5e-5)
    assert half_unit(np.array([2.0])) == pytest.approx(0.5)
    assert half_unit(np.array([NAN])) == pytest.approx(0.5)


def test_few_points_do_not_tell_their_noise():
    """A fall of 20 % in two points is within the noise that is assumed of them."""
    assert 3 * PRIOR_NOISE * np.sqrt(2) > 0.2
    assert not trajectory(np.array([1.0, 0.8]), np.array([1.0, 1.0])).stuck
