"""Which failure is sure enough to act on: what has happened at once, a trend when it has held while the log grew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from trainvitals.diagnostics.report import Report, Severity
from trainvitals.diagnostics.watching.news import Found, Gone, News

FACTS = ("N101", "N102", "B105", "T102")
"""Values that are no numbers, crashes and stalls: nothing that is logged later makes them untrue."""

GROWTH = 0.1
"""How much longer the log must be when any other failure still stands: of healthy runs, some look sick for a while."""

Key = tuple[str, str, tuple[str, ...]]


class Failures:
    """Failures that were told, until they are taken back, and the first of them that is sure."""

    def __init__(self, counted: Sequence[Severity]) -> None:
        self._counted = counted
        self._standing: dict[Key, tuple[Found, int]] = {}

    def take(self, news: Iterable[News], reports: Sequence[Report]) -> None:
        """Note what is told of runs whose reports these are."""
        for one in news:
            if isinstance(one, Found) and one.finding.severity in self._counted:
                self._standing.setdefault(_key(one), (one, _rows(one.run, reports)))
            elif isinstance(one, Found | Gone):
                self._standing.pop(_key(one), None)

    def sure(self, reports: Sequence[Report], *, last: bool = False) -> Found | None:
        """The first failure to act on; at the end of a watch, whatever still stands is sure."""
        for found, rows in self._standing.values():
            grown = _rows(found.run, reports) - rows >= GROWTH * rows
            if found.finding.code in FACTS or ((grown or last) and self._stands(found, reports)):
                return found
        return None

    def _stands(self, found: Found, reports: Sequence[Report]) -> bool:
        """Whether it is still as severe: that a failure has become a warning is no news."""
        wanted = found.finding.code, found.finding.metrics
        now = (f for report in reports if report.run == found.run for f in report.findings)
        return any((f.code, f.metrics) == wanted and f.severity in self._counted for f in now)


def _key(one: Found | Gone) -> Key:
    return one.run, one.finding.code, one.finding.metrics


def _rows(run: str, reports: Sequence[Report]) -> int:
    return max((series.points for report in reports if report.run == run for series in report.series), default=0)
