"""What a comparison says, as plain frozen data: every output is a rendering of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainvitals.diagnostics.report import Table

Word = Literal["lower", "higher", "same", "undecided", "inconclusive"]
"""`same`: the interval lies within ±0.5 %. `undecided`: an interval that holds 0 and more. `inconclusive`: none."""

Tier = Literal["paired seeds", "seeds", "run against seeds", "few seeds", "paired runs", "one pair"]
"""How much a difference can mean, strongest first (the tiers with seeds speak of methods, the last two of runs)."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that differ in nothing but their seed, or one run; `seeds` are as named, empty for a run without one."""

    name: str
    runs: tuple[str, ...]
    seeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A hyperparameter that is not the same everywhere, with its value in each group; "-" where it is not told."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One metric of two groups over the end of their common range.

    Attributes:
        first, other: their levels; with seeds, means of those, and `*_low` to `*_high` the lowest and highest.
        relative, low, high: the difference `other - first`, and its 95 % interval, as shares of |first|.
        p, p_holm: of no difference; `p_holm` counts the metrics of the table (Holm 1979).
        says: the verdict as a sentence, with its tier.
        share, start, end: the part of the common range, and where it lies on the axis.
        points, blocks: of the sparser run, in that part.
        correlation: of the noise of two runs, step by step; NaN where too few steps are shared, and for seeds.
        pairs: seeds, or 1.
    """

    metric: str
    split: str
    word: Word
    says: str
    first: float
    other: float
    first_low: float
    first_high: float
    other_low: float
    other_high: float
    relative: float
    low: float
    high: float
    p: float
    p_holm: float
    share: float
    start: float
    end: float
    points: int
    blocks: int
    paired: bool
    correlation: float
    pairs: int


@dataclass(frozen=True, slots=True)
class Saving:
    """Where both runs reached the same level of a metric: `ratio` = other / first, `low` to `high` with 95 %."""

    metric: str
    split: str
    target: float
    first_at: float
    other_at: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pair:
    """A group beside the first one; `absent` are metrics that only one of them has."""

    first: str
    other: str
    tier: Tier
    evidence: str
    rows: tuple[Row, ...]
    savings: tuple[Saving, ...] = ()
    warnings: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side. The first group is what the others are compared with; `axis` is what they are matched by."""

    axis: str
    groups: tuple[Group, ...]
    loss_type: str
    differences: tuple[Difference, ...]
    pairs: tuple[Pair, ...]
    tables: tuple[Table, ...] = ()

    @property
    def rows(self) -> int:
        """Metrics that were compared, over all pairs."""
        return sum(len(pair.rows) for pair in self.pairs)
