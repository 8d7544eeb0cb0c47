"""Statistics of curves, against closed forms, brute force and simulation."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainvitals.diagnostics import statistics

NAN = float("nan")


def autoregressive(rng, n, phi, sd=1.0):
    """Stationary AR(1) noise of standard deviation `sd`."""
    noise = rng.standard_normal(n)
    for i in range(1, n):
        noise[i] = phi * noise[i - 1] + np.sqrt(1 - phi**2) * noise[i]
    return sd * noise


@pytest.mark.parametrize(
    ("x", "values", "expected"),
    [
        ([1, 2, 3], [1, 1, 1], [(0, 3)]),
        ([1, 2, 1, 2], [1, 1, 1, 1], [(0, 2), (2, 4)]),  # a step back
        ([1, 2, 3, 4], [1, NAN, 1, 1], [(0, 1), (2, 4)]),  # a NaN in between
        ([1, 2, 3, 500], [1, 1, 1, 1], [(0, 3), (3, 4)]),  # a gap of more than 50 median gaps
        ([1, 2], [NAN, NAN], []),
        ([], [], []),
    ],
)
def test_segments_are_cut_at_steps_back_gaps_and_nan(x, values, expected):
    found = statistics.segments(np.array(x, float), np.array(values, float))
    assert [(s.start, s.stop) for s in found] == expected


VALUES = st.lists(st.one_of(st.floats(width=32), st.integers(-3, 3).map(float)), min_size=1, max_size=40)


@given(VALUES)
def test_the_median_is_that_of_numpy(values):
    u = np.array(values)
    with np.errstate(invalid="ignore"):
        expected = np.median(u)
    assert statistics.median(u) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.floats(0, 1))
def test_a_quantile_is_that_of_numpy(values, share):
    u = np.array(values)
    assert statistics.quantile(u, share) == pytest.approx(np.quantile(u, share), abs=1e-9)


@given(st.integers(0, 60), st.integers(1, 20), st.integers(1, 7))
def test_windows_are_all_stretches_of_their_width(n, width, stride):
    u = np.arange(2.0 * n)[::2]  # a view with holes
    expected = [u[i : i + width].tolist() for i in range(0, n - width + 1, stride)]
    assert statistics.windows(u, width, stride).tolist() == expected


@given(st.integers(1, 300), st.integers(1, 40))
def test_even_medians_are_those_of_nearly_equal_pieces(n, count):
    count = min(count, n)
    u = np.random.default_rng(n).standard_normal(n)
    expected = [np.median(piece) for piece in np.array_split(u, count)]
    assert statistics.even_medians(u, count).tolist() == expected


@given(st.lists(st.integers(0, 5), min_size=2, max_size=40))
def test_the_spacing_is_the_median_distance(gaps):
    x = np.cumsum(np.array(gaps, float))
    assert statistics.spacing(x) == np.median(np.diff(x))


@pytest.mark.parametrize("size", [7, 8, 501, 600])
def test_medians_of_pieces_are_those_of_each(size):
    u = np.random.default_rng(size).standard_normal(3 * size + 2)
    start, sizes = np.array([0, size, 2 * size]), np.array([size, size, size + 2])
    expected = [np.median(u[a : a + n]) for a, n in zip(start, sizes, strict=True)]
    assert statistics.medians(u, start, sizes).tolist() == expected


@given(st.integers(1, 300), st.integers(1, 40))
def test_blocks_hold_every_point_once(n, count):
    u = np.random.default_rng(n).standard_normal(n)
    cut = statistics.blocks(np.arange(n, dtype=float), u, count)
    assert int(cut.n.sum()) == n
    assert int(cut.n.max()) - int(cut.n.min()) <= 1
    assert float(cut.u @ cut.n) == pytest.approx(float(u.sum()))


@given(st.lists(st.integers(-5, 5), min_size=3, max_size=25))
def test_mann_kendall_counts_all_pairs_with_ties(values):
    u = np.array(values, float)
    s = sum(np.sign(b - a) for a, b in combinations(values, 2))
    n, sizes = len(values), [values.count(v) for v in set(values)]
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in sizes)) / 18
    expected = 0.0 if s == 0 else np.sign(s) * (abs(s) - 1) / np.sqrt(variance)
    assert statistics.mann_kendall(u) == pytest.approx(expected)


@given(st.floats(-3, 3), st.floats(-10, 10))
def test_theil_sen_of_a_line_is_its_slope_and_ignores_one_outlier(slope, offset):
    x = np.arange(12.0)
    u = offset + slope * x
    u[5] += 1000
    assert statistics.theil_sen(x, u) == pytest.approx(slope, abs=1e-9)


@pytest.mark.parametrize(("phi", "low", "high"), [(0.0, 0.9, 1.4), (0.5, 2.0, 3.8), (0.9, 10, 24)])
def test_memory_is_measured_around_a_steep_convex_fall(phi, low, high):
    """The exact value is (1 + phi) / (1 - phi): 1, 3 and 19."""
    rng = np.random.default_rng(1)
    fall = 3 * np.exp(-np.linspace(0, 6, 4000))
    local = statistics.local_noise(fall + autoregressive(rng, 4000, phi, 0.05))
    assert low < local.tau < high
    assert local.sd == pytest.approx(0.05, rel=0.15)
    assert statistics.effective_size(fall + autoregressive(rng, 4000, phi, 0.05)) == pytest.approx(
        4000 / local.tau, rel=0.4
    )


@pytest.mark.parametrize(
    ("n", "phi", "most"),
    [(50, 0.0, 0.02), (200, 0.0, 0.02), (2000, 0.0, 0.02), (200, 0.5, 0.03), (200, 0.9, 0.04), (2000, 0.9, 0.04)],
)
def test_noise_without_trend_is_seldom_called_a_trend(n, phi, most):
    rng = np.random.default_rng(n)
    x = np.arange(n, dtype=float)
    found = [statistics.trend(x, autoregressive(rng, n, phi, 0.03)).direction for _ in range(150)]
    assert sum(d in ("rising", "falling") for d in found) <= most * 150


def test_a_smoothed_walk_of_200_points_is_mostly_inconclusive():
    rng = np.random.default_rng(4)
    x = np.arange(200.0)
    found = [statistics.trend(x, autoregressive(rng, 200, 0.99)).direction for _ in range(100)]
    assert found.count("inconclusive") >= 60


@pytest.mark.parametrize(("n", "least"), [(50, 0.8), (200, 0.98)])
def test_a_decay_by_a_tenth_in_three_percent_noise_is_seen(n, least):
    rng = np.random.default_rng(3)
    x = np.arange(n, dtype=float)
    decay = np.log(0.9) * x / (n - 1)
    found = [statistics.trend(x, decay + 0.03 * rng.standard_normal(n)) for _ in range(100)]
    assert np.mean([t.direction == "falling" for t in found]) >= least
    assert np.median([t.effect for t in found]) == pytest.approx(-0.09, abs=0.02), (
        "first to last block, not first to last point"
    )


def test_a_convex_fall_is_a_trend_though_its_residuals_look_like_memory():
    u = np.log(2 + 8 * (1 + np.linspace(0, 1, 400) / 0.02) ** -0.7)
    t = statistics.trend(np.arange(400.0), u + 0.02 * np.random.default_rng(0).standard_normal(400))
    assert t.direction == "falling"
    assert t.z < -5


@given(st.floats(0.01, 100), st.floats(-50, 50))
@settings(max_examples=20)
def test_a_trend_depends_on_neither_the_unit_of_x_nor_the_level(scale, shift):
    rng = np.random.default_rng(9)
    x, u = np.arange(300.0), np.linspace(0, -0.3, 300) + 0.05 * rng.standard_normal(300)
    a, b = statistics.trend(x, u), statistics.trend(scale * x, u + shift)
    assert (a.direction, a.z, a.blocks) == (b.direction, b.z, b.blocks)
    assert b.effect == pytest.approx(a.effect)


def test_a_change_of_level_is_measured_against_the_continued_trend():
    rng = np.random.default_rng(0)
    x = np.arange(200.0)
    u = -0.01 * x + 0.02 * rng.standard_normal(200)
    assert abs(statistics.change(x, u, 100, length=80)) < 6
    u[100:] += 0.7
    assert statistics.change(x, u, 100, length=80) > 20
    assert np.isnan(statistics.change(x, u, 2, length=80)), "too little before it"


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 2.0], [3.0] * 50])
def test_nothing_breaks_on_short_or_constant_series(values):
    u = np.array(values)
    x = np.arange(u.size, dtype=float)
    assert statistics.trend(x, u).direction in ("inconclusive", "flat")
    assert statistics.local_noise(u).sd >= 1e-4


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30))
def test_the_falling_fit_is_the_min_max_of_the_means(values):
    """Oracle: fit at i is the smallest mean of a stretch from a <= i, of the largest to b >= i (Barlow et al. 1972)."""
    u = np.array(values)
    means = [[u[a : b + 1].mean() if b >= a else 0.0 for b in range(u.size)] for a in range(u.size)]
    expected = [min(max(means[a][i:]) for a in range(i + 1)) for i in range(u.size)]
    fit, errors = statistics.falling_fit(u)
    assert fit == pytest.approx(expected, abs=1e-9)
    assert errors[-1] == pytest.approx(float(np.sum((u - fit) ** 2)), abs=1e-9)


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.lists(st.floats(-5, 5), max_size=30))
def test_a_valley_is_its_own_fit(left, right):
    u = np.array(sorted(left, reverse=True) + sorted(right))
    assert statistics.valley_fit(u) == pytest.approx(u, abs=1e-9)
