"""The largest eigenvalue of the Hessian of the loss, by Lanczos iterations over Hessian-vector products."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from torch import Tensor

from trainvitals.diagnostics.weights.probe import Probe, composable
from trainvitals.diagnostics.weights.surface import Sharpness
from trainvitals.diagnostics.weights.task import moved

MOST = 60
"""Iterations at most; the largest eigenvalue of a network stands apart from the others, and needs some ten."""
CLOSE = 1e-3
"""A residual of this part of the eigenvalue is small enough."""

STEPS = (1e-3, 3e-4)
"""Steps of differences of gradients, as shares of the length of all weights."""
ALIKE = 0.2
"""Both steps must give the same eigenvalue up to this part: where the gradient jumps, it grows as the step shrinks."""

Product = Callable[[Tensor], Tensor]
Gradient = Callable[[Tensor], Tensor]


def lanczos(
    product: Product, size: int, seed: int, go_on: Callable[[], bool], like: Tensor
) -> tuple[float, float, float, int]:
    """Extreme eigenvalues of a symmetric matrix of which only products with vectors can be had.

    Args:
        product: takes and gives a vector `(size,)`.
        size: rows of the matrix.
        seed: of the vector that is begun with.
        go_on: asked after each iteration.
        like: a tensor of the type and on the device of the vectors.

    Returns:
        The largest eigenvalue, the smallest, the residual of the largest, and the number of iterations.
    """
    start = torch.randn(size, generator=torch.Generator().manual_seed(seed)).to(like)
    basis = [start / start.norm()]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        image = product(basis[-1])
        diagonal.append(float(image @ basis[-1]))
        # Twice against all earlier vectors: once leaves what rounding made of it, and false copies of eigenvalues.
        for _ in range(2):
            known = torch.stack(basis)
            image = image - known.T @ (known @ image)
        length = float(image.norm())
        values, vectors = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1))
        residual = length * abs(float(vectors[-1, -1]))
        done = residual <= CLOSE * abs(float(values[-1])) or len(basis) >= min(MOST, size)
        if done or length <= 1e-12 * max(1.0, abs(float(values[-1]))) or not (np.isfinite(residual) and go_on()):
            return float(values[-1]), float(values[0]), residual, len(basis)
        beside.append(length)
        basis.append(image / length)


class KinkError(Exception):
    """The gradient jumps near the weights, so that there is no Hessian."""


def sharpness(probe: Probe, at: str, parts: int, seed: int, limit: float) -> Sharpness:
    """The sharpness at the weights in the origin of a probe, of the loss over the first parts of its data.

    Args:
        probe: has model, weights and data.
        at: what the weights are called.
        parts: how many are used.
        seed: of the first vector.
        limit: seconds for the iterations, of which one is made in any case.

    Where an operation of the model cannot be differentiated twice, products are differences of gradients.

    Raises:
        KinkError: differences over two steps disagree.
    """
    names = [f"model.{n}" for n, p in probe.objective.model.named_parameters() if p.is_floating_point()]
    sizes = [probe.base[name].numel() for name in names]
    flat = torch.cat([probe.base[name].flatten() for name in names])
    gradient = _gradient(probe, names, sizes, parts)
    products = _products(gradient, flat)
    found: list[tuple[float, float, float, int]] = []
    for product in products:
        # torch loads what it needs for the first product; that is no iteration's fault.
        until = time.monotonic() + limit / len(products)
        found.append(lanczos(product, flat.numel(), seed, partial(_is_before, until), flat))
    values = [value for value, *_ in found]
    if max(values) - min(values) > ALIKE * max(map(abs, values)):
        raise KinkError(f"{min(values):.3g} to {max(values):.3g}")
    value, least, residual, count = found[0]
    return Sharpness(at, value, least, residual, count, parts, exact=len(products) == 1)


def _is_before(moment: float) -> bool:
    return time.monotonic() < moment


def _products(gradient: Gradient, flat: Tensor) -> tuple[Product, ...]:
    """The exact product if the model can be differentiated twice, else differences over two steps."""
    exact = _derivative(gradient, flat)
    try:
        exact(torch.zeros_like(flat))
    except RuntimeError:  # NotImplementedError is one
        return tuple(_difference(gradient, flat, step * float(flat.norm())) for step in STEPS)
    return (exact,)


def _gradient(probe: Probe, names: list[str], sizes: list[int], parts: int) -> Gradient:
    """The gradient of the mean loss over the parts as a function of all weights in one vector."""
    shapes = [probe.base[name].shape for name in names]

    def total(point: Tensor, part: int) -> tuple[Tensor, Tensor]:
        pieces = zip(names, torch.split(point, sizes), shapes, strict=True)
        weights = {**probe.base, **{name: piece.view(shape) for name, piece, shape in pieces}}
        batch = moved(probe.data.parts[part], probe.device)
        found: tuple[Tensor, Tensor] = torch.func.functional_call(probe.objective, weights, (batch,))
        return found

    def gradient(point: Tensor) -> Tensor:
        image, weight = torch.zeros_like(point), 0.0
        for part in range(parts):
            change, mass = torch.func.grad(total, has_aux=True)(point, part)
            image, weight = image + change, weight + mass
        return image / weight

    return gradient


def _derivative(gradient: Gradient, flat: Tensor) -> Product:
    """Products by forward differentiation of the gradient, exact but for rounding."""

    def product(vector: Tensor) -> Tensor:
        with composable():
            found: Tensor = torch.func.jvp(gradient, (flat,), (vector,))[1]
        return found.detach()

    return product


def _difference(gradient: Gradient, flat: Tensor, step: float) -> Product:
    """Products by central differences over this step to both sides."""

    def product(vector: Tensor) -> Tensor:
        with composable():
            far = [gradient(flat + sign * step * vector).detach() for sign in (1.0, -1.0)]
        return (far[0] - far[1]) / (2 * step)

    return product
