"""The step of rows that do not say it, from the progress bar of the training loop.

tqdm draws a bar at most ten times a second, so the bar above a row may lag behind. But whoever prints through tqdm
(as Hugging Face does) clears the bars, prints, and draws them anew, the outermost first: the first bar after the row
has its step. Where the row was simply printed behind a bar, that bar has it.

Two rows of one kind between two bars mean that the output was buffered, and lost its order: then no bar says when they
were logged, and their step stays unknown.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from trainvitals.parsers.columns import Columns
from trainvitals.parsers.model import Bools, Floats, Ints
from trainvitals.parsers.text.bars import Bar
from trainvitals.parsers.text.line_format import NAN, Context, Row

_NO_EPOCH = -1e308


@dataclass(frozen=True, slots=True)
class _Waiting:
    row: int
    evaluation: bool
    epoch: float


class Waits(NamedTuple):
    """Rows without a step by their places in a stretch of text, shape `(rows,)` each; see `BarSteps.wait`."""

    at: Ints
    row: Ints
    epoch: Floats
    evaluation: Bools


class Counts(NamedTuple):
    """States of training bars by their places in a stretch of text, shape `(bars,)` each; see `BarSteps.counts`."""

    at: Ints
    n: Floats
    total: Floats


class BarSteps:
    """Gives rows of `columns` their step as the bars go by."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._waiting: list[_Waiting] = []

    def __deepcopy__(self, memo: dict[int, Any]) -> BarSteps:
        """The same for a copy of the columns; the rows that wait never change, and may be many."""
        twin = BarSteps(copy.deepcopy(self._columns, memo))
        twin._waiting = list(self._waiting)
        return twin

    def row(self, index: int, row: Row, behind: Bar | None) -> None:
        """A row without a step has been added as number `index`; `behind` is the bar that it directly follows."""
        if behind is not None and behind.trains:
            self._columns.set_step(index, float(behind.n))
        else:
            self.wait(index, row.epoch, evaluation=is_evaluation(row))

    def wait(self, index: int, epoch: float, *, evaluation: bool) -> None:
        """Row number `index`, which follows no bar, has no step yet."""
        self._waiting.append(_Waiting(index, evaluation, epoch))

    def bar(self, bar: Bar, context: Context) -> None:
        """A bar has been drawn; that of the training loop settles the rows that wait."""
        if bar.trains:
            self.counts(bar.n, bar.total, context)

    def counts(self, n: int, total: int, context: Context) -> None:
        """The same for the count of a bar that can be that of the training loop."""
        if context.total not in (0, total) and not self._waits_for_new_loop():
            return
        context.total, context.step = total, float(n)
        if self._waiting:
            self._settle(context.step)

    def go_by(self, waits: Waits, counts: Counts, context: Context) -> Bools:
        """What `wait` and `counts` do for each in the order of their places; which of the bars gave a step."""
        if not len(counts.at):
            self._waiting += _waiting(waits)
            return np.empty(0, bool)
        total = int(counts.total[0])
        if context.total not in (0, total) or (counts.total != total).any():
            return self._go_by_singly(waits, counts, context)
        old = self._waiting
        at = np.concatenate((np.full(len(old), -1), waits.at))
        rows = np.concatenate((np.array([one.row for one in old], np.int64), waits.row))
        epochs = np.concatenate((np.array([one.epoch for one in old], np.float64), waits.epoch))
        evaluation = np.concatenate((np.array([one.evaluation for one in old], bool), waits.evaluation))
        bar = np.searchsorted(counts.at, at)
        settled = bar < len(counts.at)
        alike = _alike(2 * bar[settled] + evaluation[settled], epochs[settled])
        self._columns.set_steps(rows[settled][alike], counts.n[bar[settled][alike]])
        self._waiting = _waiting(Waits(at[~settled], rows[~settled], epochs[~settled], evaluation[~settled]))
        context.total, context.step = total, float(counts.n[-1])
        return np.ones(len(counts.at), bool)

    def _go_by_singly(self, waits: Waits, counts: Counts, context: Context) -> Bools:
        """The same where bars of several loops go by, which depends on what has come between them."""
        waiting, done = _waiting(waits), 0
        taken = np.zeros(len(counts.at), bool)
        for i, before in enumerate(np.searchsorted(waits.at, counts.at).tolist()):
            self._waiting += waiting[done:before]
            done = before
            context.step = NAN
            self.counts(int(counts.n[i]), int(counts.total[i]), context)
            taken[i] = context.step == context.step
        self._waiting += waiting[done:]
        return taken

    def _waits_for_new_loop(self) -> bool:
        """A training row is followed by its own bar; after an evaluation another loop's bar may come."""
        return any(not one.evaluation for one in self._waiting)

    def finish(self, context: Context) -> None:
        """Evaluations after the last bar of a finished training belong to its end; other rows stay without a step."""
        done = context.total and context.step >= context.total
        if done and all(one.evaluation for one in self._waiting):
            self._settle(context.step)

    def _settle(self, step: float) -> None:
        for kind in (False, True):
            group = [one for one in self._waiting if one.evaluation is kind]
            if len({one.epoch for one in group}) <= 1:
                for one in group:
                    self._columns.set_step(one.row, step)
        self._waiting.clear()


def is_evaluation(row: Row) -> bool:
    """Whether a row is of an evaluation by its names."""
    return all(not name.startswith(("loss", "grad_norm", "learning_rate")) for name in row.values)


def _waiting(waits: Waits) -> list[_Waiting]:
    columns = (waits.row.tolist(), waits.evaluation.tolist(), waits.epoch.tolist())
    return [_Waiting(row, kind, epoch if epoch == epoch else NAN) for row, kind, epoch in zip(*columns, strict=True)]


def _alike(group: Ints, epochs: Floats) -> Bools:
    """Which members of groups are in one of a single epoch; no epoch is also one."""
    if not len(group):
        return np.empty(0, bool)
    order = np.argsort(group, kind="stable")
    begins = np.flatnonzero(np.diff(group[order], prepend=-1))
    ordered = np.nan_to_num(epochs[order], nan=_NO_EPOCH)
    same = np.minimum.reduceat(ordered, begins) == np.maximum.reduceat(ordered, begins)
    alike = np.empty(len(group), bool)
    alike[order] = np.repeat(same, np.diff(begins, append=len(group)))
    return alike
