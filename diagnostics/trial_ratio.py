"""A ratio as a reader tries it out: any two series, other bands, and what these say of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.loss_type import Band, Ratio, Reading
from trainvitals.diagnostics.ratio import RatioValues, Trajectory, band_of, path_of, present, ratio_values, reading
from trainvitals.diagnostics.report import Severity
from trainvitals.parsers.model import Split

Key = tuple[str, Split]
"""A metric and its split."""

USUAL_BOUNDS = (0.5, 0.8, 1.25, 2.0)
"""What a new ratio starts with, times where it stands if that is far from 1: within a quarter is fine, twice is not."""

LONGEST = 40
"""Characters of the word for a band."""

OWN = (
    Reading("far too low", "fail"),
    Reading("low", "warn"),
    Reading("within the band"),
    Reading("high", "warn"),
    Reading("far too high", "fail"),
)
"""What the bands between these bounds mean."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What a ratio says of a run now; `status` and `severity` are those of its band, empty and None between bands."""

    found: RatioValues
    value: float
    path: Trajectory
    band: Band | None
    status: str
    severity: Severity | None

    @property
    def says(self) -> str:
        """One sentence."""
        ratio = self.found.ratio
        where = self.status or "between the bands"
        if self.path.stuck:
            return f"{self.value:.3g}: {where}, while {ratio.reference} is stuck"
        return f"{self.value:.3g}: {where}"


def state(case: Case, ratio: Ratio) -> State | str:
    """The ratio as it stands at the end of the log, judged as the rule R101 does; or why it cannot be formed."""
    found = ratio_values(case, ratio)
    if isinstance(found, str):
        return found
    value, path = present(found), path_of(found, step_unit=case.step_unit)
    band = band_of(ratio, value)
    read = reading(band, path) if band else Reading("")
    return State(found, value, path, band, read.status, read.severity)


def bounds(ratio: Ratio) -> tuple[float, ...]:
    """The numbers between which the bands lie, growing."""
    return tuple(sorted({v for band in ratio.bands for v in (band.low, band.high) if math.isfinite(v)}))


def with_bounds(ratio: Ratio, new: Sequence[float]) -> Ratio | str:
    """The ratio with its bounds replaced one by one, or why these are no bounds."""
    old = bounds(ratio)
    if len(new) != len(old) or not all(map(math.isfinite, new)):
        return "every bound must be a number"
    if any(b <= a for a, b in pairwise(new)):
        return "each bound must be larger than the one before it"
    moved = dict(zip(old, map(float, new), strict=True))
    bands = (replace(b, low=moved.get(b.low, b.low), high=moved.get(b.high, b.high)) for b in ratio.bands)
    return replace(ratio, bands=tuple(bands))


Meaning = tuple[Reading, Reading]
"""What the values of a band mean while both losses fall, and while the reference loss is stuck."""


def meanings(ratio: Ratio) -> tuple[Meaning, ...]:
    """What each band means, in the order of the bands."""
    return tuple((band.falling, band.stuck) for band in ratio.bands)


def with_meanings(ratio: Ratio, new: Sequence[Meaning]) -> Ratio | str:
    """The ratio whose bands mean something else, or why these are no meanings."""
    said = [_meaning(*each) for each in new]
    if len(said) != len(ratio.bands) or not all(reading.status for each in said for reading in each):
        return "every band must have a word"
    if any(len(reading.status) > LONGEST or not reading.status.isprintable() for each in said for reading in each):
        return f"words are plain text of at most {LONGEST} characters"
    bands = (replace(band, falling=a, stuck=b) for band, (a, b) in zip(ratio.bands, said, strict=True))
    return replace(ratio, bands=tuple(bands))


def _meaning(falling: Reading, stuck: Reading) -> Meaning:
    """Both without spaces around; what is not said of a stuck loss is as it is of a falling one."""
    falling, stuck = (replace(one, status=one.status.strip()) for one in (falling, stuck))
    return falling, stuck if stuck.status else replace(falling, severity=stuck.severity or falling.severity)


def span(band: Band) -> str:
    """Where a band lies, in words."""
    if not math.isfinite(band.high):
        return f"from {band.low:g}" if math.isfinite(band.low) else "everything"
    return f"{band.low:g} to {band.high:g}" if math.isfinite(band.low) else f"below {band.high:g}"


def own(above: Key, below: Key, name: str = "", level: float = 1.0) -> Ratio:
    """Two series as a ratio, with the usual bounds around a level."""
    edges = (-math.inf, *(float(f"{bound * level:.2g}") for bound in USUAL_BOUNDS), math.inf)
    if len(set(edges)) < len(edges):
        edges = (-math.inf, *USUAL_BOUNDS, math.inf)
    bands = tuple(Band(a, b, read, read) for a, b, read in zip(edges, edges[1:], OWN, strict=False))
    return Ratio(
        name or f"{told(above)} / {told(below)}",
        above[0],
        below[0],
        below[0],
        above[0],
        above[1],
        below[1],
        bands=bands,
    )


def level(case: Case, above: Key, below: Key) -> float:
    """What the bounds of a new ratio lie around: parity, or where the run stands if that is far from it.

    What somebody tries out says nothing bad of a run before they have said what is bad.
    """
    now = state(case, own(above, below))
    if isinstance(now, str) or not 0 < now.value < math.inf or USUAL_BOUNDS[0] <= now.value <= USUAL_BOUNDS[-1]:
        return 1.0
    return now.value


def told(key: Key) -> str:
    """A series by its metric, and its split where that is not training."""
    metric, split = key
    return metric if split in ("train", "") else f"{split} {metric}"


def series(case: Case) -> dict[str, Key]:
    """The series of a run that a ratio can be made of, by how they are told."""
    return {told((s.metric, s.split)): (s.metric, s.split) for s in case.run.series if len(s)}
