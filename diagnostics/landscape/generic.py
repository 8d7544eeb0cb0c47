"""The landscape of any loss of one error: its value and gradient, with what the analysis found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainvitals.diagnostics.landscape.analysis import Analysis, analyse
from trainvitals.diagnostics.landscape.expression import ExpressionError, compiled
from trainvitals.diagnostics.landscape.picture import Curve, Landscape, Mark, Plot, Scale
from trainvitals.diagnostics.landscape.words import MOST, Place, sentences
from trainvitals.parsers.model import Floats


@dataclass(frozen=True, slots=True)
class Definition:
    """A loss as a user writes it in TOML: `loss` is an expression of `error`, from `low` to `high`.

    Errors are shown in `unit`, which is `factor` times the unit of the expression.
    """

    loss: str
    low: float = 0.0
    high: float = 1.0
    unit: str = ""
    factor: float = 1.0
    title: str = ""


def definition(table: Mapping[str, Any]) -> Definition:
    """The definition in a TOML table.

    Raises:
        ExpressionError: a key that is unknown, of the wrong type, or missing, by its name.
    """
    kinds: dict[str, tuple[type, ...]] = dict.fromkeys(("low", "high", "factor"), (int, float))
    kinds |= dict.fromkeys(("loss", "unit", "title"), (str,))
    for key, value in table.items():
        if key not in kinds:
            raise ExpressionError(f"{key}: unknown key; known are {', '.join(sorted(kinds))}")
        if not isinstance(value, kinds[key]) or isinstance(value, bool):
            raise ExpressionError(f"{key}: {value!r} is not {'a number' if float in kinds[key] else 'text'}")
    if "loss" not in table:
        raise ExpressionError("loss: missing; write loss = 'error**2'")
    return Definition(**table)


def landscape(one: Definition) -> Landscape:
    """Value and gradient of an expression, and what is remarkable about it.

    Raises:
        ExpressionError: the expression cannot be read, or has no finite value in the range.
    """
    try:
        found = analyse(compiled(one.loss), one.low, one.high)
    except ValueError as error:
        raise ExpressionError(f"{one.loss}: {error}") from error
    title = one.title or f"loss = {one.loss}"
    return of_function(found, title, unit=one.unit, factor=one.factor)


def of_callable(loss: Callable[[Any], Any], low: float, high: float, *, title: str, unit: str = "") -> Landscape:
    """Value and gradient of a Python function of an error, and what is remarkable about it.

    Raises:
        ValueError: the range is empty or has no finite value.
    """
    return of_function(analyse(loss, low, high), title, unit=unit)


def of_function(found: Analysis, title: str, *, unit: str = "", factor: float = 1.0) -> Landscape:
    """The two pictures of an analysis."""
    label = Scale(f"error ({unit})" if unit else "error")
    x, y, slope = broken_at_jumps(found)
    name = Place(unit, factor)
    marks = tuple(Mark(j.at * factor, f"jump at {name(j.at)}") for j in found.jumps[:MOST])
    marks += tuple(Mark(k.at * factor, f"kink at {name(k.at)}") for k in found.kinks[:MOST])
    shown = slope[np.abs(slope) < 1e300]
    limit = float(np.quantile(np.abs(shown), 0.995)) * 1.2 if shown.size and found.steep else None
    gradient = Scale("gradient", low=None if limit is None else -limit if shown.min() < 0 else 0.0, high=limit)
    return Landscape(
        "generic",
        title,
        sentences(found, unit, factor),
        (
            Plot("loss over the error", label, Scale("loss"), (Curve("loss", x * factor, y),), marks),
            Plot("gradient over the error", label, gradient, (Curve("gradient", x * factor, slope, 1),), marks),
        ),
    )


def broken_at_jumps(found: Analysis) -> tuple[Floats, Floats, Floats]:
    """Errors, loss and gradient `(n,)` to draw: NaN at each jump, so that no line joins its two values."""
    at = [j.at for j in found.jumps]
    gaps = np.searchsorted(found.x, at)
    x, y = np.insert(found.x, gaps, at), np.insert(found.y, gaps, math.nan)
    width = np.diff(x)
    with np.errstate(all="ignore"):
        chord = np.where(width > 1e-9 * (found.high - found.low), np.diff(y) / width, math.nan)
    # A point has the mean slope of its two chords, or the one that it has beside a jump or at an end.
    both = np.stack([np.append(math.nan, chord), np.append(chord, math.nan)])
    known = np.isfinite(both)
    with np.errstate(all="ignore"):
        slope = np.where(known, both, 0.0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), math.nan)
    slope[~np.isfinite(y)] = math.nan
    return x, y, slope
