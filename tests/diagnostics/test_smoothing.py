"""Smoothing: W&B's and TensorBoard's own loops are the specification, point by point."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainvitals.diagnostics import smoothing
from trainvitals.diagnostics.smoothing import smooth


def wandb(x, y, p):
    """The loop in W&B's documentation of its default smoothing, for finite values."""
    weight = min(math.sqrt(p), 0.999)
    width = x[-1] - x[0]
    last = debias = 0.0
    out = []
    for i, value in enumerate(y):
        change = (x[i] - x[max(i - 1, 0)]) / width * 1000 if width else 0.0
        adjusted = weight**change
        last = last * adjusted + value
        debias = debias * adjusted + 1
        out.append(last / debias)
    return out


def tensorboard(y, p):
    """The loop of TensorBoard's scalar card: `resmoothDataset_`."""
    last, count = 0.0, 0
    out = []
    for value in y:
        if not math.isfinite(value):
            out.append(math.nan)
            continue
        last = last * p + (1 - p) * value
        count += 1
        out.append(last / (1 - p**count) if p != 1 else last)
    return out


series = st.lists(
    st.tuples(st.just(0.0) | st.floats(1e-6, 1e4), st.floats(-1e6, 1e6, allow_subnormal=False)), min_size=1, max_size=80
).map(lambda rows: (np.cumsum([gap for gap, _ in rows]), np.array([value for _, value in rows])))
weights = st.floats(0.001, 0.999)


def close(found, wanted):
    scale = max(1.0, max((abs(v) for v in wanted if math.isfinite(v)), default=1.0))
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-11 * scale)


@given(series, weights)
def test_time_weighted_is_the_loop_that_wandb_documents(points, p):
    x, y = points
    close(smooth(x, y, p, "time"), wandb(x, y, p))


@given(series, weights)
@settings(deadline=None)  # the first call loads the compiled loop
def test_by_points_is_the_loop_of_tensorboard(points, p):
    x, y = points
    close(smooth(x, y, p, "points"), tensorboard(y, p))


@given(series, weights, st.integers(1, 7))
@settings(max_examples=50)
def test_the_size_of_blocks_does_not_show(points, p, block):
    x, y = points
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(smoothing, "BLOCK", block)
        patch.setattr(smoothing, "SPAN", 40.0)
        close(smooth(x, y, p, "time"), wandb(x, y, p))


@pytest.mark.parametrize("kind", ["time", "points"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_breaks_the_line_and_poisons_nothing(kind, bad):
    x, y = np.arange(6.0), np.array([1.0, 2, 3, 4, 5, 6])
    broken = y.copy()
    broken[2] = bad
    found = smooth(x, broken, 0.6, kind)
    assert np.isnan(found).tolist() == [False, False, True, False, False, False]
    if kind == "points":
        close(found, tensorboard(broken, 0.6))
    kept = np.isfinite(broken)
    np.testing.assert_allclose(found[kept], smooth(x[kept], y[kept], 0.6, kind))


@pytest.mark.parametrize("kind", ["time", "points"])
def test_no_smoothing_is_the_series_itself(kind):
    y = np.array([3.0, math.nan, 1.0])
    np.testing.assert_array_equal(smooth(np.arange(3.0), y, 0.0, kind), y)


@pytest.mark.parametrize("kind", ["time", "points"])
@pytest.mark.parametrize("p", [0.05, 0.6, 0.999])
def test_a_constant_stays_constant_even_near_the_limits_of_a_double(kind, p):
    y = np.full(1000, 1.5e308)
    np.testing.assert_allclose(smooth(np.arange(1000.0), y, p, kind), y, rtol=1e-12)


def test_irregular_logging_does_not_change_the_time_weighted_picture():
    rng = np.random.default_rng(0)
    dense = np.linspace(0, 1000, 20_001)
    uneven = np.sort(rng.choice(dense, 8000, replace=False))
    # On a slope the mean lags behind: by the same distance in x, however often the value was logged.
    a, b = (float(np.mean((x - smooth(x, x, 0.9, "time"))[x > 200])) for x in (dense, uneven))
    assert b == pytest.approx(a, rel=0.02)
    c, d = (float(np.mean((x - smooth(x, x, 0.9, "points"))[x > 200])) for x in (dense, uneven))
    assert d > 2 * c


def test_a_range_too_narrow_for_its_inverse_is_none():
    assert smooth(np.array([0.0, 1e-308]), np.array([1.0, 3.0]), 0.5).tolist() == [1.0, 2.0]


def test_a_gap_of_any_size_is_bridged():
    x = np.array([0.0, 1.0, 1e12, 1e12 + 1])
    close(smooth(x, np.array([1.0, 2.0, 3.0, 4.0]), 0.5), wandb(x, [1.0, 2.0, 3.0, 4.0], 0.5))
