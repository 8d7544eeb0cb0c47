"""Class-weighted cross-entropy: what a larger weight for one class takes from the others."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from trainvitals.diagnostics.landscape.picture import COLOURS, Curve, Landscape, Mark, Plot, Scale
from trainvitals.diagnostics.report import Cell, Table
from trainvitals.parsers.model import Floats

WEIGHTS = (1.0, 5.0, 10.0, 20.0, 30.0)
"""Weights that the table shows: none, and those that are worth trying."""


def shares(counts: Mapping[str, float], weighted: str, weights: Floats) -> dict[str, Floats]:
    """Share of each class in the loss, `(n,)` for `weights` `(n,)`, where each of its tokens costs the same.

    It is the same for a sum and for a weighted mean, which differ in the size of the whole.
    """
    mass = {name: count * (weights if name == weighted else np.ones_like(weights)) for name, count in counts.items()}
    total = sum(mass.values(), np.zeros_like(weights))
    return {name: part / total for name, part in mass.items()}


def gradient_factors(counts: Mapping[str, float], weighted: str, weights: Floats) -> dict[str, tuple[Floats, Floats]]:
    """By what a class's gradient is multiplied, against weight 1, in a (weighted mean, sum), each `(n,)`."""
    total = sum(counts.values())
    own = {name: weights if name == weighted else np.ones_like(weights) for name in counts}
    divisor = sum((counts[name] * own[name] for name in counts), np.zeros_like(weights)) / total
    return {name: (factor / divisor, factor) for name, factor in own.items()}


def landscape(counts: Mapping[str, float], weighted: str, weight: float) -> Landscape:
    """Shares and gradients over the weight of one class.

    Raises:
        ValueError: the weighted class is not among the counts, no other class is, or a number is not positive.
    """
    present = {name: count for name, count in counts.items() if count}
    if weighted not in present or len(present) < 2:
        raise ValueError(f"the counts must have tokens of {weighted} and of another class")
    if not (math.isfinite(weight) and weight > 0 and all(0 < c < math.inf for c in present.values())):
        raise ValueError("counts and weights must be positive numbers")
    over = np.linspace(min(1.0, weight), max(40.0, 1.5 * weight), 400)
    names = sorted(present, key=lambda name: name == weighted)
    told = _told(present, names, weighted, weight)
    share, factors = shares(present, weighted, over), gradient_factors(present, weighted, over)
    now = shares(present, weighted, np.array([weight]))
    label = Scale(f"weight of {weighted}")
    marks = tuple(Mark(weight, f"{name} {now[name][0]:.1%}".replace("%", " %"), 100 * now[name][0]) for name in names)
    made = " + ".join(f"{present[name]:g} {name}" for name in names)
    lines = [
        Curve(f"{label}, {how}", over, factors[name][i], 2 * number + i, "line" if i == 0 else "dashed")
        for number, (name, label) in enumerate(_pair(names))
        for i, how in enumerate(("weighted mean", "sum"))
    ]
    return Landscape(
        "eos",
        f"class-weighted cross-entropy of {made}",
        told,
        (
            Plot(
                "share of the token loss, and of its gradient",
                label,
                Scale("share in %", low=0.0, high=100.0),
                tuple(Curve(name, over, 100 * share[name], i % COLOURS) for i, name in enumerate(names)),
                marks,
            ),
            Plot(
                "gradient of a class against weight 1",
                label,
                Scale("factor", log=True),
                tuple(lines),
                (Mark(weight, f"w = {weight:g}"),),
            ),
        ),
        (_table(present, names, weighted, weight),),
    )


def _told(counts: Mapping[str, float], names: list[str], weighted: str, weight: float) -> tuple[str, ...]:
    at = np.array([1.0, weight])
    share, factors = shares(counts, weighted, at), gradient_factors(counts, weighted, at)
    moves = [f"{name} from {_percent(share[name][0])} to {_percent(share[name][1])}" for name in names]
    others = [name for name in names if name != weighted]
    tokens = sum(counts.values())
    equal = sum(counts[name] for name in others) / counts[weighted]
    mean, plain = factors[others[0]][0][1], factors[weighted][0][1]
    return (
        f"at weight {weight:g} the share of the token loss goes, where tokens cost the same, of {', of '.join(moves)}",
        f"weighted mean (PyTorch's default): the gradient of {', '.join(others)} is multiplied by {mean:.3g} and that "
        f"of {weighted} by {plain:.3g}, as the mean divides by the sum of the weights",
        f"sum: the gradient of {', '.join(others)} is unchanged and that of {weighted} is multiplied by {weight:g}; "
        f"the whole loss grows from {tokens:g} to {tokens + counts[weighted] * (weight - 1):g} token losses",
        f"{weighted} has half of the token loss at weight {equal:g}",
    )


def _pair(names: list[str]) -> tuple[tuple[str, str], ...]:
    """One class without the weight, for all of them, and the weighted one, which is the last; each with a label."""
    return ((names[0], names[0] if len(names) == 2 else "others"), (names[-1], names[-1]))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _table(counts: Mapping[str, float], names: list[str], weighted: str, weight: float) -> Table:
    at = np.array(sorted({*WEIGHTS, weight}))
    share, factors = shares(counts, weighted, at), gradient_factors(counts, weighted, at)
    rows: list[tuple[Cell, ...]] = [
        (
            float(w),
            *(_percent(share[name][i]) for name in names),
            *(f"x{factors[name][way][i]:.3g}" for way in (0, 1) for name, _ in _pair(names)),
        )
        for i, w in enumerate(at)
    ]
    ways = (f"{label} grad ({way})" for way in ("mean", "sum") for _, label in _pair(names))
    heads = (*(f"{name} share" for name in names), *ways)
    return Table("shares and gradients by weight", ("weight", *heads), tuple(rows))
