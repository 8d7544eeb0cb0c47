"""How long a 41x41 plane of the reference `article` model takes, beside a plain loop over `loss-landscapes`.

    trainvitals train article --checkpoints 10 --out benchmarks/data/article
    python benchmarks/landscape/run.py benchmarks/data/article [--budget 60] [--cells 40] [--threads 1]

Truth is the loss over all of the data at random cells of the plane. The plain loop evaluates every cell on the same
number of batches: its error at those cells is known for each number, and so is its time, as every cell takes as long.
Times are processor time, ours with loading, sharpness, the losses of the checkpoints and interpolation included.
"""

from __future__ import annotations

import argparse
import copy
import time
from dataclasses import dataclass

import loss_landscapes
import numpy as np
import torch
from numpy.typing import NDArray

from trainvitals.diagnostics.weights.checkpoints import find, load
from trainvitals.diagnostics.weights.compute import compute
from trainvitals.diagnostics.weights.directions import Plane, pca_plane
from trainvitals.diagnostics.weights.request import Request
from trainvitals.diagnostics.weights.surface import LossSurface, Station
from trainvitals.sample_logs.trainer import around

Floats = NDArray[np.float64]
SEED = 0
DRAWS = 100
"""Choices of batches that the error of the plain loop is averaged over."""


@dataclass(frozen=True)
class Truth:
    """Cells, and sums and weights of the loss of each batch there, both `(cells, batches)`, in the loop's order."""

    rows: Floats
    columns: Floats
    totals: Floats
    weights: Floats
    seconds: float

    def error(self, count: int) -> float:
        """Root mean squared error of so many batches, over cells and over which batches they are."""
        chance = np.random.default_rng(SEED)
        orders = [chance.permutation(self.totals.shape[1])[:count] for _ in range(DRAWS)]
        return _rms(np.stack([self.loss(order) - self.loss() for order in orders]))

    def loss(self, batches: Floats | slice = slice(None)) -> Floats:
        """The losses over some batches, all if none are named."""
        return np.asarray(self.totals[:, batches].sum(axis=1) / self.weights[:, batches].sum(axis=1))


def main() -> None:
    """Measure both, and print what came out."""
    options = _options()
    torch.set_num_threads(options.threads)
    checkpoints = find([options.checkpoints])
    batches, loss = around.article_data()
    begin = time.process_time()
    wall = time.perf_counter()
    request = Request(plane="pca", grid=options.grid, budget=options.budget, tolerance=options.tolerance, device="cpu")
    ours = compute(around.article_model(), (batches, loss), checkpoints, request)
    spent, wall = time.process_time() - begin, time.perf_counter() - wall

    model = around.article_model()
    names = [name for name, _ in model.named_parameters()]
    plane = pca_plane(
        [load(c, model) for c in checkpoints], names, [Station(c.name, c.step, 0, 0) for c in checkpoints]
    )
    _agree(ours, plane, batches[:1], loss)
    truth = _truth(ours, plane, batches, loss, options.cells)
    _print(ours, truth, spent, wall)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoints")
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--grid", type=int, default=41)
    parser.add_argument("--cells", type=int, default=40)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--tolerance", type=float, default=0.0)
    return parser.parse_args()


def _at(plane: Plane, across: float, up: float) -> torch.nn.Module:
    model = around.article_model()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            first, second = (direction[name] for direction in plane.directions)
            parameter.copy_(plane.base[name] + across * first + up * second)
    return model.eval()


class _Metric:
    """What loss-landscapes calls for each model: the loss over the batches, and each batch's part of it."""

    def __init__(self, batches: list[object], loss: object) -> None:
        self.batches, self.loss = batches, loss
        self.parts: list[list[tuple[float, float]]] = []

    def __call__(self, wrapper: object) -> float:
        with torch.no_grad():
            pairs = [self.loss(wrapper.modules[0], batch) for batch in self.batches]  # type: ignore[attr-defined,operator]
        self.parts.append([(float(total), float(weight)) for total, weight in pairs])
        return float(np.sum([t for t, _ in self.parts[-1]]) / np.sum([w for _, w in self.parts[-1]]))


