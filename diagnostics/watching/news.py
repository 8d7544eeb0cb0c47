"""What a watcher has to tell, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainvitals.diagnostics.report import Finding


@dataclass(frozen=True, slots=True)
class Found:
    """A finding that was not there before, or has become more severe.

    `known_at` is the last step of the run when it was first known, NaN where the run counts no steps.
    """

    run: str
    finding: Finding
    known_at: float
    unit: str = "step"


@dataclass(frozen=True, slots=True)
class Gone:
    """A finding that no longer holds: the run has recovered, or more of the log has shown that it was none."""

    run: str
    finding: Finding
    known_at: float
    unit: str = "step"


@dataclass(frozen=True, slots=True)
class Told:
    """Something about the watch itself."""

    kind: Literal["trouble", "back", "finished"]
    text: str


News = Found | Gone | Told
