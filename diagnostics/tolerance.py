"""How far a metric, or a ratio of two, may be from where it should be: what `[tolerances]` in the settings says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from trainvitals.diagnostics.normalisation.names import canonical
from trainvitals.parsers.model import Split

END = "end"
ABSOLUTE = "absolute"

Kind = Literal["relative", "absolute", "band"]
"""`relative` and `absolute`: of the difference to the baselines. `band`: of the value itself, without baselines."""


class ToleranceError(ValueError):
    """A tolerance that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A metric, or a ratio of two, that must lie in [low, high] at an epoch; infinite stands for the end.

    `parts` are one (metric, split), or two of them: numerator and denominator. What is held against the bounds, `kind`
    says; a band may be open at one end.
    """

    name: str
    parts: tuple[tuple[str, Split], ...]
    low: float
    high: float
    kind: Kind = "relative"
    epoch: float = math.inf


def parse(name: str, value: Any) -> tuple[Tolerance, ...]:
    """The tolerances of one key.

        "eval loss" = 0.02                                           # 2 % from the baselines, at the end
        "article_loss / other_loss" = { end = 0.1, 3 = [0.5, 0.7] }  # a band at epoch 3, whatever the baselines
        "pck" = { absolute = 0.03 }                                  # 0.03 from the baselines

    Raises:
        ToleranceError: no metric, more than one ratio, or a limit that is none.
    """
    names = [part.strip() for part in name.split(" / ")]
    if len(names) > 2 or not all(names):
        raise ToleranceError("must be a metric, or two with ' / ' between them")
    parts = tuple(canonical(part, "") for part in names)
    return tuple(Tolerance(name, parts, *limits, epoch) for limits, epoch in _places(value))


def _places(value: Any) -> Iterator[tuple[tuple[float, float, Kind], float]]:
    """(limits, epoch) of limits for the end, or of a table of places."""
    if not isinstance(value, Mapping) or ABSOLUTE in value:
        yield _limits(value), math.inf
        return
    if not value:
        raise ToleranceError("names no place")
    for place, limits in value.items():
        try:
            epoch = math.inf if place == END else float(place)
        except ValueError:
            raise ToleranceError(f"{place!r} is neither an epoch nor 'end'") from None
        yield _limits(limits), epoch


def _limits(value: Any) -> tuple[float, float, Kind]:
    if isinstance(value, list):
        return _band(value)
    kind: Kind = "relative"
    if isinstance(value, Mapping) and tuple(value) == (ABSOLUTE,):
        value, kind = value[ABSOLUTE], "absolute"
    if not _is_number(value) or not 0 < value < math.inf:
        raise ToleranceError(
            "must be a relative difference such as 0.05, { absolute = 0.1 }, or a band such as [0.5, 0.7], "
            f"not {value!r}"
        )
    return -float(value), float(value), kind


def _band(value: list[Any]) -> tuple[float, float, Kind]:
    if len(value) != 2 or not all(map(_is_number, value)) or not value[0] < value[1]:
        raise ToleranceError(f"a band is two numbers, the lower one first (-inf and inf leave it open), not {value!r}")
    return float(value[0]), float(value[1]), "band"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
