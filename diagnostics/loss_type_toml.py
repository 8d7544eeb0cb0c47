"""Loss types from TOML: those that are built in (`loss_types/`), and the user's own, by one schema."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from trainvitals.diagnostics.loss_type import (
    Band,
    ClassWeight,
    Level,
    LossType,
    Ratio,
    Reading,
    Share,
    Stage,
    Sum,
    Target,
    Tier,
)
from trainvitals.diagnostics.report import SEVERITIES
from trainvitals.parsers.errors import TrainvitalsError


class LossTypeError(TrainvitalsError):
    """A loss type that contradicts the schema; names the type and the key."""


@cache
def builtin() -> tuple[LossType, ...]:
    """The loss types that come with the package, in order of their file names."""
    files = sorted((Path(__file__).parent / "loss_types").glob("*.toml"))
    return tuple(parse(f.stem, tomllib.loads(f.read_text("utf-8"))) for f in files)


def parse(name: str, table: Mapping[str, Any]) -> LossType:
    """A loss type from its TOML table.

    Raises:
        LossTypeError: a key that is missing, unknown or of the wrong type.
    """
    fields = dict(table)
    try:
        fields.setdefault("title", table["title"])
        for key, build in _PARTS.items():
            fields[key] = tuple(build(part) for part in table.get(key, ()))
        fields["bookkeeping"] = _names(table.get("bookkeeping", ()))
        fields["watched"] = _names(table.get("watched", ()))
        fields["notes"] = _names(table.get("notes", ()))
        limits = table.get("gradient_limits", {})
        fields["gradient_limits"] = {pattern: float(limit) for pattern, limit in limits.items()}
        fields["weight"] = _weight(table["weight"]) if "weight" in table else None
        return LossType(name=name, **fields)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LossTypeError(f"loss type {name!r}: {type(error).__name__}: {error}") from error


def _names(names: Any) -> tuple[str, ...]:
    """A list of names, or one name alone."""
    found = (names,) if isinstance(names, str) else tuple(names)
    if not all(isinstance(name, str) for name in found):
        raise TypeError(f"names must be text, not {names!r}")
    return found


def _ratio(table: Mapping[str, Any]) -> Ratio:
    fields = dict(table)
    fields.setdefault("name", f"{table['numerator']} / {table['denominator']}")
    fields.setdefault("reference", table["denominator"])
    fields.setdefault("weighted", table["numerator"])
    fields["bands"] = tuple(_band(b) for b in table.get("bands", ()))
    fields["targets"] = tuple(_target(t) for t in table.get("targets", ()))
    return Ratio(**fields)


def _band(table: Mapping[str, Any]) -> Band:
    falling = _reading(table["falling"])
    stuck = _reading(table["stuck"]) if "stuck" in table else falling
    return Band(float(table.get("low", "-inf")), float(table.get("high", "inf")), falling, stuck)


def _reading(table: Mapping[str, Any]) -> Reading:
    reading = Reading(**table)
    if reading.severity not in (None, *SEVERITIES):
        raise ValueError(f"severity must be one of {', '.join(SEVERITIES)}, not {reading.severity!r}")
    return reading


def _target(table: Mapping[str, Any]) -> Target:
    return Target(**{"success_high": table["high"], **table})


def _sum(table: Mapping[str, Any]) -> Sum:
    settings = {part: _names(names) for part, names in table.get("weight_settings", {}).items()}
    weights = {part: float(weight) for part, weight in table["weights"].items()}
    return Sum(
        **{**table, "weights": weights, "weight_settings": settings, "optional": _names(table.get("optional", ()))}
    )


def _weight(table: Mapping[str, Any]) -> ClassWeight:
    steps = tuple(float(step) for step in table.get("steps", ()))
    return ClassWeight(**{**table, "settings": _names(table["settings"]), "steps": steps})


def _level(table: Mapping[str, Any]) -> Level:
    fields = {"low": float("-inf"), "high": float("inf"), "split": "train", **table}
    reading = _reading({"status": fields.pop("status"), "severity": fields.pop("severity", None)})
    return Level(**fields, reading=reading)


_PARTS: Mapping[str, Callable[[Any], Any]] = {
    "recognise": lambda names: frozenset(_names(names)),
    "ratios": _ratio,
    "sums": _sum,
    "shares": lambda table: Share(**table),
    "levels": _level,
    "tiers": lambda table: Tier(**table),
    "stages": lambda table: Stage(**table),
}
"""How each list of a loss type is built."""
