"""Curves of groups and their differences, and ratios over their bands."""

import altair as alt
import numpy as np
import pytest
from article_runs import BAD, GOOD, article, dense
from compared_runs import level
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.diagnostics.charts import styles
from trainvitals.diagnostics.charts.groups import differences, group_curves, mean_and_range
from trainvitals.diagnostics.charts.ratios import ratio_chart
from trainvitals.diagnostics.compare.axis import Points
from trainvitals.diagnostics.compare.comparing import compare
from trainvitals.diagnostics.trial_ratio import state, with_bounds


def points(x, y):
    return Points(np.asarray(x, float), np.asarray(y, float))


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40), min_size=2, max_size=4))
def test_the_mean_of_runs_lies_within_their_range(curves):
    _, mean, low, high = mean_and_range([points(np.linspace(0, 10, len(y)), y) for y in curves])
    room = 1e-6
    assert (low <= mean + room).all()
    assert (mean <= high + room).all()


def test_runs_are_averaged_over_what_they_have_in_common():
    at, mean, low, high = mean_and_range([points([0, 1, 2, 3], [4, 4, 4, 4]), points([1, 2, 3, 4], [2, 2, 2, 2])])
    assert (at[0], at[-1]) == (1, 3)
    assert (set(mean), set(low), set(high)) == ({3}, {2}, {4})


def test_a_dense_run_is_averaged_before_it_is_held_beside_a_sparse_one():
    noisy = points(np.arange(10_000), np.tile([0.0, 2.0], 5_000))
    at, _, low, high = mean_and_range([noisy, points([0, 5_000, 9_999], [1, 1, 1])])
    assert at.size == 3
    np.testing.assert_allclose([low, high], 1, atol=1e-3)


def test_runs_without_a_common_range_have_no_mean():
    assert mean_and_range([points([0, 1], [1, 1]), points([2, 3], [1, 1])])[0].size == 0


def compared():
    cases = [
        level(f"{name}-seed{i}", v, seed=10 * i + k)
        for k, (name, v) in enumerate((("a", 2.0), ("b", 2.4)))
        for i in range(3)
    ]
    return compare(cases), {one.run.name: one for one in cases}


def test_a_group_is_a_mean_with_its_range_and_says_how_many_runs_it_is():
    found, cases = compared()
    chart = group_curves(found, cases, styles(cases), [("loss", "train")])
    alt.VConcatChart.from_dict(chart.spec)
    assert sorted(set(chart.data["raw0"]["run"])) == ["a-* (n = 3)", "b-* (n = 3)"]
    span = chart.data["span0"]
    assert (span["y"] <= span["y2"]).all()
    assert chart.data["area0"]["label"].tolist() == ["compared: last 30 %"]


def test_differences_have_intervals_and_a_colour_by_what_they_mean():
    chart = differences(compare([level("a", 2.0, seed=1), level("b", 2.4, seed=2)]).pairs[0])
    alt.LayerChart.from_dict(chart.spec)
    data = chart.data["d"]
    assert data["says"].tolist() == ["worse"]
    assert 0 < data["x1"][0] < data["x"][0] < data["x2"][0]
    assert "loss +20" in chart.alt
    assert differences(compared()[0].pairs[0]).data["d"]["says"].tolist() == ["not told apart"], "3 seeds never tell"


def ratio(run, bounds=None, axis="step", **more):
    one = article(run, **more)
    kind = one.loss_type.ratios[0]
    return ratio_chart(one, state(one, with_bounds(kind, bounds) if bounds else kind), axis)


def test_bands_follow_the_trajectory_of_a_run():
    good = ratio(dense(GOOD, noise=0.01)).data["area0"]
    assert set(good["meaning"]) == {"good"}
    bad = ratio(dense(BAD, noise=0.01)).data["area0"]
    assert {"fail", "good"} <= set(bad["meaning"])
    stuck = bad["status"] == "overfitting"
    assert (bad["x"][stuck] > bad["x"].min()).all(), "it was learning before the other loss was stuck"


def test_moved_bounds_move_the_areas():
    moved = ratio(GOOD, (0.3, 0.6, 1.2, 1.5, 2.0, 3.0)).data["area0"]
    assert {0.3, 0.6} <= set(moved["y"]) | set(moved["y2"])


def test_numerator_and_denominator_stand_below_with_the_same_cursor():
    chart = ratio(GOOD)
    alt.VConcatChart.from_dict(chart.spec)
    assert chart.spec["params"][0]["views"] == ["h0", "h1"]
    assert sorted(set(chart.data["raw1"]["run"])) == ["article_loss", "other_loss"]
    assert "learning" in ratio(GOOD, count=1).alt


@pytest.mark.parametrize(("axis", "places"), [("epoch", [1, 3, 5]), ("step", [400, 1200, 2000])])
def test_targets_stand_at_the_end_of_their_epochs(axis, places):
    steps = np.arange(100.0, 2001, 100)
    run = (steps, np.linspace(4.5, 2, 20), np.linspace(10, 3, 20), steps / 400)
    data = ratio(run, axis=axis).data["aim0"]
    assert data["x"].tolist() == pytest.approx(places)
    assert data["label"].tolist() == ["target, epoch 1", "target, epoch 3", "target, epoch 5"]


def test_of_targets_close_together_the_last_bears_the_label_and_areas_have_theirs_on_the_other_side():
    steps = np.arange(100.0, 60_001, 100)
    run = (steps, np.linspace(4.5, 2, 600), np.linspace(10, 3, 600), steps / 400)
    chart = ratio(run)
    assert chart.data["aim0"]["label"].tolist() == ["", "", "", "target, epoch 10"]
    assert chart.data["aim0"]["told"].tolist()[0] == "target, epoch 1"
    assert set(chart.data["area0"]["align"]) == {"right"}
