"""The interval of a difference holds what it promises, on noise with and without memory; or it says that it cannot."""

import math

import numpy as np
import pytest

from trainvitals.diagnostics.compare import seeds, student
from trainvitals.diagnostics.compare.axis import Points
from trainvitals.diagnostics.compare.pair import Window, estimate, window

RUNS = 300


def noise(n, phi, rng):
    e = rng.standard_normal(n)
    x = np.empty(n)
    x[0] = e[0] / math.sqrt(1 - phi**2)
    for i in range(1, n):
        x[i] = phi * x[i - 1] + e[i]
    return x


def simulated(n, phi, gap=0.0, shared=0.0, stride=1):
    """Estimates for pairs of flat curves around 3 whose levels differ by `gap`."""
    x = np.arange(float(n))
    for seed in range(RUNS):
        rng = np.random.default_rng([seed, n])
        common = shared * noise(n, phi, rng)
        a, b = (Points(x, 3 + level + 0.1 * (common + noise(n, phi, rng))) for level in (0.0, gap))
        yield estimate(a, Points(b.x[::stride], b.value[::stride]), Window(0.0, float(n), 1.0))


@pytest.mark.parametrize(
    ("n", "phi", "least"),
    [(300, 0.0, 0.90), (300, 0.5, 0.90), (300, 0.9, 0.85), (3000, 0.0, 0.90), (3000, 0.5, 0.90), (3000, 0.9, 0.90)],
)
def test_the_interval_covers_the_true_difference(n, phi, least):
    said = [e for e in simulated(n, phi, gap=0.05) if not e.reason]
    covered = np.mean([abs(e.difference - 0.05) <= e.half for e in said])
    assert len(said) > 0.7 * RUNS
    assert least <= covered <= 0.99


def test_too_few_independent_points_are_inconclusive():
    found = list(simulated(50, 0.9))
    assert np.mean([bool(e.reason) for e in found]) > 0.95
    assert all(math.isnan(e.half) and math.isnan(e.p) for e in found if e.reason)
    assert "hang together" in next(e.reason for e in found if e.reason)


def test_fifty_points_without_memory_are_enough():
    said = [e for e in simulated(50, 0.0) if not e.reason]
    assert len(said) > 0.95 * RUNS
    assert np.mean([abs(e.difference) <= e.half for e in said]) > 0.90


def test_runs_that_share_their_data_order_are_recognised_and_compared_more_sharply():
    """Nine tenths of the noise is shared: the interval of step-by-step differences is about 3 times narrower."""
    apart, together = list(simulated(300, 0.0)), list(simulated(300, 0.0, shared=3.0))
    assert sum(e.paired for e in apart) < 0.02 * RUNS
    assert all(e.paired for e in together)
    alone = np.median([e.half for e in simulated(300, 0.0, gap=0.01)])
    assert np.median([e.half for e in together]) == pytest.approx(alone, rel=0.1)
    assert math.sqrt(10) * alone > 2.5 * np.median([e.half for e in together])


def test_logs_of_other_density_are_compared_in_common_blocks():
    found = list(simulated(1200, 0.0, gap=0.05, stride=7))
    assert all(e.points == 172 for e in found)
    assert np.mean([abs(e.difference - 0.05) <= e.half for e in found]) > 0.90


def test_a_falling_curve_logged_at_other_steps_shows_no_difference():
    x = np.arange(1.0, 4001.0)
    level = 2 + 5 * x**-0.3
    found = estimate(Points(x[::3], level[::3]), Points(x[1::5], level[1::5]), Window(2000.0, 4000.0, 0.5))
    assert abs(found.difference) < 2e-4


def test_the_window_is_the_end_of_the_common_range_only():
    long, short = Points(np.arange(1000.0), np.ones(1000)), Points(np.arange(100.0, 501.0), np.ones(401))
    assert window([long, short]) == Window(500.0 - 0.3 * 400, 500.0, pytest.approx(0.3))


def test_the_window_is_longer_for_few_evaluations_but_never_more_than_half():
    dense, sparse = Points(np.arange(1001.0), np.ones(1001)), Points(np.arange(0.0, 1001.0, 50), np.ones(21))
    assert window([dense, sparse]).share == pytest.approx(0.5)
    assert window([dense, Points(np.array([2000.0, 3000.0]), np.ones(2))]) is None


@pytest.mark.parametrize(("dof", "expected"), [(1, 12.7062), (3, 3.1824), (4, 2.7764), (7, 2.3646), (15, 2.1314)])
def test_quantiles_of_student(dof, expected):
    """Printed in every table of the distribution."""
    assert student.quantile(dof) == pytest.approx(expected, abs=1e-4)
    assert student.two_sided(expected, dof) == pytest.approx(0.05, abs=1e-5)


def test_holm_counts_what_was_tested():
    assert student.holm([0.01, 0.04, math.nan, 0.03]) == pytest.approx((0.03, 0.06, math.nan, 0.06), nan_ok=True)


def test_three_seeds_cannot_be_significant():
    tested = seeds.paired(np.array([-0.5, -0.51, -0.52]))
    assert tested.p == seeds.smallest_p(3) == 0.25


def test_eight_equal_differences_are():
    tested = seeds.paired(-0.1 + 0.01 * np.random.default_rng(1).standard_normal(8))
    assert tested.p == pytest.approx(2 / 2**8)
    assert tested.low < -0.1 < tested.high < 0


@pytest.mark.parametrize("draw", ["paired", "unpaired"])
def test_seeds_that_differ_by_chance_are_seldom_declared(draw):
    wrong = 0
    for seed in range(60):
        a, b = np.random.default_rng(seed).standard_normal((2, 8))
        tested = seeds.paired(b - a) if draw == "paired" else seeds.unpaired(a, b)
        wrong += tested.p < 0.05 and not tested.low <= 0 <= tested.high
    assert wrong <= 7


def test_a_band_of_seeds_holds_one_more_of_its_kind():
    inside = 0
    for seed in range(200):
        *band, one = np.random.default_rng(seed).standard_normal(5)
        tested = seeds.against(np.array(band), one)
        inside += tested.low <= 0 <= tested.high
    assert 0.90 <= inside / 200 <= 0.99


@pytest.mark.parametrize(
    ("path", "seed", "rest"),
    [
        ("runs/a/seed0", "0", "runs/a/*"),
        ("runs/lr-3e-4_s1", "1", "runs/lr-3e-4_*"),
        ("x-seed-3.jsonl", "3", "x-*.jsonl"),
        ("a/seed=42/tb", "42", "a/*/tb"),
        ("runs/healthy-0", "", "runs/healthy-0"),
        ("runs/s3cr3t", "", "runs/s3cr3t"),
        ("runs/steps100", "", "runs/steps100"),
    ],
)
def test_seeds_are_read_from_paths(path, seed, rest):
    assert (seeds.seed_of(path), seeds.without_seed(path)) == (seed, rest)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e150])
def test_the_interval_of_seeds_does_not_depend_on_the_unit(size):
    differences = np.array([-1.0, -1.2, -0.8, -1.1, -3.0, -0.9, -1.05, -0.95])
    plain, scaled = seeds.paired(differences), seeds.paired(differences * size)
    assert (scaled.low / size, scaled.high / size) == pytest.approx((plain.low, plain.high), rel=0.02)


def test_seeds_that_overflow_have_no_interval():
    with np.errstate(all="ignore"):
        found = seeds.paired(np.array([1e308, -1e308, np.inf, 1.0]))
    assert np.isnan([found.low, found.high]).all()
