"""What the product knows of one kind of loss, as data: read from TOML, built in (`loss_types/`) or the user's own."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from trainvitals.diagnostics.report import Severity
from trainvitals.parsers.errors import TrainvitalsError
from trainvitals.parsers.model import Run, Split


class LossTypeError(TrainvitalsError):
    """A loss type that contradicts the schema; names the type and the key."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a value in a band means: a status word, and a severity or None where it is fine."""

    status: str
    severity: Severity | None = None


@dataclass(frozen=True, slots=True)
class Band:
    """Values in [low, high) and their reading while both losses fall, and while the reference loss is stuck."""

    low: float
    high: float
    falling: Reading
    stuck: Reading


@dataclass(frozen=True, slots=True)
class Target:
    """The range [low, high] that a value should have at an epoch; at the last one missing it is a failure."""

    epoch: float
    low: float
    high: float
    success_high: float


@dataclass(frozen=True, slots=True)
class Ratio:
    """Any two series, divided. `reference` is the metric that must keep falling (usually the denominator)."""

    name: str
    numerator: str
    denominator: str
    reference: str
    weighted: str
    split: Split = "train"
    denominator_split: Split = "train"
    logged_as: str = ""
    bands: tuple[Band, ...] = ()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """`total` is the sum of `weights[part] * part`; a part also stands for its auxiliary layers `part_0` ..."""

    total: str
    weights: Mapping[str, float]
    weight_settings: Mapping[str, str] = field(default_factory=dict)
    optional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """Total as weighted mean of a weighted class and the rest; from it follows the share of that class."""

    total: str
    part: str
    rest: str
    weight_settings: tuple[str, ...]
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Level:
    """A band of absolute loss: values in [low, high) read as `reading`, from `after_epoch` or `after_step` on."""

    metric: str
    split: Split
    low: float
    high: float
    reading: Reading
    after_epoch: float = 0.0
    after_step: float = 0.0
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """A named quality that needs all of `shares` (within px -> fraction), a mean error and a loss below."""

    name: str
    shares: Mapping[str, float]
    mean_below: float
    loss_below: float


@dataclass(frozen=True, slots=True)
class LossType:
    """One kind of loss. `recognise` lists alternatives: all metric names of one of them must be present."""

    name: str
    title: str
    main: str = "loss"
    recognise: tuple[frozenset[str], ...] = ()
    ratios: tuple[Ratio, ...] = ()
    sums: tuple[Sum, ...] = ()
    shares: tuple[Share, ...] = ()
    levels: tuple[Level, ...] = ()
    tiers: tuple[Tier, ...] = ()
    watched: tuple[str, ...] = ()
    remedies: Mapping[str, str] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


GENERIC = LossType("generic", "any loss: no ratio, no bands")


def builtin() -> tuple[LossType, ...]:
    """The loss types that come with the package, in order of their file names."""
    folder = resources.files("trainvitals.diagnostics.loss_types")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(parse(f.name.removesuffix(".toml"), tomllib.loads(f.read_text("utf-8"))) for f in files)


def recognise(run: Run, types: tuple[LossType, ...]) -> LossType:
    """The type whose alternative with the most metric names is fully present in the normalised run; else generic."""
    present = {s.metric for s in run.series}
    fits = [(len(names), t) for t in types for names in t.recognise if names <= present]
    return max(fits, key=lambda fit: fit[0])[1] if fits else GENERIC


def parse(name: str, table: Mapping[str, Any]) -> LossType:
    """A loss type from its TOML table.

    Raises:
        LossTypeError: a key that is missing, unknown or of the wrong type.
    """
    try:
        return LossType(
            name=name,
            title=table["title"],
            main=table.get("main", "loss"),
            recognise=tuple(frozenset(names) for names in table.get("recognise", ())),
            ratios=tuple(_ratio(r) for r in table.get("ratios", ())),
            sums=tuple(Sum(**s) for s in table.get("sums", ())),
            shares=tuple(Share(**s) for s in table.get("shares", ())),
            levels=tuple(_level(b) for b in table.get("levels", ())),
            tiers=tuple(Tier(**t) for t in table.get("tiers", ())),
            watched=tuple(table.get("watched", ())),
            remedies=dict(table.get("remedies", {})),
            severities=dict(table.get("severities", {})),
            notes=tuple(table.get("notes", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise LossTypeError(f"loss type {name!r}: {type(error).__name__}: {error}") from error


def _ratio(table: Mapping[str, Any]) -> Ratio:
    fields = dict(table)
    fields.setdefault("name", f"{table['numerator']} / {table['denominator']}")
    fields.setdefault("reference", table["denominator"])
    fields.setdefault("weighted", table["numerator"])
    fields["bands"] = tuple(_band(b) for b in table.get("bands", ()))
    fields["targets"] = tuple(_target(t) for t in table.get("targets", ()))
    return Ratio(**fields)


def _band(table: Mapping[str, Any]) -> Band:
    falling = Reading(**table["falling"])
    stuck = Reading(**table["stuck"]) if "stuck" in table else falling
    return Band(float(table.get("low", "-inf")), float(table.get("high", "inf")), falling, stuck)


def _target(table: Mapping[str, Any]) -> Target:
    return Target(**{"success_high": table["high"], **table})


def _level(table: Mapping[str, Any]) -> Level:
    fields = {"low": float("-inf"), "high": float("inf"), "split": "train", **table}
    fields["reading"] = Reading(fields.pop("status"), fields.pop("severity", None))
    return Level(**fields)
