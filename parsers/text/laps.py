"""The step that a progress bar shows, counted on over the epochs in which it starts anew."""

from __future__ import annotations

import re

from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.bars import Bar
from trainvitals.parsers.text.line_format import Context, Lap

_EPOCH = pattern(r"epoch\W{0,3}(\d{1,9})(?!\d|\.\d)", re.IGNORECASE | re.ASCII)


def count_on(bar: Bar, context: Context) -> float:
    """The step of a bar counted over all epochs; sets the epoch where the bar's description says it."""
    return counted(bar.description, bar.n, bar.total, context)


def counted(description: str, n: int, total: int, context: Context) -> float:
    """The same for the parts of a bar."""
    match = _EPOCH.search(description) if description else None
    if match:
        epoch = int(match[1])
        context.epoch = float(epoch)
        context.first_epoch = min(context.first_epoch, epoch)
        return float((epoch - context.first_epoch) * total + n)
    lap = context.laps.get(description)
    if lap is None:
        lap = context.laps[description] = Lap()
    if 2 * n < lap.n:
        lap.done = lap.done + lap.total if lap.n >= lap.total - 1 else 0
    lap.n, lap.total = n, total
    return float(lap.done + n)
