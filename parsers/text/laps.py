"""The step that a progress bar shows, counted on over the epochs in which it starts anew."""

from __future__ import annotations

import re

import numpy as np

from trainvitals.parsers.model import Floats
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


def counted_all(description: str, n: Floats, total: Floats, context: Context) -> Floats:
    """The same for many states of one bar in order, shape `(states,)` each; its description names no epoch."""
    lap = context.laps.get(description)
    if lap is None:
        lap = context.laps[description] = Lap()
    before_n = np.concatenate(([float(lap.n)], n[:-1]))
    before_total = np.concatenate(([float(lap.total)], total[:-1]))
    done, begin = np.empty(len(n)), 0
    for anew in np.flatnonzero(2 * n < before_n).tolist():
        done[begin:anew] = lap.done
        full = before_n[anew] >= before_total[anew] - 1
        lap.done = lap.done + int(before_total[anew]) if full else 0
        begin = anew
    done[begin:] = lap.done
    lap.n, lap.total = int(n[-1]), int(total[-1])
    return done + n
