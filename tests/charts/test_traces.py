"""What is drawn of a series: breaks at NaN, every spike, smoothing over all points whatever is shown of them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make import case

from trainvitals.diagnostics.charts.traces import Trace, Window, drawn, outside, smoothed, trace, value_at
from trainvitals.diagnostics.smoothing import smooth

NAN = math.nan


def made(y, x=None):
    y = np.asarray(y, float)
    return Trace("run", "loss", "train", np.arange(y.size, dtype=float) if x is None else np.asarray(x, float), y, 0)


def seen(one, window=None, columns=1000, *, log=False):
    return drawn(one, window or Window(), columns, log=log)


def test_a_value_that_is_not_finite_breaks_the_line_and_is_marked():
    found = seen(made([3, 2, NAN, 1, math.inf, 5]))
    np.testing.assert_array_equal(found.line.y, [3, 2, NAN, 1, NAN, 5])
    assert found.line.at.tolist() == [0, 1, -1, 3, -1, 5]
    assert found.broken.tolist() == [2, 4]
    assert (found.points, found.broken_points) == (6, 2)


def test_thinned_curves_keep_spikes_and_breaks():
    y = np.random.default_rng(0).normal(size=100_000)
    y[31_337], y[70_000:70_010] = 99.0, NAN
    found = seen(made(y), columns=100)
    assert found.line.x.size < 500
    assert 31_337 in found.line.x
    assert np.isnan(found.line.y).sum() == 1
    assert found.broken_points == 10


def test_values_that_a_logarithmic_axis_cannot_show_are_counted_and_marked():
    found = seen(made([4, 0, -1, 2]), log=True)
    assert (found.sunk.tolist(), found.sunk_points) == ([1, 2], 2)
    assert (found.low, found.high) == (2, 4)
    assert np.nanmin(found.line.y) > 0
    assert seen(made([4, 0, -1, 2])).sunk_points == 0


def test_a_window_shows_its_points_and_how_the_lines_go_on():
    found = seen(made(np.arange(10.0)), Window(3, 5))
    assert found.line.x.tolist() == [2, 3, 4, 5, 6]
    assert (found.points, found.low, found.high) == (3, 3, 5)


def test_a_window_gets_finer_data():
    one = made(np.random.default_rng(0).normal(size=200_000))
    everything, part = seen(one, columns=200), seen(one, Window(1000, 1400), columns=200)
    inside = (everything.line.x >= 1000) & (everything.line.x <= 1400)
    assert np.count_nonzero(inside) < 10
    assert part.line.x.size == 403


def test_a_logarithmic_x_axis_has_positive_positions_only():
    assert seen(made([5, 4, 3], [0, 1, 2]), Window(log=True)).line.x.tolist() == [1, 2]
    assert seen(made([5, 4, 3], [-2, -1, 0]), Window(log=True)).line.x.size == 0


@given(
    st.lists(st.floats(-100, 100) | st.just(NAN), min_size=1, max_size=60),
    st.floats(0.01, 0.99),
    st.sampled_from(["time", "points"]),
    st.integers(0, 60),
    st.integers(0, 60),
)
@settings(deadline=None)
def test_what_is_shown_never_changes_what_is_smoothed(y, weight, kind, start, end):
    one = made(y)
    whole = smooth(one.x, one.y, weight, kind)
    part = smoothed(one, Window(start, start + end), 1000, weight, kind)
    np.testing.assert_array_equal(part.y[part.at >= 0], whole[part.at[part.at >= 0]])


def test_smoothing_comes_before_thinning():
    y = np.random.default_rng(0).normal(size=50_000)
    line = smoothed(made(y), Window(), 100, 0.9, "points")
    assert line.x.size < 500
    np.testing.assert_array_equal(line.y, smooth(np.arange(50_000.0), y, 0.9, "points")[line.at])


def test_outliers_are_counted_among_all_points():
    y = np.tile([1.0, 2.0], 50_000)
    y[::1000] = 1000.0
    low, high = seen(made(y), columns=10).trimmed
    assert low < 1 < 2 < high < 1000
    assert outside(made(y), Window(), low, high) == 100


def test_the_value_at_a_position_is_the_last_one_before_it_and_none_beyond_the_ends():
    assert value_at(made([5, 6, 7], [10, 20, 30]), np.array([5.0, 10, 25, 30, 31])).tolist() == [-1, 0, 1, 2, -1]


def test_points_without_a_place_on_the_axis_are_left_out_and_counted():
    one = case({"loss": ([1, 2, 3], [9.0, 8, 7], [NAN, 1.0, 0.5])})
    found = trace(one, one.run.series[0], "epoch")
    assert (found.x.tolist(), found.y.tolist(), found.unplaced) == ([0.5, 1.0], [7, 8], 1)


@pytest.mark.parametrize("y", [[], [NAN], [NAN, NAN], [1.0]])
def test_next_to_nothing_can_be_drawn(y):
    found = seen(made(y))
    assert found.points == len(y)
    assert np.isfinite(found.line.y).sum() == np.isfinite(y).sum()
