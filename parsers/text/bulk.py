"""Reads a stretch of pieces of text at once, where there is a stencil for the shape of each.

What comes of them is what reading them one after another gives. The pieces of a shape give their numbers as columns;
what a piece takes from those before it (the epoch, the step of a heading line, the rounds of a bar) is found by looking
for the last one that said it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from trainvitals.parsers.columns import Columns
from trainvitals.parsers.model import Bools, Bytes, Floats, Ints
from trainvitals.parsers.text.bar_steps import BarSteps, Counts, Waits
from trainvitals.parsers.text.digits import Digits
from trainvitals.parsers.text.laps import counted, counted_all
from trainvitals.parsers.text.learner import Learner
from trainvitals.parsers.text.line_format import NAN, Context
from trainvitals.parsers.text.stencils import Stencil


class Pieces(NamedTuple):
    """Consecutive pieces of text between line feeds and carriage returns.

    `raw` is a buffer of UTF-8 that holds them all; piece i begins there at `starts[i]`, stands on physical line
    `lines[i]`, and is read by the stencil of number `kinds[i]`. Shape `(pieces,)` each.
    """

    raw: Bytes
    starts: Ints
    lines: Ints
    kinds: Ints


@dataclass(frozen=True, slots=True)
class Sinks:
    """Where rows go, and what remembers earlier pieces."""

    lines: Columns
    refreshes: Columns
    bar_steps: BarSteps
    context: Context
    learner: Learner | None


class _Kind(NamedTuple):
    """The pieces of one stencil, by their places in the stretch."""

    stencil: Stencil
    digits: Digits
    at: Ints


class Stretch:
    """Pieces that are read at once. All arrays are of their number, NaN where a piece does not say it."""

    def __init__(self, pieces: Pieces, stencils: Sequence[Stencil], sinks: Sinks) -> None:
        """`kinds` are numbers of `stencils`, all of which have their columns open."""
        self._pieces, self._sinks = pieces, sinks
        self._kinds = list(_by_kind(pieces, stencils))
        count = len(pieces.kinds)
        self._step, self._epoch, self._time = (np.full(count, NAN) for _ in range(3))
        for kind in self._kinds:
            for column, place in self._points(kind.stencil):
                if place is not None:
                    column[kind.at] = kind.digits.numbers(place)

    def _points(self, stencil: Stencil) -> tuple[tuple[Floats, slice | None], ...]:
        return (self._step, stencil.step), (self._epoch, stencil.epoch), (self._time, stencil.time)

    def read(self) -> None:
        """Add the rows to their columns, and leave the context as it is behind the last piece.

        Their numbers are read by `Stencil.settle`, for all stretches of a block at once.
        """
        context = self._sinks.context
        first_step, first_epoch = context.step, context.epoch
        bars = [(kind, *_counts(kind)) for kind in self._kinds if kind.stencil.bar]
        self._count(bars)
        heads, below, near = self._headings()
        step_before = np.where(self._is(lambda one: one.from_bar), NAN, self._step)
        epochs = self._epochs(heads, below, near, first_epoch)
        is_bar = self._is(lambda one: one.bar is not None)
        row_epoch = np.where(is_bar, epochs, self._epoch)
        row_epoch[heads] = epochs[heads]
        row_epoch[below] = np.where(near, self._headed(heads, below, epochs, 1), epochs[below])
        self._step[below[near]] = self._headed(heads, below, self._step, 0)[near]
        step_before[below[near]] = self._step[below[near]]
        numbers = self._add_rows(row_epoch)
        self._go_by(bars, numbers, step_before)
        steps = _last_said(step_before, first_step)
        self._sinks.lines.set_steps(numbers[below[~near]], steps[below[~near]])
        self._close(heads, steps, epochs)

    def _is(self, holds: Callable[[Stencil], object]) -> Bools:
        """Which pieces have a stencil of which this holds."""
        found = np.zeros(len(self._pieces.kinds), bool)
        for kind in self._kinds:
            if holds(kind.stencil):
                found[kind.at] = True
        return found

    def _count(self, bars: Sequence[tuple[_Kind, Floats, Floats]]) -> None:
        """Give the bars that have numbers their step, counted on over their rounds, and the epoch that they say."""
        context = self._sinks.context
        epoch = context.epoch
        described: dict[str, list[tuple[Ints, Floats, Floats]]] = {}
        singly: list[tuple[int, str, int, int]] = []
        for kind, n, total in bars:
            if not kind.stencil.names or kind.stencil.bar is None:
                continue
            text = kind.stencil.text[kind.stencil.bar.description]
            if any(map(str.isdigit, text)):
                texts = kind.digits.texts(kind.stencil.bar.description)
                singly += zip(kind.at.tolist(), texts, map(int, n.tolist()), map(int, total.tolist()), strict=True)
            else:
                described.setdefault(text, []).append((kind.at, n, total))
        for text, parts in described.items():
            at, n, total = (np.concatenate(part) for part in zip(*parts, strict=True))
            order = np.argsort(at)
            self._step[at[order]] = counted_all(text, n[order], total[order], context)
        for place, text, done, of in sorted(singly):
            context.epoch = NAN
            self._step[place] = counted(text, done, of, context)
            self._epoch[place] = context.epoch
        context.epoch = epoch

    def _headings(self) -> tuple[Ints, Ints, Bools]:
        """Rows that head others, rows of such formats without a step, and which of these are near below one."""
        reach = np.zeros(len(self._pieces.kinds), np.int64)
        for kind in self._kinds:
            reach[kind.at] = kind.stencil.near
        says = self._step == self._step
        heads, below = np.flatnonzero((reach > 0) & says), np.flatnonzero((reach > 0) & ~says)
        lines = self._pieces.lines
        away = lines[below] - self._headed(heads, below, lines, 2)
        return heads, below, (away > 0) & (away <= reach[below])

    def _headed(self, heads: Ints, below: Ints, column: Floats | Ints, said: int) -> Floats:
        """A column at the row that heads each of those below; `said` is its number in `Context.headed`."""
        before = np.searchsorted(heads, below) - 1
        values = np.concatenate(([self._sinks.context.headed[said]], column[heads]))
        return np.asarray(values[before + 1])

    def _epochs(self, heads: Ints, below: Ints, near: Bools, first: float) -> Floats:
        """The epoch of the context behind each piece."""
        below = below[near]
        said = self._epoch.copy()
        before = np.searchsorted(heads, below) - 1
        said[below[before < 0]] = self._sinks.context.headed[1]
        takers, givers = below[before >= 0], heads[before[before >= 0]]
        says = said == said
        says[takers] = True
        # Who has said the epoch behind each piece; 0 stands for those before the first.
        last = np.maximum.accumulate(np.where(says, np.arange(1, len(says) + 1), 0))
        # A row that is near below another takes the epoch that was known there, so it points further back.
        points = np.arange(len(says) + 1)
        points[takers + 1] = last[givers]
        while len(takers) and (points[points] != points).any():
            points = points[points]
        return np.asarray(np.concatenate(([first], said))[points[last]])

    def _add_rows(self, epoch: Floats) -> Ints:
        """The numbers of the rows in their columns."""
        named, refresh = self._is(lambda one: one.names), self._is(lambda one: one.names and one.refresh)
        numbers = np.zeros(len(named), np.int64)
        for columns, own in ((self._sinks.lines, named & ~refresh), (self._sinks.refreshes, refresh)):
            first = len(columns)
            lines = self._pieces.lines[own]
            columns.add_rows(lines, {}, step=self._step[own], epoch=epoch[own], time=self._time[own])
            numbers[own] = np.arange(first, len(columns))
        for stencil, _, at in self._kinds:
            if stencil.names:
                stencil.places.append((self._pieces.starts[at], numbers[at]))
        return numbers

    def _go_by(self, bars: Sequence[tuple[_Kind, Floats, Floats]], numbers: Ints, steps: Floats) -> None:
        """Let rows wait for the training bars that follow them; `steps` gets those of bars without numbers."""
        waits = self._is(lambda one: one.from_bar)
        evaluation = self._is(lambda one: one.from_bar and one.evaluation)[waits]
        at = np.flatnonzero(waits)
        trains = [(kind.at, n, total) for kind, n, total in bars if kind.stencil.trains]
        none = (np.empty(0, np.int64), np.empty(0), np.empty(0))
        bar_at, n, total = (np.concatenate(part) for part in zip(*trains, strict=True)) if trains else none
        order = np.argsort(bar_at)
        counts = Counts(bar_at[order], n[order], total[order])
        taken = self._sinks.bar_steps.go_by(
            Waits(at, numbers[at], self._epoch[at], evaluation), counts, self._sinks.context
        )
        bare = np.isnan(steps[counts.at]) & taken
        steps[counts.at[bare]] = counts.n[bare]

    def _close(self, heads: Ints, steps: Floats, epochs: Floats) -> None:
        context, lines = self._sinks.context, self._pieces.lines
        if self._sinks.learner:
            self._sinks.learner.passed(epochs[self._is(lambda one: one.numbered)])
        if len(heads):
            last = heads[-1]
            context.headed = (float(self._step[last]), float(epochs[last]), int(lines[last]))
        context.line, context.step, context.epoch = int(lines[-1]), float(steps[-1]), float(epochs[-1])


def can_read(pieces: Pieces, stencils: Sequence[Stencil], context: Context) -> bool:
    """Whether a stretch can be read at once: not where lines head others, and the first epoch is yet to be said."""
    used = [stencils[kind] for kind in set(pieces.kinds.tolist())]
    says = any(one.epoch is not None or (one.bar and one.names) for one in used)
    return context.epoch == context.epoch or not (says and any(one.near for one in used))


def _by_kind(pieces: Pieces, stencils: Sequence[Stencil]) -> Iterator[_Kind]:
    """The stencils in the order in which they come first, each with its pieces."""
    # Numbers of 16 bits are sorted by their digits, in a tenth of the time.
    order = np.argsort(pieces.kinds.astype(np.int16), kind="stable")
    kinds = pieces.kinds[order]
    begins = np.flatnonzero(np.diff(kinds, prepend=-1))
    for at in sorted(np.split(order, begins[1:]), key=lambda one: int(one[0])):
        stencil = stencils[pieces.kinds[at[0]]]
        if stencil.names or stencil.bar or stencil.numbered:
            yield _Kind(stencil, Digits(pieces.raw, pieces.starts[at], stencil.layout), at)


def _counts(kind: _Kind) -> tuple[Floats, Floats]:
    """`n` and `total` of bars."""
    bar = kind.stencil.bar
    assert bar is not None
    return kind.digits.numbers(bar.n), kind.digits.numbers(bar.total)


def _last_said(said: Floats, first: float) -> Floats:
    """For each place the last value that is not NaN at it or before, or else the first."""
    last = np.maximum.accumulate(np.where(said == said, np.arange(1, len(said) + 1), 0))
    return np.asarray(np.concatenate(([first], said))[last])
