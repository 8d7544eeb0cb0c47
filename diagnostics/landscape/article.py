"""Token-weighted cross-entropy: what a weight does to the loss, and what a log says of the weight in effect."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.landscape.picture import OVER, Curve, Landscape, Mark, Plot, Scale, Surface
from trainvitals.parsers.model import Floats

CELLS = 60
MOST_POINTS = 400
"""Points of a trajectory that are drawn."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """A run: its total and the mean losses of the class and of all other tokens at the same steps, each `(n,)`."""

    name: str
    step: Floats
    total: Floats
    part: Floats
    rest: Floats


@dataclass(frozen=True, slots=True)
class Options:
    """The weight, the share of tokens that have it, the known range of that share, and the ratios where bands end."""

    weight: float
    share: float
    known: tuple[float, float]
    bounds: tuple[float, ...]


NOTE = Trajectory("the field note's lines", *(np.array([v]) for v in (100.0, 2.0543, 4.2345, 1.9876)))
"""Looked at where no run is given."""


def effective_share(share: float, weight: Floats) -> Floats:
    """Part of the weighted loss that a class has whose tokens cost what others cost, any shape: 6 % at 5 is 24.2 %."""
    return np.asarray(share * weight / (1.0 + share * (weight - 1.0)))


def weighted_loss(part: Floats, rest: Floats, share: float, weight: float) -> Floats:
    """The weighted mean of the class's loss and that of the rest, any shape."""
    own = effective_share(share, np.asarray(weight))
    return np.asarray(own * part + (1.0 - own) * rest)


def implied_share(total: Floats, part: Floats, rest: Floats, weight: Floats) -> Floats:
    """The share of tokens at which the three losses agree at this weight, any shape; NaN where every share does."""
    below = weight * total - total - weight * part + rest
    return np.asarray((rest - total) / np.where(below == 0, math.nan, below))


def landscape(options: Options, run: Trajectory = NOTE) -> Landscape:
    """Effective and implied share over the weight, and the loss over both of its parts with the run's way.

    Raises:
        ValueError: the weight is not positive, the share not within 0 and 1, or the run has no finite point.
    """
    if not (0 < options.weight < math.inf and 0 < options.share < 1):
        raise ValueError("the weight must be positive and the share between 0 and 1")
    if not run.total.size:
        raise ValueError(f"{run.name}: no step with a total and both of its parts")
    return Landscape(
        "article",
        f"token-weighted cross-entropy, weight {options.weight:g} on {100 * options.share:g} % of the tokens",
        _told(options, run),
        (_effective(options), _implied(options, run), _surface(options, run)),
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _implied_at(run: Trajectory, weight: float) -> float:
    with np.errstate(all="ignore"):
        found = implied_share(run.total, run.part, run.rest, np.asarray(weight))
    found = found[np.isfinite(found)]
    return float(np.median(found)) if found.size else math.nan


def _told(options: Options, run: Trajectory) -> tuple[str, ...]:
    w, p = options.weight, options.share
    own = float(effective_share(p, np.asarray(w)))
    low, high = options.known
    implied, plain = _implied_at(run, w), _implied_at(run, 1.0)
    told = [
        f"{100 * p:g} % of the tokens at weight {w:g} make {_percent(own)} of the loss where all tokens cost the same: "
        f"{p * w:.2f} / {1 + p * (w - 1):.2f}, as the mean divides by the sum of the weights",
        f"for half of the loss the weight would have to be {(1 - p) / p:.3g}",
    ]
    if implied == implied:
        known = f"the known {100 * low:g}-{100 * high:g} %"
        fits = [f"weight {x:g}" for x, s in {w: implied, 1.0: plain}.items() if low <= s <= high]
        verdict = f"{' and '.join(fits)} would fit {known}" if fits else f"neither is within {known}"
        told.append(
            f"{run.name}: loss, class and other loss imply a share of {_percent(implied)} at weight {w:g} and of "
            f"{_percent(plain)} at weight 1; {verdict}"
        )
    return tuple(told)


def _weights(options: Options) -> Floats:
    return np.linspace(1.0, max(20.0, 1.5 * options.weight), 300)


def _effective(options: Options) -> Plot:
    over = _weights(options)
    low, high = options.known
    named = dict.fromkeys((low, options.share, high))
    now = 100 * float(effective_share(options.share, np.asarray(options.weight)))
    return Plot(
        "share of the loss over the weight, where all tokens cost the same",
        Scale("weight"),
        Scale("share of the loss in %", low=0.0),
        tuple(
            Curve(
                f"{100 * p:g} % of the tokens",
                over,
                100 * effective_share(p, over),
                i,
                "line" if p == options.share else "dashed",
            )
            for i, p in enumerate(named)
        ),
        (Mark(options.weight, f"{now:.1f} %", now),),
    )


def _implied(options: Options, run: Trajectory) -> Plot:
    over = _weights(options)
    implied = 100 * np.array([_implied_at(run, float(w)) for w in over])
    low, high = options.known
    bounds = tuple(Curve(f"known: {100 * p:g} %", over[[0, -1]], np.full(2, 100 * p), 2, "dashed") for p in (low, high))
    now = 100 * _implied_at(run, options.weight)
    marks = (Mark(options.weight, f"{now:.1f} %", now),) if now == now else ()
    return Plot(
        f"share of the tokens that {run.name} imply, if the weight is in effect",
        Scale("weight"),
        Scale("share of the tokens in %"),
        (Curve("implied", over, implied), *bounds),
        marks,
    )


def _surface(options: Options, run: Trajectory) -> Surface:
    top = 1.1 * max(float(run.part.max()), float(run.rest.max()))
    axis = (np.arange(CELLS) + 0.5) * top / CELLS
    z = weighted_loss(axis[:, None], axis[None, :], options.share, options.weight)
    kept = np.unique(np.linspace(0, run.total.size - 1, min(run.total.size, MOST_POINTS)).round().astype(np.intp))
    way = Curve(run.name, run.rest[kept], run.part[kept], 1)
    rays = _rays(options.bounds, top)
    named = tuple(
        Mark(float(ray.x[-1]), f"{bound:g}", float(ray.y[-1]), dot=False)
        for ray, bound in zip(rays, options.bounds, strict=True)
    )
    return Surface(
        "weighted loss over both of its parts; lines are ratios of class to other loss",
        Scale("other loss", low=0.0, high=top),
        Scale("class loss", low=0.0, high=top),
        "loss",
        axis,
        axis,
        z,
        (*rays, way),
        (*named, *_ends(run)),
        square=True,
    )


def _rays(bounds: Sequence[float], top: float) -> tuple[Curve, ...]:
    ends = [(top, r * top) if r <= 1 else (top / r, top) for r in bounds]
    return tuple(Curve("", np.array([0.0, x]), np.array([0.0, y]), OVER, "thin") for x, y in ends)


def _ends(run: Trajectory) -> tuple[Mark, ...]:
    places = dict.fromkeys((0, run.total.size - 1))
    return tuple(Mark(float(run.rest[i]), _step(run.step[i]), float(run.part[i])) for i in places)


def _step(step: float) -> str:
    return f"step {step:g}" if step == step else "end"
