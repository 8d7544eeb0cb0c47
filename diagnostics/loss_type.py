"""What the product knows of one kind of loss, as data, and which kind a run is of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache

from trainvitals.diagnostics.report import Severity
from trainvitals.parsers.model import Run, Split


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
    """Any two series, divided. `reference` is the metric that must keep falling (usually the denominator).

    Before `early_steps` it is not called stuck. `logged_as` is the metric that holds the ratio itself, if any.
    """

    name: str
    numerator: str
    denominator: str
    reference: str
    weighted: str
    split: Split = "train"
    denominator_split: Split = "train"
    logged_as: str = ""
    early_steps: float = 0.0
    bands: tuple[Band, ...] = ()
    targets: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """`total` is the sum of `weights[part] * part`; a part also stands for its auxiliary layers `part_0` ...

    `weight_settings` maps a part to the hyperparameters that hold its weight; they go before `weights`. A part that
    stands in neither has an unknown weight. `optional` parts may be absent from the log, `layers` is how many auxiliary
    layers there usually are.
    """

    total: str
    weights: Mapping[str, float]
    weight_settings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: tuple[str, ...] = ()
    layers: int = 0

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts, in the order of the file."""
        return tuple(dict.fromkeys((*self.weights, *self.weight_settings)))


@dataclass(frozen=True, slots=True)
class Share:
    """Total as weighted mean of a weighted class and the rest; from it follows the share of that class.

    `low` and `high` bound the share that is known from the data.
    """

    total: str
    part: str
    rest: str
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ClassWeight:
    """The weight of one class of tokens in a cross-entropy.

    `settings` are the hyperparameters that may hold it, `usual` is what it is where the log does not say, `steps` the
    values worth trying, `counts` the tokens of each class in a typical sequence.
    """

    name: str
    weighted: str
    settings: tuple[str, ...]
    usual: float
    steps: tuple[float, ...]
    counts: Mapping[str, float] = field(default_factory=dict)

    def lower(self, weight: float) -> float:
        """The next value worth trying below `weight`."""
        return max((s for s in self.steps if s < weight), default=weight / 2)

    def higher(self, weight: float) -> float:
        """The next value worth trying above `weight`."""
        return min((s for s in self.steps if s > weight), default=weight * 2)

    def shares(self, weight: float) -> dict[str, float]:
        """Share of each class in the loss: its count times its weight over the sum of those products."""
        mass = {name: count * (weight if name == self.weighted else 1.0) for name, count in self.counts.items()}
        total = sum(mass.values())
        return {name: part / total for name, part in mass.items()} if total > 0 else {}


@dataclass(frozen=True, slots=True)
class Level:
    """A band of absolute loss: values in [low, high) read as `reading`, from `after_epoch` or `after_step` on.

    `unless_falling` withholds it while the series still falls; `finetuning` restricts it to pretrained models.
    """

    metric: str
    split: Split
    low: float
    high: float
    reading: Reading
    after_epoch: float = float("-inf")
    after_step: float = float("-inf")
    unless_falling: bool = False
    finetuning: bool = False
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Tier:
    """A named quality that needs all of `shares` (within px -> fraction), a mean error and a loss below."""

    name: str
    shares: Mapping[str, float]
    mean_below: float
    loss_below: float


@dataclass(frozen=True, slots=True)
class Stage:
    """A piece of a loss of the distance d: `square * d**2 + linear * d + constant` for d below `below`."""

    below: float
    square: float = 0.0
    linear: float = 0.0
    constant: float = 0.0


@dataclass(frozen=True, slots=True)
class LossType:
    """One kind of loss.

    `recognise` lists alternatives of canonical metric names, all of which must be present. A name with `!` in front is
    a pattern that no further metric may match, so that `!*` means "and nothing else"; metrics that match `bookkeeping`
    (times, memory) never count as further ones. `unless` maps hyperparameters to patterns that rule the type out. A
    `weak` type is recognised only where no other one is. `gradient_limits` maps patterns of gradient norms to values
    that they must not stay above.
    """

    name: str
    title: str
    main: str = "loss"
    recognise: tuple[frozenset[str], ...] = ()
    bookkeeping: tuple[str, ...] = ()
    unless: Mapping[str, str] = field(default_factory=dict)
    weak: bool = False
    ratios: tuple[Ratio, ...] = ()
    sums: tuple[Sum, ...] = ()
    shares: tuple[Share, ...] = ()
    weight: ClassWeight | None = None
    levels: tuple[Level, ...] = ()
    tiers: tuple[Tier, ...] = ()
    stages: tuple[Stage, ...] = ()
    pixels_per_unit: float = 0.0
    gradient_limits: Mapping[str, float] = field(default_factory=dict)
    watched: tuple[str, ...] = ()
    remedies: Mapping[str, str] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


GENERIC = LossType("generic", "any loss: no ratio, no bands")


def recognise(run: Run, types: Sequence[LossType]) -> LossType:
    """The type whose fully present alternative has the most names; else generic.

    Among equals the first of `types` wins, so that a user's own type, listed first, goes before a built-in one.
    """
    present = {s.metric for s in run.series}
    possible = [t for t in types if not _ruled_out(t, run)]
    fits = [(not t.weak, _wanted(names), t) for t in possible for names in t.recognise if _fits(names, present, t)]
    return max(fits, key=lambda fit: (fit[0], len(fit[1])))[2] if fits else GENERIC


def _ruled_out(kind: LossType, run: Run) -> bool:
    found = ((run.config[name].value, pattern) for name, pattern in kind.unless.items() if name in run.config)
    return any(value is not None and fnmatchcase(str(value), pattern) for value, pattern in found)


def _wanted(names: frozenset[str]) -> frozenset[str]:
    return frozenset(n for n in names if not n.startswith("!"))


def _fits(names: frozenset[str], present: set[str], kind: LossType) -> bool:
    wanted = _wanted(names)
    if not wanted or not wanted <= present:
        return False
    barred = tuple(n[1:] for n in names if n.startswith("!"))
    return not any(_is_like(m, barred) and not _is_like(m, kind.bookkeeping) for m in present - wanted)


@lru_cache(maxsize=4096)
def _is_like(metric: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(metric, pattern) for pattern in patterns)
