"""The faults of each type: a name, what it is in one line, and the settings that it changes.

A fault is nothing but other settings of the same training, so it happens there and is never written into a log
afterwards. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainvitals.parsers.errors import TrainvitalsError

HEALTHY = "healthy"


@dataclass(frozen=True, slots=True)
class Fault:
    """Settings that make a healthy training sick; a test asserts that the settings of its type have these names."""

    name: str
    description: str
    changes: Mapping[str, Any]


class UnknownFaultError(TrainvitalsError):
    """A type has no fault of this name."""


ARTICLE: tuple[Fault, ...] = (
    Fault("lr-zero", "a schedule made for half of the steps: the learning rate is 0 after it", {"schedule_steps": 200}),
)

SPATIAL: tuple[Fault, ...] = ()

EOS: tuple[Fault, ...] = ()

CAUSAL_LM: tuple[Fault, ...] = ()

SOFTCE: tuple[Fault, ...] = ()

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    "article": ARTICLE,
    "spatial": SPATIAL,
    "eos": EOS,
    "causal_lm": CAUSAL_LM,
    "softce": SOFTCE,
}
"""Every fault, by type."""


def find(kind: str, name: str) -> Fault:
    """The fault of a type; `healthy` is the one that changes nothing.

    Raises:
        UnknownFaultError: the type has no such fault.
    """
    if name == HEALTHY:
        return Fault(HEALTHY, "nothing is wrong", {})
    for fault in FAULTS[kind]:
        if fault.name == name:
            return fault
    known = ", ".join(fault.name for fault in FAULTS[kind]) or "none"
    raise UnknownFaultError(f"{kind} has no fault {name!r}; it has {known}")
