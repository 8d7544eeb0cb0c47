"""One measurement of a surface: what is known so far, what comes next, and how it is written down."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from trainvitals.diagnostics.weights import adaptive, sums
from trainvitals.diagnostics.weights.adaptive import Grid, Pace
from trainvitals.diagnostics.weights.checkpoints import Checkpoint, Weights, load
from trainvitals.diagnostics.weights.directions import Plane, cosine
from trainvitals.diagnostics.weights.errors import TaskError
from trainvitals.diagnostics.weights.field import USABLE, Estimate, Field, estimate
from trainvitals.diagnostics.weights.probe import Probe, device_name
from trainvitals.diagnostics.weights.request import Clock, Request
from trainvitals.diagnostics.weights.sharpness import KinkError, sharpness
from trainvitals.diagnostics.weights.store import read, write_surface
from trainvitals.diagnostics.weights.surface import Barrier, LossSurface, Sharpness
from trainvitals.diagnostics.weights.task import tensors
from trainvitals.parsers.model import Floats, Ints

SHARE_OF_SHARPNESS = 0.15
SHARE_OF_PATH = 0.1
"""Shares of the budget for the sharpness, and for the losses of the checkpoints themselves."""
COST_OF_PRODUCT = 6.0
"""A Hessian-vector product takes about so many times what the loss takes."""
START = 1.0
"""Seconds that torch takes to load what forward differentiation needs: a shorter time is not worth beginning."""
PRODUCTS = 20
"""Products that are reckoned with."""
CHUNK = 0.03
"""Share of the budget after which the clock is looked at again."""
SAVE_EVERY = 5.0
"""Seconds between partial results."""


class OtherSurfaceError(TaskError):
    """A file that is to be continued holds something else."""


class Measurement:
    """One measurement: what is known so far, and how it is written down."""

    def __init__(
        self,
        request: Request,
        plane: Plane,
        probe: Probe,
        clock: Clock,
        output: str | os.PathLike[str] | None,
        names: dict[str, str],
    ) -> None:
        self.request, self.plane, self.probe, self.clock, self.output = request, plane, probe, clock, output
        self.grid = Grid(1 if len(plane.ends) == 1 else request.grid, request.grid)
        self.axes = [np.linspace(*ends, request.grid) for ends in plane.ends]
        self.field = Field(self.grid.place(), len(probe.data.parts))
        self.path = plane.path
        self.sharp: Sharpness | None = None
        self.names, self.before, self.saved = names, 0.0, 0.0
        self.path_parts = 0
        self.pace = Pace(clock.left, probe.seconds, probe.batch)
        self.digest = _digest(plane, self.grid, probe)

    # --- measuring ---

    def run(self, checkpoints: Sequence[Checkpoint]) -> LossSurface:
        """Measure all, and leave what there is when it is cut off."""
        stopped = "interrupted"
        try:
            self._sharpness()
            self._path(checkpoints)
            if not self.field.parts:
                of = self.field.of
                self.field.add_level(adaptive.first_parts(of, self.clock.left(), self.pace, self.grid))
            stopped = adaptive.measure(
                self.field, self.grid, self.pace, self._ask, self.request.tolerance, self._after_round
            )
        finally:
            if self.field.parts and self.field.known(0).any():
                found = self._surface(estimate(self.field), stopped)
                self._save(found)
        return found

    def _sharpness(self) -> None:
        limit = SHARE_OF_SHARPNESS * self.request.budget
        if not self.request.sharpness or self.sharp is not None or limit < COST_OF_PRODUCT * self.probe.seconds + START:
            return
        self.clock.say("looking for the largest eigenvalue of the Hessian")
        one = COST_OF_PRODUCT * PRODUCTS * self.probe.seconds
        parts = max(1, min(self.field.of, int(limit / max(one, 1e-12))))
        # At the origin; a line has the first checkpoint there and is looked at from its end.
        probe = self._probe_of(self._end()) if self.plane.kind == "line" else self.probe
        at = self.path[-1].name
        try:
            self.sharp = sharpness(probe, at, parts, self.request.seed, limit)
        except KinkError as error:
            self.names["no_sharpness"] = f"the gradient jumps near {at}, differences of it give eigenvalues of {error}"

    def _end(self) -> Weights:
        way = self.plane.directions[0]
        return {name: own + way[name] if name in way else own for name, own in self.plane.base.items()}

    def _probe_of(self, weights: Weights) -> Probe:
        return Probe(self.probe.objective.model, self.probe.data, weights, (), self.probe.device)

    def _path(self, checkpoints: Sequence[Checkpoint]) -> None:
        """The losses of the checkpoints themselves, on as many parts as their share of the budget allows."""
        if all(s.loss == s.loss for s in self.path):
            return
        self.clock.say("measuring the checkpoints")
        price = len(self.path) * max(self.probe.seconds, 1e-12)
        parts = max(1, min(self.field.of, int(SHARE_OF_PATH * self.request.budget / price)))
        found = []
        for station, checkpoint in zip(self.path, checkpoints, strict=True):
            probe = self._probe_of(load(checkpoint, self.probe.objective.model))
            loss = float(sums.mean(probe.at(np.zeros((1, 0)), 0, parts))[0])
            self.probe.evaluations += parts
            found.append(replace(station, loss=loss))
        self.path = tuple(found)
        self.path_parts = parts

    def _ask(self, cells: Ints, first: int, last: int) -> Iterator[tuple[Ints, Floats]]:
        begin = 0
        while begin < cells.size:
            fitting = int(CHUNK * self.clock.budget / max((last - first) * self.probe.seconds, 1e-12))
            some = cells[begin : begin + max(1, min(self.probe.batch, fitting))]
            begin += some.size
            found = self.probe.at(self._places(some), first, last)
            self.pace.seconds, self.pace.batch = self.probe.seconds, self.probe.batch
            yield some, found
            self.clock.say(f"{int(self.field.known(0).sum())} of {len(self.field.place)} cells")

    def _places(self, cells: Ints) -> Floats:
        rows, columns = np.divmod(cells, self.grid.columns)
        if self.grid.axes == 1:
            return self.axes[0][columns][:, None]
        return np.stack([self.axes[0][columns], self.axes[1][rows]], axis=1)

    # --- results ---

    def _after_round(self, _: Field, now: Estimate) -> None:
        if self.output is not None and self.clock.spent() - self.saved > SAVE_EVERY:
            self._save(self._surface(now, ""))
            self.saved = self.clock.spent()

    def _surface(self, now: Estimate, stopped: str) -> LossSurface:
        shape = (self.grid.rows, self.grid.columns)
        # Fewer cells say nothing of those between them.
        shown = self.field.known(0) if self.field.known(0).sum() < USABLE else np.ones(len(now.loss), np.bool_)
        loss = np.where(shown, now.loss, np.nan).reshape(shape)
        error = np.where(shown & np.isfinite(now.error), now.error, np.nan).reshape(shape)
        return LossSurface(
            self.plane.kind,
            self.axes[0],
            self.axes[1] if len(self.axes) > 1 else np.zeros(1),
            loss,
            error,
            self.field.seen().reshape(shape),
            self.path,
            self.plane.explained,
            self.sharp,
            barrier_of(self.axes[0], loss[0], error[0]) if self.plane.kind == "line" else None,
            bool(stopped) and stopped != "interrupted",
            self._about(stopped),
        )

    def _about(self, stopped: str) -> dict[str, Any]:
        model = self.probe.objective.model
        both = self.plane.directions
        return {
            **self.names,
            "parameters": sum(p.numel() for p in model.parameters()),
            "parts": self.field.of,
            "path_parts": self.path_parts,
            "levels": list(self.field.parts),
            "seed": self.request.seed,
            "budget": self.request.budget,
            "spent": round(self.before + self.clock.spent(), 3),
            "evaluations": self.probe.evaluations,
            "way": self.probe.way,
            "device": device_name(self.probe.device),
            "torch": torch.__version__,
            "stopped": stopped,
            **({"cosine": cosine(*both)} if len(both) == 2 else {}),
        }

    # --- going on ---

    def _save(self, found: LossSurface) -> None:
        if self.output is None:
            return
        columns = {
            f"{name}_{level}": kept[:, k]
            for level, kept in enumerate(self.field.sums)
            for k, name in enumerate(sums.NAMES)
        }
        notes = {"levels": list(self.field.parts), "digest": self.digest}
        write_surface(self.output, found, notes, columns)

    def resume(self) -> None:
        """Take over what the output file holds, if it is there.

        Raises:
            OtherSurfaceError: it holds a surface of something else.
        """
        if self.output is None or not os.path.exists(self.output):
            return
        surface, notes, columns = read(self.output)
        if notes.get("digest") != self.digest:
            raise OtherSurfaceError(
                f"{os.fspath(self.output)}: holds the surface of other weights, data or settings; "
                "name another file, or remove this one"
            )
        levels = [int(parts) for parts in notes.get("levels", ())]
        for level, parts in enumerate(levels):
            kept = np.stack([columns[f"{name}_{level}"] for name in sums.NAMES], axis=1)
            self.field.add_level(parts)
            self.field.sums[level] = np.where(np.isnan(kept).any(axis=1, keepdims=True), np.nan, kept)
        self.path, self.sharp = surface.path, surface.sharpness
        self.path_parts = int(surface.about.get("path_parts") or 0)
        self.before = float(surface.about.get("spent") or 0.0)
        self.probe.evaluations = int(surface.about.get("evaluations") or 0)


def _digest(plane: Plane, grid: Grid, probe: Probe) -> str:
    """What decides the values of a surface: weights, directions, grid and data, whose first part stands for all."""
    found = hashlib.sha256()
    for weights in (plane.base, *plane.directions):
        for name, tensor in sorted(weights.items()):
            found.update(name.encode() + _bytes(tensor))
    for tensor in tensors(probe.data.parts[0]):
        found.update(_bytes(tensor))
    found.update(repr((plane.kind, grid, plane.ends, len(probe.data.parts))).encode())
    return found.hexdigest()


def _bytes(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())


def barrier_of(across: Floats, loss: Floats, error: Floats) -> Barrier | None:
    """How far the loss `(n,)` rises above the straight line between its ends; None where these are not finite."""
    straight = loss[0] + (loss[-1] - loss[0]) * (across - across[0]) / (across[-1] - across[0])
    rise = loss - straight
    if not np.isfinite(rise[[0, -1]]).all():
        return None
    best = int(np.nanargmax(rise))
    return Barrier(float(rise[best]), float(error[best]), float(across[best]), float(loss[best]))
