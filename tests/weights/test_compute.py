"""Whole measurements: planes against closed forms, budgets that are kept, and results that are continued."""

import time

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'trainer'")

from weights.models import Bowl, TwoLayers, bowl_loss, mean_square, rows, trained  # noqa: E402 (needs torch)

from trainvitals.diagnostics.weights import read_surface  # noqa: E402
from trainvitals.diagnostics.weights.checkpoints import find, load  # noqa: E402
from trainvitals.diagnostics.weights.compute import compute  # noqa: E402
from trainvitals.diagnostics.weights.directions import random_direction  # noqa: E402
from trainvitals.diagnostics.weights.errors import TaskError  # noqa: E402
from trainvitals.diagnostics.weights.measurement import OtherSurfaceError, barrier_of  # noqa: E402
from trainvitals.diagnostics.weights.picture import landscape  # noqa: E402
from trainvitals.diagnostics.weights.request import Request  # noqa: E402


def request(**changes):
    return Request(**{"grid": 21, "budget": 20.0, "device": "cpu", **changes})


def bowls(folder, count=1):
    """Checkpoints of bowls on their way to zero, along a curve."""
    for step in range(count):
        model = Bowl().double()
        turn = torch.linspace(0, 1, 6).reshape(2, -1) * step**2 * 0.02
        model.weight.data = model.weight.data * (1 - step / (count + 1)) + turn
        torch.save(model.state_dict(), folder / f"bowl-{step}.pt")
    return find([str(folder)])


DATA = ([torch.zeros(4), torch.zeros(4)], bowl_loss)


def quadratic(weights, directions, across, up):
    """The loss of the bowl over a plane, in closed form."""
    hessian = weights["hessian"].numpy()
    flat = weights["weight"].flatten().numpy()
    a, b = (d["weight"].double().flatten().numpy() for d in directions)
    at = flat + across[None, :, None] * a + up[:, None, None] * b
    return 0.5 * np.einsum("rci,ij,rcj->rc", at, hessian, at)


def test_a_random_plane_of_a_quadratic_is_that_of_its_matrix(tmp_path):
    checkpoints = bowls(tmp_path)
    found = compute(Bowl().double(), DATA, checkpoints, request())
    weights = load(checkpoints[0], Bowl().double())
    generator = torch.Generator().manual_seed(0)
    directions = [random_direction(weights, ["weight"], generator) for _ in range(2)]
    expected = quadratic(weights, directions, found.across, found.up)
    np.testing.assert_allclose(found.loss, expected, atol=1e-6 * np.ptp(expected))
    assert (found.plane, found.across[0], found.across[-1]) == ("random", -1.0, 1.0)
    assert found.measured.sum() < 120, "a quadratic needs no more than the first cells"
    assert found.about["stopped"].startswith("the error is below 0.001")
    assert found.sharpness.value == pytest.approx(float(torch.linalg.eigvalsh(weights["hessian"])[-1]), rel=1e-6)
    (here,) = found.path
    assert here.loss == pytest.approx(float(found.loss[10, 10]), rel=1e-6), "the weights lie in the middle"


