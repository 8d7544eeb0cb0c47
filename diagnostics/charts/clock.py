"""Times of day on an axis, in UTC: round ones, and so many that they can be read in a narrow window.

Vega's own axis of dates takes no range that is fixed in a chart which is fitted to its width.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np

from trainvitals.parsers.model import Floats

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
STEPS = (
    *(1.0, 5.0, 15.0, 30.0),
    *(n * MINUTE for n in (1, 5, 15, 30)),
    *(n * HOUR for n in (1, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 7, 30, 90, 365)),
)
MOST_TICKS = 6


def ticks(low: float, high: float) -> tuple[Floats, str]:
    """(round times within a range, seconds since 1970; how they are written, in the language of `strftime`)."""
    step = next((s for s in STEPS if (high - low) / s <= MOST_TICKS), (high - low) / MOST_TICKS)
    form = (
        "%Y-%m-%d" if step >= DAY else "%m-%d %H:%M" if high - low > DAY else "%H:%M" if step >= MINUTE else "%H:%M:%S"
    )
    return np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step, form


def told(times: Iterable[float]) -> list[str]:
    """Times as text, to the second; empty where a number is no time."""
    return [_told(time) for time in times]


def _told(time: float) -> str:
    try:
        return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}"
    except (ValueError, OverflowError, OSError):
        return ""
