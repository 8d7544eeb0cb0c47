"""What a word in a status table means for the one who scans it: good, bad, or neither."""

from __future__ import annotations

from typing import Literal

Meaning = Literal["fail", "warn", "good", ""]

GOOD = frozenset({"balanced", "nearly balanced", "improving", "comparable", "good", "strong", "healthy", "reached"})
GOOD_BEGINNINGS = ("healthy:", "within the target")
WARNING_BEGINNINGS = ("above the target", "coordinates worse", "leaks", "rising", "missed")


def meaning(status: str) -> Meaning:
    """The meaning of a cell of a column `status`; a word that only describes has none.

    >>> meaning("fail: overfitting"), meaning("balanced"), meaning("learning")
    ('fail', 'good', '')
    """
    if status.startswith("fail:"):
        return "fail"
    if status.startswith(("warn:", *WARNING_BEGINNINGS)):
        return "warn"
    return "good" if status in GOOD or status.startswith(GOOD_BEGINNINGS) else ""