def test_the_plane_of_a_training_has_its_path_on_the_surface(tmp_path):
    found = compute(Bowl().double(), DATA, bowls(tmp_path, 6), request())
    assert found.plane == "pca"
    assert sum(found.explained) == pytest.approx(1.0), "this training lies in a plane"
    for station in found.path:
        column = np.abs(found.across - station.across).argmin()
        row = np.abs(found.up - station.up).argmin()
        around = found.loss[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        assert around.min() <= station.loss <= around.max()
        assert station.away < 1e-6
    assert [s.step for s in found.path] == [0, 1, 2, 3, 4, 5]


def test_a_line_has_its_ends_at_the_checkpoints_and_the_barrier_between(tmp_path):
    torch.save({"w": torch.tensor([[-1.0, 0.0]])}, tmp_path / "a-1.pt")
    torch.save({"w": torch.tensor([[1.0, 0.0]])}, tmp_path / "a-2.pt")

    class Wells(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(torch.zeros(1, 2))

    def double_well(model, batch):
        return ((model.w[0, 0] ** 2 - 1) ** 2 + model.w[0, 0] * 0.1 + batch.mean() * 0).squeeze()

    found = compute(Wells(), ([torch.zeros(1)], double_well), find([str(tmp_path)]), request(grid=41, tolerance=0.0))
    assert found.is_line
    x = 2 * found.across - 1
    np.testing.assert_allclose(found.loss[0], (x**2 - 1) ** 2 + 0.1 * x, atol=1e-5)
    assert found.barrier.height == pytest.approx(1.0, abs=1e-5)
    assert found.barrier.at == 0.5
    assert [s.loss for s in found.path] == pytest.approx([-0.1, 0.1], abs=1e-6)
    assert found.sharpness.value == pytest.approx(8.0, rel=1e-4), "12 w^2 - 4 at the end of the line"


def test_a_network_is_measured_as_a_plain_loop_measures_it(tmp_path):
    checkpoints = find([str(p) for p in trained(tmp_path, 5)])
    found = compute(TwoLayers(), (rows(), mean_square), checkpoints, request(grid=9, tolerance=0.0))
    assert found.about["stopped"] == "all cells were measured on all of the data"
    model, weights = TwoLayers(), [load(c, TwoLayers()) for c in checkpoints]
    from trainvitals.diagnostics.weights.directions import pca_plane

    plane = pca_plane(weights, [n for n, _ in model.named_parameters()], found.path)
    for row in (0, 4, 8):
        for column in (0, 3, 8):
            with torch.no_grad():
                for name, parameter in model.named_parameters():
                    a, b = (d[name] for d in plane.directions)
                    parameter.copy_(plane.base[name] + found.across[column] * a + found.up[row] * b)
                plain = np.mean([float(mean_square(model, batch)) for batch in rows()])
            assert found.loss[row, column] == pytest.approx(plain, rel=1e-5)
    assert found.error.max() == 0


class Slow(TwoLayers):
    """Takes a known time, whatever else this machine does."""

    def forward(self, x):
        time.sleep(0.004)
        return super().forward(x)


@pytest.mark.parametrize("budget", [1.0, 3.0])
def test_the_budget_is_kept_and_what_is_missing_is_told(tmp_path, budget):
    checkpoints = find([str(p) for p in trained(tmp_path, 5)])
    begin = time.monotonic()
    slow = compute(Slow(), (rows(40), mean_square), checkpoints, request(grid=41, budget=budget, tolerance=0.0))
    spent = time.monotonic() - begin
    assert spent < 1.6 * budget + 1.5, "all of it takes 270 s"
    assert slow.about["stopped"] == "the budget is spent"
    assert 0 < slow.measured.sum() < slow.loss.size
    assert slow.finished
    assert np.nanmedian(slow.error) > 0
    assert np.isfinite(slow.loss).all()


def test_no_time_at_all_is_no_error_and_no_made_up_surface(tmp_path):
    checkpoints = find([str(p) for p in trained(tmp_path, 5)])
    found = compute(Slow(), (rows(40), mean_square), checkpoints, request(grid=41, budget=0.01))
    assert found.measured.sum() < 4
    assert np.isfinite(found.loss).sum() == found.measured.sum(), "nothing is drawn that was not measured"
    assert found.sharpness is None
    told = " ".join(landscape(found).sentences)
    assert "of 1681 cells were measured" in told


def test_more_time_makes_the_error_smaller_and_true(tmp_path):
    checkpoints = find([str(p) for p in trained(tmp_path, 5)])
    data = (rows(30), mean_square)
    exact = compute(TwoLayers(), data, checkpoints, request(grid=15, budget=60.0, tolerance=0.0, sharpness=False))
    assert exact.error.max() == 0
    rough = compute(TwoLayers(), data, checkpoints, request(grid=15, tolerance=0.05, sharpness=False))
    assert rough.measured.sum() < exact.measured.sum()
    off = np.sqrt(np.mean((rough.loss - exact.loss) ** 2))
    assert off < 0.1 * exact.loss.std()
    assert 0.2 < np.sqrt(np.mean(rough.error**2)) / off < 6


def test_a_measurement_goes_on_where_it_was_interrupted(tmp_path):
    checkpoints = find([str(p) for p in trained(tmp_path, 5)])
    path, data = tmp_path / "x.parquet", (rows(8), mean_square)

    class EnoughError(Exception):
        pass

    def stop(now):
        if "cells" in now.doing and int(now.doing.split()[0]) > 60:
            raise EnoughError

    with pytest.raises(EnoughError):
        compute(TwoLayers(), data, checkpoints, request(tolerance=0.0), path, say=stop)
    first = read_surface(path)
    assert not first.finished
    assert 40 < first.measured.sum() < 200
    asked = []
    say = lambda now: asked.append(now.doing)  # noqa: E731 (it is one)
    second = compute(TwoLayers(), data, checkpoints, request(budget=60.0, tolerance=0.0), path, say=say)
    assert second.finished
    assert "looking for the largest eigenvalue of the Hessian" not in asked, "that is known already"
    assert (second.seen >= first.seen - 1e-6).all(), "nothing that was measured is lost"
    assert second.about["spent"] > first.about["spent"]
    assert second.about["evaluations"] > first.about["evaluations"]
    assert second.sharpness == first.sharpness
    np.testing.assert_array_equal(read_surface(path).loss, second.loss)
    whole = compute(TwoLayers(), data, checkpoints, request(budget=60.0, tolerance=0.0))
    np.testing.assert_allclose(second.loss, whole.loss, rtol=1e-6)


def test_a_file_of_something_else_is_not_continued(tmp_path):
    checkpoints, path = find([str(p) for p in trained(tmp_path, 3)]), tmp_path / "x.parquet"
    quick = request(grid=7, tolerance=0.5, sharpness=False)
    compute(TwoLayers(), (rows(2), mean_square), checkpoints, quick, path)
    for others in (
        (checkpoints[:2], quick, rows(2)),
        (checkpoints, request(grid=9, tolerance=0.5), rows(2)),
        (checkpoints, quick, rows(3)),
    ):
        with pytest.raises(
            OtherSurfaceError, match=r"x\.parquet: holds the surface of other weights, data or settings"
        ):
            compute(TwoLayers(), (others[2], mean_square), others[0], others[1], path)


def test_planes_need_checkpoints(tmp_path):
    one = find([str(trained(tmp_path, 1)[0])])
    for checkpoints, plane, reason in (
        ([], None, "no checkpoint"),
        (one, "line", "two checkpoints"),
        (one, "pca", "three checkpoints"),
    ):
        with pytest.raises(TaskError, match=reason):
            compute(TwoLayers(), (rows(1), mean_square), checkpoints, request(plane=plane))


def test_threads_and_grad_mode_are_left_as_they_were(tmp_path):
    threads, found = torch.get_num_threads(), find([str(p) for p in trained(tmp_path, 3)])
    compute(TwoLayers(), (rows(2), mean_square), found, request(grid=7, tolerance=0.5))
    assert torch.get_num_threads() == threads
    assert torch.is_grad_enabled()


def test_a_barrier_is_the_largest_rise_above_the_straight_line():
    x = np.linspace(0, 1, 5)
    found = barrier_of(x, np.array([1.0, 1.5, 3.0, 2.0, 2.0]), np.full(5, 0.1))
    assert (found.height, found.at, found.peak, found.error) == (1.5, 0.5, 3.0, 0.1)
    assert barrier_of(x, np.array([np.nan, 1, 1, 1, 1.0]), np.zeros(5)) is None
