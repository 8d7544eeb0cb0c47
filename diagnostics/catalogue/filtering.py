"""Which rows of an overview are wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from trainvitals.diagnostics.catalogue.row import Row

MOST_VALUES = 200
"""Values of a setting that are offered, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a row must have; an empty field asks for nothing. `name` is a part of the name, in any case of letters."""

    name: str = ""
    verdicts: Collection[str] = ()
    loss_types: Collection[str] = ()
    setting: str = ""
    value: str = ""

    def fits(self, row: Row) -> bool:
        """Whether a row has all of it."""
        return (
            self.name.casefold() in row.name.casefold()
            and (not self.verdicts or row.verdict in self.verdicts)
            and (not self.loss_types or row.loss_type in self.loss_types)
            and (not self.setting or self._has_setting(row))
        )

    def _has_setting(self, row: Row) -> bool:
        return any(name == self.setting and self.value in ("", value) for name, value in row.settings)


def places(rows: Iterable[Row], wanted: Wanted) -> list[int]:
    """Indices of the rows that fit."""
    return [i for i, row in enumerate(rows) if wanted.fits(row)]


def settings_that_differ(rows: Sequence[Row]) -> list[str]:
    """Names of settings by which runs can be told apart, in alphabetical order."""
    seen: dict[str, Counter[str]] = {}
    for row in rows:
        for name, value in row.settings:
            seen.setdefault(name, Counter())[value] += 1
    return sorted(name for name, values in seen.items() if len(values) > 1 or values.total() < len(rows))


def values_of(setting: str, rows: Iterable[Row]) -> list[str]:
    """The values of a setting, most frequent first."""
    found = Counter(value for row in rows for name, value in row.settings if name == setting)
    return [value for value, _ in found.most_common(MOST_VALUES)]
