"""Directions in the space of weights: filter-normalised random ones, the plane of a training, the way to another model.

Directions are tensors by the names of the weights; what does not move is left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainvitals.diagnostics.weights.checkpoints import Weights
from trainvitals.diagnostics.weights.errors import TaskError
from trainvitals.diagnostics.weights.surface import Kind, Station
from trainvitals.parsers.model import Floats

MARGIN = 0.2
"""A PCA plane reaches this share of the path's width beyond it, on each side."""
NARROW = 0.25
"""The least width of a side of it, as a share of the other: a path that is a line still has surroundings."""
DOUBLE = 200_000_000
"""Numbers of all checkpoints together up to which they are computed with in double precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """Weights in the origin, one or two directions, how far to go along each, and where the checkpoints lie."""

    kind: Kind
    base: Weights
    directions: tuple[Weights, ...]
    ends: tuple[tuple[float, float], ...]
    path: tuple[Station, ...] = ()
    explained: tuple[float, ...] = ()


def random_direction(weights: Weights, names: Sequence[str], generator: torch.Generator) -> Weights:
    """A Gaussian direction, each filter of which is as long as that of the weights (Li et al. 2018, section 4).

    A filter is what makes one output: `weight[i]` of a convolution or a linear layer, a row of an embedding. Biases and
    the parameters of norms, which have one axis or none, do not move, as in the authors' code.
    """
    found: Weights = {}
    for name in names:
        own = weights[name]
        if own.ndim < 2:
            continue
        drawn = torch.randn(own.shape, generator=generator, dtype=torch.float32).to(own.dtype)
        axes = tuple(range(1, own.ndim))
        length = drawn.square().sum(axes, keepdim=True).sqrt()
        found[name] = drawn * own.square().sum(axes, keepdim=True).sqrt() / length.clamp_min(1e-10)
    if not found:
        raise TaskError("no weight has two axes or more, so there is no filter to normalise by")
    return found


def random_plane(weights: Weights, names: Sequence[str], seed: int, extent: float, here: Station) -> Plane:
    """Two random directions around the weights."""
    generator = torch.Generator().manual_seed(seed)
    both = tuple(random_direction(weights, names, generator) for _ in range(2))
    return Plane("random", weights, both, ((-extent, extent),) * 2, (here,))


def cosine(a: Weights, b: Weights) -> float:
    """The cosine between two directions."""
    lengths = math.sqrt(_dot(a, a) * _dot(b, b))
    return _dot(a, b) / lengths if lengths else math.nan


def _dot(a: Weights, b: Weights) -> float:
    return sum(float((a[n].double() * b[n].double()).sum()) for n in a if n in b)


def between(a: Weights, b: Weights) -> Weights:
    """The way from `a` to `b`, buffers such as running means included, so that both ends are what they were."""
    return {name: b[name] - a[name] for name in a if not torch.equal(a[name], b[name])}


def line(a: Weights, b: Weights, stations: tuple[Station, Station]) -> Plane:
    """From one checkpoint, at 0, to another, at 1.

    Raises:
        TaskError: both are the same.
    """
    way = between(a, b)
    if not way:
        raise TaskError("both checkpoints have the same weights")
    return Plane("line", a, (way,), ((0.0, 1.0),), stations)


def pca_plane(trained: Sequence[Weights], names: Sequence[str], stations: Sequence[Station]) -> Plane:
    """The plane that holds most of the variance of the checkpoints, through the last of them.

    Args:
        trained: the weights of the checkpoints in order, three or more.
        names: the parameters among them, which move.
        stations: the checkpoints, whose places are found here.

    Raises:
        TaskError: fewer than three, or the checkpoints do not span a plane.
    """
    if len(trained) < 3:
        raise TaskError(f"a plane through the training needs three checkpoints or more, here are {len(trained)}")
    last = trained[-1]
    large = len(trained) * sum(last[n].numel() for n in names) > DOUBLE
    kind = torch.float32 if large else torch.float64
    away = torch.stack([torch.cat([(w[n] - last[n]).to(kind).flatten() for n in names]) for w in trained])
    centred = away - away.mean(dim=0)
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    values, vectors = values.flip(0), vectors.flip(1)
    if not bool(values[1] > 1e-12 * values[0]):
        raise TaskError("the checkpoints lie on a line: there is no plane through them")
    axes = torch.stack([vectors[:, k] @ centred / values[k].sqrt() for k in range(2)])
    # Either sign would do: the training comes from the right and from above.
    axes *= torch.where(axes @ away[0] < 0, -1.0, 1.0)[:, None]
    places = away @ axes.T
    rest = (away.square().sum(dim=1) - places.square().sum(dim=1)).clamp_min(0).sqrt()
    return Plane(
        "pca",
        last,
        tuple(_shaped(axis, last, names) for axis in axes),
        _ends(places.numpy()),
        tuple(
            Station(s.name, s.step, float(x), float(y), float(r))
            for s, (x, y), r in zip(stations, places.tolist(), rest.tolist(), strict=True)
        ),
        tuple((values[:2] / values.clamp_min(0).sum()).tolist()),
    )


def _shaped(flat: Tensor, like: Weights, names: Sequence[str]) -> Weights:
    sizes = [like[name].numel() for name in names]
    pieces = zip(names, torch.split(flat, sizes), strict=True)
    return {name: piece.view(like[name].shape).to(like[name].dtype) for name, piece in pieces}


def _ends(places: Floats) -> tuple[tuple[float, float], ...]:
    low, high = places.min(axis=0), places.max(axis=0)
    wide = float((high - low).max())
    middle, half = (low + high) / 2, ((high - low) / 2).clip(min=NARROW * wide / 2) * (1 + 2 * MARGIN)
    return tuple((float(m - h), float(m + h)) for m, h in zip(middle, half, strict=True))
