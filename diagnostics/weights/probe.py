"""The loss of a model at many places of a plane: batches of perturbed models in one call, or one after the other."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from trainvitals.diagnostics.weights import sums
from trainvitals.diagnostics.weights.checkpoints import Weights
from trainvitals.diagnostics.weights.errors import TaskError
from trainvitals.diagnostics.weights.task import Data, moved, total_and_weight
from trainvitals.parsers.model import Floats

BATCHES = {"cpu": (4, 16), "cuda": (8, 32, 128, 512), "mps": (8, 32)}
"""Models in one call that are tried, as long as each is faster than the one before."""
FASTER = 0.9
"""What is tried must take at most so much of the time of what is there, or it is left: a clock is not exact."""
SAME = 1e-3
"""A difference between vmap and loop, relative to the loss, that is no longer rounding."""


def device_of(name: str) -> torch.device:
    """The device of this name; for an empty one CUDA, MPS or the CPU, the first that is there."""
    if name:
        return torch.device(name)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def device_name(device: torch.device) -> str:
    """A device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"CPU, {threads} thread{'s' * (threads > 1)}" if device.type == "cpu" else device.type.upper()


class Objective(nn.Module):
    """A model and its loss as one module, so that the weights of a call can be put in place of the model's own."""

    def __init__(self, model: nn.Module, data: Data) -> None:
        super().__init__()
        self.model = model
        self._loss = data.loss

    def forward(self, batch: Any) -> tuple[Tensor, Tensor]:
        """The sum and the weight of the losses of a batch, scalars."""
        return total_and_weight(self._loss, self.model, batch)


@contextlib.contextmanager
def composable() -> Iterator[None]:
    """Attention and encoder layers of plain operations, of which torch.func knows all: fused kernels have no rules."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="There is a performance drop")
            # Forward differentiation loads formulas that torch itself has written in TorchScript.
            warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


class Probe:
    """Measures the loss around `base` along `directions`, on parts of the data.

    Attributes:
        batch: models in one call; 1 is a loop.
        way: `vmap` or `loop`, and why, in words.
        seconds: what one model takes for one part, as last measured.
        evaluations: models times parts, so far.
    """

    def __init__(
        self, model: nn.Module, data: Data, base: Weights, directions: Sequence[Weights], device: torch.device
    ) -> None:
        self.objective = Objective(model.to(device).eval(), data)
        self.data = data
        self.device = device
        self.base = {f"model.{name}": tensor.to(device) for name, tensor in base.items()}
        self.directions = [{f"model.{n}": t.to(device) for n, t in one.items()} for one in directions]
        self.batch, self.way, self.seconds, self.evaluations = 1, "loop", 0.0, 0

    def calibrate(self, limit: float = 10.0) -> None:
        """Find out how many models in one call are fastest here, and whether vmap gives what a loop gives.

        Args:
            limit: seconds after which nothing further is tried.

        Raises:
            TaskError: model, data and loss do not go together.
        """
        until = time.perf_counter() + limit
        far = np.linspace(0.1, 0.2, len(self.directions))
        try:
            slow = self._loop(far[None], 0)
        except TaskError:
            raise
        except Exception as error:  # the user's code may raise anything
            text = f"the model does not take the data: {type(error).__name__}: {error}"
            raise TaskError(" ".join(text.split())[:500]) from error
        self.seconds = self._threads(partial(self._loop, far[None], 0))
        self.way = "loop, as there is no time to try more"
        if not self.directions or time.perf_counter() > until:
            return
        try:
            fast = self._vmap(np.stack([far, far]), 0)
        except Exception as error:  # noqa: BLE001 (the same)
            self.way = f"loop, as vmap does not take the model: {' '.join(str(error).split())[:160]}"
            return
        if not np.allclose(fast[:, 0], slow[0, 0], rtol=SAME, atol=SAME * abs(slow[0, 1]), equal_nan=True):
            self.way = "loop, as vmap gives other losses"
            return
        self.way = "loop, as vmap is slower here"
        for count in BATCHES.get(self.device.type, (8,)):
            if time.perf_counter() > until:
                break
            try:
                each = self._timed(partial(self._vmap, np.stack([far] * count), 0)) / count
            except RuntimeError:  # out of memory
                break
            if each >= FASTER * self.seconds:
                break
            self.batch, self.seconds, self.way = count, each, f"vmap over {count} models"

    def _threads(self, run: Callable[[], Any]) -> float:
        """The time of a run; on the CPU with one thread, if that is faster: small models only wait for the others."""
        usual, threads = self._timed(run), torch.get_num_threads()
        if self.device.type != "cpu" or threads == 1:
            return usual
        torch.set_num_threads(1)
        alone = self._timed(run)
        if alone < usual:
            return alone
        torch.set_num_threads(threads)
        return usual

    def _timed(self, run: Callable[[], Any]) -> float:
        run()
        begin = time.perf_counter()
        run()
        return time.perf_counter() - begin

    def at(self, places: Floats, first: int, last: int) -> Floats:
        """The sums of the parts from `first` to `last` at `places` `(k, d)`, `(k, 5)`."""
        begin = time.perf_counter()
        found = np.zeros((len(places), len(sums.NAMES)))
        for part in range(first, last):
            found += self._some(places, part)
        count = len(places) * (last - first)
        self.evaluations += count
        self.seconds = (time.perf_counter() - begin) / max(count, 1)
        return found

    def _some(self, places: Floats, part: int) -> Floats:
        if self.batch == 1:
            return self._loop(places, part)
        try:
            return self._vmap(places, part)
        except torch.OutOfMemoryError:
            self.batch = max(1, min(self.batch, len(places) // 2))
            self.way = f"vmap over {self.batch} models" if self.batch > 1 else "loop, as memory is short"
            half = max(1, len(places) // 2)
            rest = [self._some(piece, part) for piece in (places[:half], places[half:]) if len(piece)]
            return np.concatenate(rest)

    def _loop(self, places: Floats, part: int) -> Floats:
        batch = moved(self.data.parts[part], self.device)
        found = []
        with torch.no_grad():
            for place in places:
                weights = self._perturbed(torch.as_tensor(place))
                total, weight = torch.func.functional_call(self.objective, weights, (batch,))
                found.append((float(total), float(weight)))
        pairs = np.array(found, np.float64)
        return sums.of_part(pairs[:, 0], pairs[:, 1])

    def _vmap(self, places: Floats, part: int) -> Floats:
        batch = moved(self.data.parts[part], self.device)
        with torch.no_grad(), composable():
            total, weight = torch.func.vmap(lambda place: self._call(place, batch))(torch.as_tensor(places))
        return sums.of_part(*(found.cpu().double().numpy() for found in (total, weight)))  # MPS has no doubles

    def _call(self, place: Tensor, batch: Any) -> tuple[Tensor, Tensor]:
        found: tuple[Tensor, Tensor] = torch.func.functional_call(self.objective, self._perturbed(place), (batch,))
        return found

    def _perturbed(self, place: Tensor) -> Weights:
        """The weights at a place `(d,)` of the plane."""
        weights = dict(self.base)
        for step, direction in zip(place, self.directions, strict=True):
            for name, way in direction.items():
                weights[name] = weights[name] + step.to(way.device, way.dtype) * way
        return weights
