"""How far a metric, or a ratio of two, may be from that of the baselines: what `[tolerances]` in the settings says."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from trainvitals.diagnostics.normalisation.names import canonical
from trainvitals.parsers.model import Split

END = "end"


class ToleranceError(ValueError):
    """A tolerance that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The largest relative difference `limit` of a metric, or of a ratio, at an epoch; infinite stands for the end.

    `parts` are one (metric, split), or two of them: numerator and denominator.
    """

    name: str
    parts: tuple[tuple[str, Split], ...]
    limit: float
    epoch: float = math.inf


def parse(name: str, value: Any) -> tuple[Tolerance, ...]:
    """The tolerances of one key: `"eval loss" = 0.02`, `"article_loss / other_loss" = { end = 0.1, 3 = 0.2 }`.

    Raises:
        ToleranceError: no metric, more than one ratio, or a limit that is no positive number.
    """
    names = [part.strip() for part in name.split(" / ")]
    if len(names) > 2 or not all(names):
        raise ToleranceError("must be a metric, or two with ' / ' between them")
    parts = tuple(canonical(part, "") for part in names)
    return tuple(Tolerance(name, parts, *pair) for pair in _limits(value))


def _limits(value: Any) -> Iterator[tuple[float, float]]:
    """(limit, epoch) of a number, or of a table of places."""
    if not isinstance(value, Mapping):
        yield _positive(value), math.inf
        return
    for place, limit in value.items():
        try:
            epoch = math.inf if place == END else float(place)
        except ValueError:
            raise ToleranceError(f"{place!r} is neither an epoch nor 'end'") from None
        yield _positive(limit), epoch


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
        raise ToleranceError(f"must be a relative difference such as 0.05, not {value!r}")
    return float(value)