def _agree(ours: LossSurface, plane: Plane, batches: list[object], loss: object) -> None:
    """Whether loss-landscapes has the same losses at the same weights: a coarse grid over the whole plane."""
    steps = 3
    wide, tall = float(np.ptp(ours.across)) / (steps - 1), float(np.ptp(ours.up)) / (steps - 1)
    x, y = float(ours.across[0]), float(ours.up[0])
    corner = _at(plane, x, y)
    # Its last step ends before the end model: so that is a step beyond our edge.
    ends = _at(plane, x + steps * wide, y), _at(plane, x, y + steps * tall)
    metric = _Metric(batches, loss)

    def once(model: torch.nn.Module) -> float:
        return metric(_Only(model))

    theirs = loss_landscapes.planar_interpolation(corner, *ends, metric, steps, deepcopy_model=True)
    # Its columns 0, 2, ... begin one step up, and the others do not: it moves first and measures then, both ways.
    mine = [[once(_at(plane, x + i * wide, y + (j + 1 - i % 2) * tall)) for j in range(steps)] for i in range(steps)]
    print(f"losses of loss-landscapes and ours differ by {np.abs(np.array(mine) - theirs).max():.1e} at most")


@dataclass
class _Only:
    module: torch.nn.Module

    @property
    def modules(self) -> list[torch.nn.Module]:
        """As the wrapper of loss-landscapes has it."""
        return [self.module]


def _truth(ours: LossSurface, plane: Plane, batches: list[object], loss: object, count: int) -> Truth:
    chance = np.random.default_rng(SEED)
    rows, columns = (chance.integers(0, axis.size, count) for axis in (ours.up, ours.across))
    metric, seconds = _Metric(batches, loss), 0.0
    for row, column in zip(rows, columns, strict=True):
        model = copy.deepcopy(_at(plane, float(ours.across[column]), float(ours.up[row])))
        begin = time.process_time()
        loss_landscapes.point(model, metric)
        seconds += time.process_time() - begin
    parts = np.array(metric.parts)
    return Truth(rows, columns, parts[..., 0], parts[..., 1], seconds / count)


def _rms(values: Floats) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _print(ours: LossSurface, truth: Truth, spent: float, wall: float) -> None:
    number, loss = truth.totals.shape[1], ours.loss
    off = _rms(loss[truth.rows, truth.columns] - truth.loss())
    plain = [truth.error(count) for count in range(1, number + 1)]
    needed = next(k for k, error in enumerate(plain, 1) if error <= off)
    whole = truth.seconds * loss.size
    print(f"ours: {spent:.1f} s of processor time within {wall:.1f} s, {ours.about['way']}, {ours.about['device']}")
    levels = ", ".join(map(str, ours.about["levels"]))
    print(f"  {ours.measured.sum()} of {loss.size} cells measured, on {levels} of {number} batches")
    print(f"  error: claimed {_rms(ours.error):.5f} (rms), found {off:.5f} at {truth.rows.size} random cells")
    print(
        f"  the surface goes from {np.nanmin(loss):.3f} to {np.nanmax(loss):.3f}, standard deviation {loss.std():.3f}"
    )
    each = 1e3 * truth.seconds / number
    print(f"plain loop over all {number} batches: {whole:.0f} s ({each:.1f} ms for a model and a batch)")
    for count in sorted({1, number // 8, number // 4, number // 2, needed}):
        print(f"  {count} batches: {whole * count / number:.0f} s, error {plain[count - 1]:.5f}")
    equal = whole * needed / number
    print(f"equal accuracy: {needed} batches, {equal:.0f} s: {equal / spent:.1f} times ours")


if __name__ == "__main__":
    main()
