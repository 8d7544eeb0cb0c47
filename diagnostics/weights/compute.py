"""Measures the loss around trained weights within a budget, and continues a measurement that was cut off.

from trainvitals.diagnostics.weights.checkpoints import find
from trainvitals.diagnostics.weights.compute import compute
    from trainvitals.diagnostics.weights.request import Request

surface = compute(model, (batches, loss), find(["runs/mine"]), Request(budget=60), "mine.parquet")
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from trainvitals.diagnostics.weights.checkpoints import Checkpoint, load
from trainvitals.diagnostics.weights.directions import Plane, line, pca_plane, random_plane
from trainvitals.diagnostics.weights.errors import TaskError
from trainvitals.diagnostics.weights.measurement import Measurement
from trainvitals.diagnostics.weights.probe import Probe, device_of
from trainvitals.diagnostics.weights.request import Clock, Request, Say
from trainvitals.diagnostics.weights.surface import Kind, LossSurface, Station
from trainvitals.diagnostics.weights.task import Data, data_of

TRIALS = 0.1
"""Share of the budget for finding out how many models in one call are fastest."""


def compute(
    model: nn.Module,
    data: Any,
    checkpoints: Sequence[Checkpoint],
    request: Request,
    output: str | os.PathLike[str] | None = None,
    *,
    names: Mapping[str, str] | None = None,
    say: Say = lambda _: None,
) -> LossSurface:
    """The loss around the weights of checkpoints.

    Args:
        model: of the class of the checkpoints; its weights are replaced, and it is put into evaluation mode.
        data: `Data`, or a pair of batches and a loss, or batches alone for models that return a loss.
        checkpoints: in the order of training; a random plane lies around the last one, a line goes from the first to
            the last.
        request: what is to be measured.
        output: a Parquet file that is written as it goes on; one that is there is continued with a fresh budget.
        names: what `model` and `data` are called in the result.
        say: told how far it is.

    Raises:
        TrainvitalsError: checkpoints that cannot be read, do not fit the model, or do not span what is wanted; a model
            that does not take the data; or a file that holds another surface.
    """
    clock, threads = Clock(request.budget, say), torch.get_num_threads()
    try:
        return _measured(model, data, checkpoints, request, clock, output, dict(names or {}))
    finally:
        torch.set_num_threads(threads)


def _measured(
    model: nn.Module,
    data: Any,
    checkpoints: Sequence[Checkpoint],
    request: Request,
    clock: Clock,
    output: str | os.PathLike[str] | None,
    names: dict[str, str],
) -> LossSurface:
    order = _shuffled(data_of(data), request.seed)
    clock.say("loading the checkpoints")
    used = _used(checkpoints, request)
    plane = _plane(model, used, request)
    probe = Probe(model, order, plane.base, plane.directions, device_of(request.device))
    clock.say("trying out how many models fit into one call")
    probe.calibrate(TRIALS * request.budget)
    work = Measurement(request, plane, probe, clock, output, names)
    work.resume()
    return work.run(used)


def _shuffled(data: Data, seed: int) -> Data:
    order = np.random.default_rng(seed).permutation(len(data.parts))
    return Data([data.parts[i] for i in order], data.loss)


def _kind(checkpoints: Sequence[Checkpoint], request: Request) -> Kind:
    guesses: dict[int, Kind] = {1: "random", 2: "line"}
    return request.plane or guesses.get(len(checkpoints), "pca")


def _used(checkpoints: Sequence[Checkpoint], request: Request) -> tuple[Checkpoint, ...]:
    """The checkpoints that the plane goes through."""
    if not checkpoints:
        raise TaskError("no checkpoint is given")
    kind = _kind(checkpoints, request)
    if kind == "line" and len(checkpoints) < 2:
        raise TaskError("a line needs two checkpoints, here is one")
    return {"random": (checkpoints[-1],), "line": (checkpoints[0], checkpoints[-1]), "pca": tuple(checkpoints)}[kind]


def _plane(model: nn.Module, checkpoints: Sequence[Checkpoint], request: Request) -> Plane:
    moving = [name for name, p in model.named_parameters() if p.is_floating_point()]
    stations = tuple(Station(c.name, c.step, 0.0, 0.0) for c in checkpoints)
    trained = [load(one, model) for one in checkpoints]
    match _kind(checkpoints, request):
        case "random":
            return random_plane(trained[0], moving, request.seed, request.extent, stations[0])
        case "line":
            return line(trained[0], trained[1], (stations[0], replace(stations[1], across=1.0)))
        case _:
            return pca_plane(trained, moving, stations)
