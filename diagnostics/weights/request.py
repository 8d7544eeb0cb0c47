"""What is to be measured, in which time, and on what."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from trainvitals.diagnostics.weights.surface import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be measured.

    Attributes:
        plane: which one; None for what the checkpoints allow: one gives a random plane around it, two the line between
            them, more the plane of the training.
        grid: cells along each axis.
        extent: of a random plane, to each side, in lengths of the weights.
        budget: seconds that it may take, from loading the checkpoints on.
        tolerance: the standard error, as a share of the surface's standard deviation, that is small enough to stop.
        seed: of directions and of the order of the data.
        sharpness: whether to look for the largest eigenvalue of the Hessian.
        device: where to compute; empty for CUDA, MPS or the CPU, the first that is there.
    """

    plane: Kind | None = None
    grid: int = 41
    extent: float = 1.0
    budget: float = 60.0
    tolerance: float = 1e-3
    seed: int = 0
    sharpness: bool = True
    device: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a measurement is: seconds spent and to be spent, and what it is at, in words."""

    spent: float
    budget: float
    doing: str


Say = Callable[[Progress], None]


class Clock:
    """The time of one measurement, from its making on."""

    def __init__(self, budget: float, say: Say) -> None:
        self._begin, self.budget, self._say = time.monotonic(), budget, say

    def spent(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._begin

    def left(self) -> float:
        """Seconds of the budget that are left, negative beyond it."""
        return self.budget - self.spent()

    def say(self, doing: str) -> None:
        """Tell whoever waits what is being done."""
        self._say(Progress(self.spent(), self.budget, doing))
