"""From few cells to all: what is interpolated, how far off it may be, and where to measure next. Without torch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainvitals.diagnostics.weights import sums
from trainvitals.diagnostics.weights.adaptive import Grid, Pace, first_parts, measure
from trainvitals.diagnostics.weights.field import Field, estimate
from trainvitals.diagnostics.weights.interpolation import fit

GRID = Grid(41, 41)
PLACE = 2 * GRID.place() - 1
X, Y = PLACE.T

SURFACES = {
    "quadratic": 1 + X**2 + 3 * X * Y + 2 * Y**2,
    "valley": np.exp(X + Y**2) * (1 + np.sin(3 * Y)),
    "kink": np.abs(X + 0.3 * Y),
    "cliff": 1 + np.log1p(np.exp(8 * (X**2 + Y**2 - 0.5))),
    "waves": np.sin(6 * X) * np.cos(5 * Y) + X**2,
}


def test_a_quadratic_is_reproduced_from_a_few_points():
    chosen = np.random.default_rng(0).choice(len(PLACE), 12, replace=False)
    spline = fit(PLACE[chosen], SURFACES["quadratic"][chosen])
    assert spline.power == 5
    np.testing.assert_allclose(spline(PLACE), SURFACES["quadratic"], atol=1e-8)
    np.testing.assert_allclose(spline.left_out, 0, atol=1e-8)


@pytest.mark.parametrize("name", SURFACES)
def test_a_spline_goes_through_its_points_and_knows_what_it_would_be_without_each(name):
    chosen = np.random.default_rng(1).choice(len(PLACE), 60, replace=False)
    values = SURFACES[name][chosen]
    spline = fit(PLACE[chosen], values)
    np.testing.assert_allclose(spline(PLACE[chosen]), values, atol=1e-8)
    # The rule for leaving one out against a fit that has really left it out, on the scale of the same points.
    for one in (3, 17, 42):
        rest = np.delete(np.arange(60), one)
        corners = [c for c in rest if (np.abs(PLACE[chosen][c]) == np.abs(PLACE[chosen]).max(axis=0)).any()]
        without = fit(PLACE[chosen][rest], values[rest], (spline.power,))
        if corners and np.allclose(without.scale, spline.scale):
            missed = values[one] - float(without(PLACE[chosen][one : one + 1])[0])
            assert missed == pytest.approx(spline.left_out[one], rel=1e-6, abs=1e-9)


@given(st.integers(1, 9), st.integers(1, 2))
def test_few_points_or_points_in_one_place_are_no_error(count, axes):
    points = np.round(np.random.default_rng(count).random((count, axes)), 1)
    spline = fit(points, np.arange(count, dtype=float))
    assert np.isfinite(spline(np.random.default_rng(0).random((5, axes)))).all()


def simulated(surface, parts=64, budget=10.0, seconds=0.002, noise=0.2, tolerance=0.0, batch=8, before=None):
    """A measurement whose parts differ from each other smoothly over the plane; the truth, the field, why it ended."""
    chance = np.random.default_rng(0).normal(size=(parts, 5)) * noise
    shapes = np.stack([np.ones(len(X)), X, Y, X**2 * np.exp(Y), np.cos(3 * Y)], axis=1)
    losses = surface[:, None] + shapes @ chance.T
    spent = 0.0

    def ask(cells, first, last):
        nonlocal spent
        for begin in range(0, len(cells), batch):
            some = cells[begin : begin + batch]
            spent += len(some) * (last - first) * seconds
            ones = np.ones(len(some))
            yield some, sum(sums.of_part(losses[some, k], ones) for k in range(first, last))

    pace = Pace(lambda: budget - spent, seconds, batch)
    field = before or Field(GRID.place(), parts)
    if not field.parts:
        field.add_level(first_parts(parts, budget, pace, GRID))
    why = measure(field, GRID, pace, ask, tolerance, lambda *_: None)
    return losses.mean(axis=1), field, why, spent


@pytest.mark.parametrize("name", ["valley", "kink", "cliff"])
def test_a_twentieth_of_the_time_gives_the_surface_and_an_honest_error(name):
    truth, field, why, spent = simulated(SURFACES[name])
    assert why == "the budget is spent"
    assert spent < 10.5, "all cells on all parts take 215 s"
    found = estimate(field)
    off = found.loss - truth
    assert np.sqrt(np.mean(off**2)) < 0.02 * truth.std()
    claimed = np.sqrt(np.mean(found.error**2))
    assert 0.3 < claimed / np.sqrt(np.mean(off**2)) < 4, "the error that is claimed is the one that is made"


def test_cells_lie_where_the_surface_bends():
    _, field, _, _ = simulated(SURFACES["kink"], noise=0.0, parts=1, budget=0.6)
    near = np.abs(X + 0.3 * Y) < 0.25
    measured = field.known(0)
    assert measured[near].mean() > 2 * measured[~near].mean()


def test_it_stops_when_it_is_good_enough_or_all_is_known():
    truth, field, why, spent = simulated(SURFACES["quadratic"], budget=60.0, tolerance=1e-2)
    assert why.startswith("the error is below 0.01")
    assert spent < 20
    assert np.sqrt(np.mean((estimate(field).loss - truth) ** 2)) < 2e-2 * truth.std()
    truth, field, why, _ = simulated(SURFACES["waves"], parts=2, budget=60.0)
    assert why == "all cells were measured on all of the data"
    np.testing.assert_allclose(estimate(field).loss, truth, atol=1e-9)
    assert estimate(field).error.max() == 0


def test_more_cells_than_a_spline_takes_are_kept_as_measured():
    field = Field(Grid(51, 51).place(), 1)
    field.add_level(1)
    x, y = field.place.T
    known = np.random.default_rng(0).random(2601) < 0.8
    field.sums[0][known] = sums.of_part((1 + x**2 * y)[known], np.ones(known.sum()))
    found = estimate(field)
    np.testing.assert_array_equal(found.loss[known], (1 + x**2 * y)[known])
    np.testing.assert_allclose(found.loss, 1 + x**2 * y, atol=1e-4)
    assert found.error[known].max() == 0


def test_it_goes_on_where_it_stopped():
    truth, field, _, _ = simulated(SURFACES["valley"], budget=2.0)
    first = estimate(field)
    truth, field, _, _ = simulated(SURFACES["valley"], budget=8.0, before=field)
    second = estimate(field)
    assert np.abs(second.loss - truth).mean() < 0.5 * np.abs(first.loss - truth).mean()


def test_hardly_any_time_gives_a_rough_surface_with_a_large_error():
    truth, field, why, _ = simulated(SURFACES["valley"], budget=0.05, batch=4)
    assert why == "the budget is spent"
    found = estimate(field)
    assert np.isfinite(found.loss).all()
    assert np.sqrt(np.mean(found.error**2)) > 0.05 * truth.std()


def test_places_without_a_finite_loss_stay_so_and_spoil_no_others():
    broken = np.where(X > 0.5, np.inf, SURFACES["quadratic"])
    truth, field, _, _ = simulated(broken, noise=0.0, parts=1, budget=1.0)
    found = estimate(field)
    assert np.isnan(found.loss[X > 0.7]).all()
    np.testing.assert_allclose(found.loss[X < 0.3], truth[X < 0.3], atol=1e-4)


def test_a_loss_over_many_magnitudes_is_interpolated_by_its_logarithm_and_never_falls_below_zero():
    deep = 1e-4 + (X**2 + Y**2) ** 3
    truth, field, _, _ = simulated(deep, noise=0.0, parts=1, budget=0.3)
    found = estimate(field)
    assert found.relative
    assert found.loss.min() > 0
    off = np.abs(np.log(found.loss / truth))
    assert np.median(off) < 0.02
    assert 0.2 < np.sqrt(np.mean((found.error / found.loss) ** 2)) / np.sqrt(np.mean(off**2)) < 5
    assert not estimate(simulated(SURFACES["quadratic"], parts=1, budget=0.3)[1]).relative


def test_the_error_of_chance_is_that_of_a_ratio_of_a_sample():
    rng = np.random.default_rng(2)
    weight = rng.uniform(1, 3, 200)
    total = weight * rng.normal(2, 0.5, 200)
    every = total.sum() / weight.sum()
    drawn = [rng.choice(200, 20, replace=False) for _ in range(2000)]
    kept = np.stack([sums.of_part(total[d], weight[d]).sum(axis=0) for d in drawn])
    claimed = np.sqrt(np.mean(sums.standard_error(kept, 20, 200) ** 2))
    assert claimed == pytest.approx(np.sqrt(np.mean((sums.mean(kept) - every) ** 2)), rel=0.05)
    assert sums.standard_error(kept, 200, 200).max() == 0
    assert np.isnan(sums.standard_error(kept[:1], 1, 200)).all()


@pytest.mark.parametrize("grid", [Grid(41, 41), Grid(1, 41), Grid(5, 5), Grid(1, 5)])
def test_the_first_cells_are_spread_over_the_grid_and_its_corners(grid):
    cells = grid.spread()
    assert len(set(cells.tolist())) == len(cells)
    assert {0, grid.columns - 1, grid.rows * grid.columns - 1} <= set(cells.tolist())
    assert grid.place().shape == (grid.rows * grid.columns, grid.axes)
    if grid.rows == 41:
        rows, columns = np.divmod(cells, 41)
        assert (rows[0], columns[0]) == (20, 20), "the weights themselves lie in the middle of a random plane"
        assert len(set(rows.tolist())) > 25
