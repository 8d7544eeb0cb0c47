"""Which runs are worth a look beside one another, before anybody has said so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Known(Protocol):
    """What has to be known of a run: rows of an overview are such."""

    @property
    def name(self) -> str:
        """Unique, folders separated by `/`."""

    @property
    def verdict(self) -> str:
        """`fail`, `warn`, `unknown` or `pass`."""

    @property
    def loss_type(self) -> str:
        """The name of the loss type."""


def companions(one: Known, rows: Sequence[Known]) -> list[str]:
    """Names of the runs of the same loss type below the same folder, in their order, without the run itself."""
    return [row.name for row in rows if row.name != one.name and _are_alike(one, row)]


def sound_one(one: Known, rows: Sequence[Known]) -> str | None:
    """The run to hold this one against: a companion that passed, else any; None where it has none."""
    passed = [row for row in rows if row.verdict == "pass"]
    return next(iter((*companions(one, passed), *companions(one, rows))), None)


def _are_alike(one: Known, other: Known) -> bool:
    return one.loss_type == other.loss_type and _folder(one.name) == _folder(other.name)


def _folder(name: str) -> str:
    return name.rpartition("/")[0]
