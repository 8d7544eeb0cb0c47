"""Decides what of the rows that a `Learner` kept is a curve, and makes series of it.

A group of rows is learnt if it has at least `MIN_ROWS`, and if it says when they were logged: a step or an epoch by its
name, `12/500`, or a bare number in front that only grows. Without any of these, names of results (a loss, an accuracy)
are needed whose values differ; then the rows stand in their order. Numbers of different folds or classes, settings that
stay as they are, and counts of other things are no curves. Rather nothing than a false series: what is not learnt is
told as unread where it looks like metrics.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainvitals.parsers.columns import Columns
from trainvitals.parsers.model import Floats, Ints, Series, Split, UnreadLine
from trainvitals.parsers.text import naming
from trainvitals.parsers.text.learner import Group, Row
from trainvitals.parsers.text.refreshes import merged
from trainvitals.parsers.text.tokens import Field

NAME = "learnt"
MIN_ROWS = 3
Metrics = dict[tuple[str, Split], tuple[Ints, Floats]]
"""By name and split: the rows that have a value, and their values."""
_FORWARD = 0.7
"""Share of rows that must not lie before the row above them: a log may be resumed, or hold an evaluation per epoch."""
_SAME = 0.5
"""Share of common steps from which on two series of one name are two different things."""


@dataclass(frozen=True, slots=True)
class Axis:
    """When the rows were logged: steps and epochs, NaN where unknown, and how surely that is what they count."""

    step: Floats
    epoch: Floats
    named: bool = False
    """The line itself calls it a step, an epoch or a batch, or says how many there are."""
    grows: bool = False


@dataclass(frozen=True, slots=True)
class Learnt:
    """Series of a file's unknown lines, the templates that gave them, and what was left out for which reason."""

    series: tuple[Series, ...] = ()
    texts: tuple[str, ...] = ()
    left: tuple[tuple[Group, str], ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Numbers by the name of the format that they are counted for."""
        points = sum(map(len, self.series))
        return {NAME: points} if points else {}

    @property
    def doubtful(self) -> tuple[UnreadLine, ...]:
        """A line of each group that was left out, with the reason."""
        told = [(group, why) for group, why in self.left if group.examples and _might(group)]
        return tuple(replace(group.examples[0], why=why) for group, why in told)


def _might(group: Group) -> bool:
    """Whether a person would wonder about such lines."""
    counts = any(one.role in ("step", "batch", "epoch") for one in group.fields)
    return bool(group.looking) or counts or any(naming.is_outcome(one.name) for one in group.fields)


def learn(groups: Iterable[Group]) -> Learnt:
    """The series of all groups that are curves."""
    found: tuple[Series, ...] = ()
    texts: list[str] = []
    left: list[tuple[Group, str]] = []
    known: list[Group] = []
    # The many come first: they say what the few are, such as the rows of epochs with an evaluation.
    for group in sorted(groups, key=lambda group: len(group.rows) < MIN_ROWS):
        series = _series(group, 1 if any(_say_the_same(group, other) for other in known) else MIN_ROWS)
        if isinstance(series, str):
            left.append((group, series))
            continue
        known.append(group)
        found = together(found, series)
        texts += [f"{count} line{'s' * (count > 1)} of {text}" for text, count in group.texts.items()]
    return Learnt(found, tuple(texts), tuple(left))


def _say_the_same(few: Group, many: Group) -> bool:
    """Whether rows have the counters of others, and a result of theirs: they say more, or less, of another epoch."""
    counters = [[(one.name, one.role) for one in g.fields if one.role != "value"] for g in (few, many)]
    results = [{(one.name, one.split) for one in g.fields if naming.is_outcome(one.name)} for g in (few, many)]
    return counters[0] == counters[1] != [] and bool(results[0] & results[1])


def _series(group: Group, least: int) -> tuple[Series, ...] | str:
    """The series of a group, or why there are none."""
    rows = sorted(_of_one_process(group), key=lambda row: row.line)
    if len(rows) < least:
        return f"{len(rows)} of this kind, and {least} are needed"
    columns = [np.array([row.numbers[i] for row in rows], np.float64) for i in range(len(group.fields))]
    for one, column in zip(group.fields, columns, strict=True):
        if one.role == "identity" and _distinct(column) > 1:
            return f"rows of a different {one.name}, not of a step"
    axis = _axis(group.fields, columns, np.array([row.epoch for row in rows]))
    metrics = _metrics(group.fields, rows)
    if not metrics:
        return "no number in it could be a metric"
    if least == MIN_ROWS and (why := _doubt(group, axis, metrics)):
        return why
    return _collected(rows, axis, metrics, refresh=group.refresh)


def _of_one_process(group: Group) -> list[Row]:
    """The rows of the process that printed first, where the lines say who printed them."""
    rows = group.rows
    rank = next((row.rank for row in rows if row.rank >= 0), -1)
    rows = [row for row in rows if row.rank in (-1, rank)]
    for i, one in enumerate(group.fields):
        if rows and one.role == "process":
            rows = [row for row in rows if row.numbers[i] == rows[0].numbers[i]]
    if rows and any(one.role in ("step", "batch", "epoch") for one in group.fields):
        rows = _of_one_lead(group.fields, rows)
    return rows


def _of_one_lead(fields: Sequence[Field], rows: list[Row]) -> list[Row]:
    """A number before rows that have a step of their own and that does not grow with them: a launcher's prefix."""
    lead = next((i for i, one in enumerate(fields) if one.role == "lead"), None)
    if lead is None or _goes_forward(np.array([row.numbers[lead] for row in rows], np.float64), 1.0):
        return rows
    return [row for row in rows if row.numbers[lead] == rows[0].numbers[lead]]


def _axis(fields: Sequence[Field], columns: Sequence[Floats], above: Floats) -> Axis:
    """Steps and epochs of the rows from their counters; where they have no epoch, that of the heading above them."""
    at = {role: [i for i, one in enumerate(fields) if one.role == role] for role in ("step", "batch", "epoch", "lead")}
    epochs, counts, leads = at["epoch"], at["step"] + at["batch"], at["lead"]
    named = bool(epochs or counts)
    if not epochs and not at["step"] and len(at["batch"]) > 1:
        epochs, counts = at["batch"][:1], at["batch"][1:]
    if not named and len(leads) > 1:
        epochs, counts = leads[:1], leads[1:2]
    elif not named:
        counts = leads
    epoch = columns[epochs[0]] if epochs else above
    step = np.full(len(above), np.nan)
    if counts:
        best = next((i for i in counts if _goes_forward(columns[i], 1.0)), counts[0])
        total = columns[best + 1] if best + 1 < len(fields) and fields[best + 1].role == "total" else None
        step = _over_epochs(columns[best], total, epoch)
    grows = _grows(step) or (np.isnan(step).all() and bool(epochs) and _grows(epoch))
    return Axis(step, epoch, named, bool(grows))


def _over_epochs(count: Floats, total: Floats | None, epoch: Floats) -> Floats:
    """A count that starts anew every epoch, counted on over all epochs; NaN where the epochs' length is not said."""
    if not ((np.diff(epoch) > 0) & (np.diff(count) <= 0)).any():
        return count
    if total is None or _distinct(total) > 1:
        return np.full(len(count), np.nan)
    first = min(1.0, float(epoch.min()))
    return np.asarray((epoch - first) * total + count, np.float64)


def _grows(column: Floats) -> bool:
    return _distinct(column[np.isfinite(column)]) > 1 and _goes_forward(column, _FORWARD)


def _distinct(column: Floats) -> int:
    # numpy's own `unique` loads its masked arrays first, which costs more than all of this.
    return len(set(column.tolist()))


def _goes_forward(column: Floats, share: float) -> bool:
    known = column[np.isfinite(column)]
    return len(known) > 1 and float(np.mean(np.diff(known) >= 0)) >= share


def _metrics(fields: Sequence[Field], rows: Sequence[Row]) -> Metrics:
    """The columns that can be metrics: no settings that stay the same, no counts of other things."""
    found: Metrics = {}
    repeats: Counter[tuple[str, Split]] = Counter()
    for i, one in enumerate(fields):
        if one.role != "value":
            continue
        cells = [row.numbers[i] for row in rows]
        at = np.array([k for k, cell in enumerate(cells) if cell is not None], np.int64)
        column = np.array([cell for cell in cells if cell is not None], np.float64)
        if not len(at) or (not naming.is_metric(one.name) and "/" not in one.name and _is_count(column)):
            continue
        number = repeats[one.name, one.split]
        repeats[one.name, one.split] += 1
        found[f"{one.name}.{number}" if number else one.name, one.split] = (at, column)
    return found


def _is_count(column: Floats) -> bool:
    known = column[np.isfinite(column)]
    return bool((known == np.floor(known)).all()) and _goes_forward(known, 1.0)


def _doubt(group: Group, axis: Axis, metrics: Metrics) -> str:
    """Why a group is no curve; empty where it is one."""
    by_name = any(naming.is_metric(name) for name, _ in metrics)
    if axis.grows and axis.named:
        measured = by_name or any(bool((column != np.floor(column)).any()) for _, column in metrics.values())
        return "" if measured else "whole numbers whose names are of no metric"
    if axis.grows:
        return "" if by_name else "neither a step nor a metric by its name"
    if group.varying:
        return "no step, and words that tell the rows apart"
    results = [column for (name, _), (_, column) in metrics.items() if naming.is_outcome(name)]
    each = axis.epoch[np.isfinite(axis.epoch)]
    if results and len(each) == len(axis.epoch) == _distinct(each) and _goes_forward(each, 1.0):
        return ""
    return "" if any(map(_differs, results)) else "no step, and no result by its name whose values differ"


def _differs(column: Floats) -> bool:
    """Whether values are measured anew each time; whole numbers may be anything."""
    known = column[np.isfinite(column)]
    return len(known) < len(column) or (_distinct(known) >= MIN_ROWS and bool((known != np.floor(known)).any()))


def _collected(rows: Sequence[Row], axis: Axis, metrics: Metrics, *, refresh: bool) -> tuple[Series, ...]:
    """The series of a group, in the order of the file."""
    columns = Columns()
    lines, no_time = np.array([row.line for row in rows], np.int64), np.full(len(rows), np.nan)
    for split in dict.fromkeys(split for _, split in metrics):
        values = {name: column for (name, of), column in metrics.items() if of == split}
        columns.add_rows(lines, values, step=axis.step, epoch=axis.epoch, time=no_time, split=split)
    return merged((), columns.series()) if refresh else columns.series()


def together(known: Iterable[Series], more: Iterable[Series]) -> tuple[Series, ...]:
    """Both, with those of one name as one series, unless they are different things.

    They are where one has steps and the other has not (the mean of an epoch beside its steps), or where both say
    something of the same steps. Then the later one gets a name of its own.
    """
    found = {(one.logged_as, one.split): one for one in known}
    for one in more:
        name, number = one.logged_as, 1
        while (before := found.get((name, one.split))) is not None and _differ(before, one):
            only_epochs = np.isnan(one.step).all() and not np.isnan(one.epoch).all() and number == 1
            name = f"{one.logged_as}_epoch" if only_epochs else f"{one.logged_as}.{number}"
            number += 1
        named = replace(one, metric=name, logged_as=name)
        found[name, one.split] = named if before is None else in_order(before, named)
    return tuple(found.values())


def _differ(one: Series, other: Series) -> bool:
    if np.isnan(one.step).all() != np.isnan(other.step).all():
        return True
    a, b = (one.epoch, other.epoch) if np.isnan(one.step).all() else (one.step, other.step)
    if np.isnan(a).all() or np.isnan(b).all():
        return True
    short, long = (a, b) if len(a) < len(b) else (b, a)
    return float(np.isin(short, long).mean()) > _SAME


def in_order(one: Series, other: Series) -> Series:
    """The points of both, in the order of the file."""
    order = np.argsort(np.concatenate([one.line, other.line]), kind="stable")
    return replace(
        one,
        value=np.concatenate([one.value, other.value])[order],
        step=np.concatenate([one.step, other.step])[order],
        epoch=np.concatenate([one.epoch, other.epoch])[order],
        time=np.concatenate([one.time, other.time])[order],
        line=np.concatenate([one.line, other.line])[order],
        source=np.concatenate([one.source, other.source])[order],
    )


def between(series: Iterable[Series], start: int, end: int | None) -> tuple[Series, ...]:
    """The points from line `start` to before line `end`, of series that have any there."""
    if start == 0 and end is None:
        return tuple(series)
    cut = (one.take((one.line >= start) & ((one.line < end) if end is not None else True)) for one in series)
    return tuple(one for one in cut if len(one))
