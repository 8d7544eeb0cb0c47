"""What an analysis found, in sentences with numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from trainvitals.diagnostics.landscape.analysis import FLAT, STEEP, Analysis, Fall, Stretch
from trainvitals.diagnostics.landscape.breaks import Jump, Kink

MOST = 6
"""Sentences of one kind."""


def sentences(found: Analysis, unit: str = "", factor: float = 1.0) -> tuple[str, ...]:
    """A sentence for each thing found, errors given in `unit`, which is `factor` times the error's own."""
    far = max(abs(found.low), abs(found.high)) / (found.high - found.low)
    place = Place(unit, factor, 4 + max(0, round(math.log10(far))))
    falls = [fall for fall in found.falls if place(fall.start) != place(fall.end)]
    told = [
        *_most([_jump(jump, place) for jump in found.jumps], "jumps"),
        *_most([_fall(fall, place) for fall in falls], "places where a larger error costs less"),
        *_most([_kink(kink, place) for kink in found.kinks], "kinks"),
        *_most([_flat(stretch, place) for stretch in found.flat], "flat stretches"),
        *_most([_steep(stretch, place) for stretch in found.steep], "steep stretches"),
        *_most(list(_broken(found, place)), "stretches without a finite value"),
    ]
    span = f"between {place(found.low)} and {place(found.high)}"
    if not found.mean_slope and not told:
        return (f"{span} the loss is constant: nothing is learnt",)
    return tuple(dict.fromkeys(told)) or (f"{span} the loss is smooth, and a larger error always costs more",)


def _most(told: list[str], what: str) -> list[str]:
    """The first sentences of one kind, and how many more there are: a loss with noise in it jumps everywhere."""
    more = len(told) - MOST
    return [*told[:MOST], *([f"and {more} more {what}"] if more > 0 else [])]


class Place:
    """Writes an error in the unit of the reader."""

    def __init__(self, unit: str, factor: float, digits: int = 4) -> None:
        self.unit, self.factor, self.digits = unit, factor, digits

    def __call__(self, error: float) -> str:
        """The error with its unit, in as many digits as tell it from its neighbours."""
        return f"{error * self.factor:.{self.digits}g}{f' {self.unit}' if self.unit else ''}"


def value(loss: float) -> str:
    """A loss with as many digits as tell it from others."""
    loss += 0.0  # -0.0 is written as 0
    return f"{loss:.4f}" if 1e-3 <= abs(loss) < 10 else f"{loss:.4g}"


def change(before: float, after: float) -> str:
    """What a number does between two sides of a place."""
    first, second = f"{before + 0.0:.4g}", f"{after + 0.0:.4g}"
    return f"stays {first}" if first == second else f"goes from {first} to {second}"


def _jump(jump: Jump, place: Place) -> str:
    how = "falls" if jump.after < jump.before else "rises"
    slopes = f"the gradient {change(jump.slope_before, jump.slope_after)}"
    size = f"from {value(jump.before)} to {value(jump.after)}"
    if value(jump.before) == value(jump.after):
        size = f"by {abs(jump.after - jump.before):.2g}, from {value(jump.before)}"
    return f"jump at {place(jump.at)}: the loss {how} {size}; {slopes}"


def _fall(fall: Fall, place: Place) -> str:
    if math.isnan(fall.equal):
        drop = f"the loss falls from {value(fall.peak)} to {value(fall.low)} at {place(fall.low_at)}"
        return f"not monotone: beyond {place(fall.start)} {drop}, less than any smaller error costs"
    end = f"up to {place(fall.end)}" if math.isfinite(fall.end) else "from there on"
    cheap = f"an error of {place(fall.low_at)} costs {value(fall.low)}, as little as one of {place(fall.equal)}"
    between = f"every error between {place(fall.equal)} and {place(fall.start)} costs more"
    return (
        f"not monotone: {cheap}, and {between}; beyond {place(fall.start)}, {end}, errors cost less than "
        f"{value(fall.peak)}, the cost at {place(fall.start)}"
    )


def _kink(kink: Kink, place: Place) -> str:
    return f"kink at {place(kink.at)}: the gradient {change(kink.slope_before, kink.slope_after)}"


def _flat(stretch: Stretch, place: Place) -> str:
    return (
        f"flat from {place(stretch.start)} to {place(stretch.end)}: the gradient is at most {stretch.slope:.3g}, below "
        f"{FLAT:.0%} of the mean, so nothing is learnt from such errors"
    ).replace("%", " %")


def _steep(stretch: Stretch, place: Place) -> str:
    if math.isinf(stretch.slope):
        return f"exploding: the gradient grows without bound towards {place(stretch.at)}"
    size = f"the gradient reaches {stretch.slope:.4g}, more than {STEEP:g} times the mean"
    return f"steep from {place(stretch.start)} to {place(stretch.end)}: {size}"


def _broken(found: Analysis, place: Place) -> Iterator[str]:
    for start, end in found.broken:
        where = f"at {place(start)}" if start == end else f"from {place(start)} to {place(end)}"
        yield f"not finite {where}"
