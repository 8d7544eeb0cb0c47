"""What a measured surface consists of. Nothing here knows torch, files or pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trainvitals.parsers.model import Bools, Floats

Kind = Literal["random", "pca", "line"]
KINDS: tuple[Kind, ...] = ("random", "pca", "line")


@dataclass(frozen=True, slots=True)
class Station:
    """A checkpoint: its name, its step (NaN where the name has none), and where it lies.

    `across` and `up` are those of its projection into the plane, `away` is how far from there it lies itself, in the
    unit of the axes (0 within the plane). `loss` is that of the checkpoint itself, NaN where it was not measured.
    """

    name: str
    step: float
    across: float
    up: float
    away: float = 0.0
    loss: float = float("nan")


@dataclass(frozen=True, slots=True)
class Sharpness:
    """The largest eigenvalue of the Hessian of the loss at `at`, the name of a checkpoint.

    `residual` is the norm of Hv - value * v: an eigenvalue lies no farther than that from `value`. `least` is the
    smallest eigenvalue as far as the same iterations found it. `parts` of the data were used. Not `exact` are products
    by differences of gradients, for models that cannot be differentiated twice.
    """

    at: str
    value: float
    least: float
    residual: float
    iterations: int
    parts: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Barrier:
    """How far the loss on the line between two checkpoints rises above the straight line between their losses.

    `height` is that largest rise, with its standard error `error`, at `at` from 0 to 1; `peak` is the loss there.
    """

    height: float
    error: float
    at: float
    peak: float


@dataclass(frozen=True, slots=True, eq=False)
class LossSurface:
    """The loss over a plane, or a line, through trained weights.

    Attributes:
        plane: `random` (filter-normalised directions, Li et al. 2018), `pca` (of the checkpoints), or `line` (between
            the first checkpoint at 0 and the last at 1).
        across: coordinates of the columns, `(n,)`, evenly spaced. In a random plane 1 is as long as the weights
            themselves, filter by filter; in a PCA plane 1 is a distance of 1 between weights.
        up: coordinates of the rows, `(m,)`; a line has one row, at 0.
        loss: `(m, n)`, NaN where the model has no finite loss.
        error: `(m, n)`, one standard error of `loss` against the loss over all of the data: that of data not seen here
            and that of interpolation. 0 where all data were seen.
        seen: `(m, n)`, the share of the data that was evaluated at this very cell; 0 where the loss is interpolated.
        path: the checkpoints in the order of training.
        explained: the share of the checkpoints' variance along each axis of a PCA plane; else empty.
        sharpness: at the weights in the origin (of a line: at its end), if it was measured.
        barrier: of a line.
        finished: False while it is being measured, or where that was interrupted.
        about: what it was made with: `model`, `data`, `parameters`, `parts` (of the data), `seed`, `budget` and `spent`
            in seconds, `device`, `torch`, `evaluations` (of a model on a part), `way` (vmap or loop, and why),
            `stopped` (why), `cosine` of both directions.
    """

    plane: Kind
    across: Floats
    up: Floats
    loss: Floats
    error: Floats
    seen: Floats
    path: tuple[Station, ...] = ()
    explained: tuple[float, ...] = ()
    sharpness: Sharpness | None = None
    barrier: Barrier | None = None
    finished: bool = True
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_line(self) -> bool:
        """Whether there is one row only."""
        return self.up.size == 1

    @property
    def measured(self) -> Bools:
        """Where the model was evaluated, `(m, n)`; elsewhere the loss is interpolated."""
        return self.seen > 0
