"""Joins what progress bars showed with what lines said, without doubling points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from trainvitals.parsers.model import Bools, Series


def merged(lines: Iterable[Series], refreshes: Iterable[Series]) -> tuple[Series, ...]:
    """The series of lines, filled up with those of bar refreshes, in the order of the file.

    Of consecutive refreshes at one step, or at one epoch where they have no step, the last one stays. Where a line
    gives the same metric at the same step, the refresh goes, as lines keep more digits; where lines give the metric at
    all, refreshes without a step go too.
    """
    found = {(series.metric, series.split): series for series in lines}
    for series in refreshes:
        key = (series.metric, series.split)
        thinned = series.take(_last_of_each_step(series))
        found[key] = _filled(found[key], thinned) if key in found else thinned
    return tuple(series for series in found.values() if len(series))


def _last_of_each_step(series: Series) -> Bools:
    step = np.where(np.isnan(series.step), -1.0 - series.epoch, series.step)
    last = np.ones(len(step), np.bool_)
    last[:-1] = ~(step[1:] == step[:-1])
    return last


def _filled(line: Series, refresh: Series) -> Series:
    rest = refresh.take(~np.isnan(refresh.step) & ~np.isin(refresh.step, line.step))
    order = np.argsort(np.concatenate([line.line, rest.line]), kind="stable")
    return replace(
        line,
        value=np.concatenate([line.value, rest.value])[order],
        step=np.concatenate([line.step, rest.step])[order],
        epoch=np.concatenate([line.epoch, rest.epoch])[order],
        time=np.concatenate([line.time, rest.time])[order],
        line=np.concatenate([line.line, rest.line])[order],
        source=np.concatenate([line.source, rest.source])[order],
    )
