"""Thinning for drawing: the extremes stay, the rest may go, what is not finite is marked."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from trainvitals.diagnostics.downsample import thin


def test_few_points_are_all_drawn():
    assert thin(np.arange(5.0), np.array([1, 2, 3, 2, 1.0])).keep.tolist() == [0, 1, 2, 3, 4]


def test_a_spike_of_one_point_in_a_million_stays():
    y = np.random.default_rng(0).normal(size=1_000_000)
    y[654_321] = 50.0
    keep = thin(np.arange(y.size, dtype=float), y, 1000).keep
    assert 654_321 in keep
    assert keep.size <= 4000


def test_values_that_are_not_finite_are_marks():
    y = np.array([1.0, np.nan, 2.0, np.inf])
    thinned = thin(np.array([10.0, 20, 30, 40]), y)
    assert thinned.keep.tolist() == [0, 2]
    assert thinned.broken.tolist() == [20, 40]


@given(npst.arrays(float, st.integers(1, 400), elements=st.floats(allow_nan=True)), st.integers(1, 20))
def test_the_range_of_every_curve_is_kept(y, columns):
    keep = thin(np.arange(y.size, dtype=float), y, columns).keep
    finite = y[np.isfinite(y)]
    assert (np.diff(keep) > 0).all()
    if finite.size:
        assert y[keep].min() == finite.min()
        assert y[keep].max() == finite.max()


def test_columns_of_nothing_but_nan_do_not_hide_their_neighbours():
    y = np.full(10_000, np.nan)
    y[7_000] = 3.0
    thinned = thin(np.arange(y.size, dtype=float), y, 50)
    assert thinned.keep.tolist() == [7_000]
    assert 0 < thinned.broken.size <= 50


@given(npst.arrays(float, st.integers(60, 400), elements=st.floats(-9, 9) | st.sampled_from([np.nan, np.inf, -np.inf])))
def test_nothing_that_is_not_finite_is_drawn_as_a_point(y):
    assert np.isfinite(y[thin(np.arange(y.size, dtype=float), y, 10).keep]).all()
