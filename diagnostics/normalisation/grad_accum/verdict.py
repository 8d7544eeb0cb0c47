"""What is said about the scale of a training loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from trainvitals.diagnostics.report import Confidence

Kind = Literal["scaled", "unscaled", "undetermined", "suspected", "silent"]
"""`silent`: there is nothing to compare, or nothing that could be scaled."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one run.

    Attributes:
        factor: what the logged train loss is, over its true level; a mere candidate unless `kind` is `scaled`, and 1.0
            where there is none.
        reason: the evidence, or what is lacking, in a sentence.
        applied: the factor is proven and its accumulation was read from a file, so that the series may be divided.
    """

    kind: Kind
    reason: str
    factor: float = 1.0
    applied: bool = False
    confidence: Confidence = "medium"
