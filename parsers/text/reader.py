"""The engine behind `formats.console`: one pass over the text for all line formats, notes and settings.

A line is looked at only for the line formats, notes and settings of which a needle stands somewhere in the same block
of about a megabyte, and then only if it stands in the line itself.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice, repeat
from typing import Any

import numpy as np

from trainvitals.parsers.columns import Columns
from trainvitals.parsers.limits import MAX_EXAMPLES, MAX_LINE_BYTES
from trainvitals.parsers.model import Bytes, ConfigValue, Ints, Parsed, Series, Source, UnreadLine
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text import config as config_text
from trainvitals.parsers.text import notes, unread
from trainvitals.parsers.text.bar_steps import BarSteps
from trainvitals.parsers.text.bars import MARK, Bar, pieces
from trainvitals.parsers.text.blocks import Block, blocks
from trainvitals.parsers.text.bulk import Pieces, Sinks, Stretch, can_read
from trainvitals.parsers.text.config import ConfigText
from trainvitals.parsers.text.cutting import Cut, cut_up, decoded
from trainvitals.parsers.text.heads import headed
from trainvitals.parsers.text.laps import counted
from trainvitals.parsers.text.learner import Learner
from trainvitals.parsers.text.learnt import Learnt, between, learn, together
from trainvitals.parsers.text.line_format import NAN, Context, LineFormat, Row
from trainvitals.parsers.text.notes import Notes
from trainvitals.parsers.text.refreshes import merged
from trainvitals.parsers.text.stencils import Meaning, Stencil, Stencils

_CLEARED = " " * 8
"""What is left of a bar that was cleared before a line was printed, where carriage returns have been lost."""
_MAY_GO_ON = frozenset("0123456789.+-eE")
"""Last characters of a line after which, had it not been cut there, its last number could go on."""
_MAX_EXAMPLE = 300
_STRETCH = 200
"""Pieces from which it pays to read them at once."""
_LATE = 100
"""Pieces read one by one although their shapes have got a stencil by then, after which all are looked up again."""
_DIGIT = pattern("[0-9]")
MAX_RUNS = 1000
"""Runs of one file; rows of further ones are added to the last."""


@dataclass(frozen=True, slots=True)
class _Finished:
    """A run that has been read: its series, settings and summary, and the line at which the next one begins."""

    series: tuple[Series, ...]
    config: Mapping[str, ConfigValue]
    summary: dict[str, ConfigValue]
    end: int


class ConsoleReader:
    """Reads one file; make one per file, call `take` as often as more has come, then `parsed`."""

    def __init__(self, path: str, formats: Sequence[LineFormat], *, learns: bool = True) -> None:
        self._path = path
        self._line_count = 0
        self._formats = formats
        self._context = Context()
        self._lines, self._refreshes = Columns(), Columns()
        self._bar_steps = BarSteps(self._lines)
        self._notes, self._config = Notes(), ConfigText(path)
        self._learner = Learner() if learns else None
        self._stencils = Stencils()
        self._raw: Bytes = np.empty(0, np.uint8)
        self._in_rows, self._settled = True, False
        self._summary: dict[str, ConfigValue] = {}
        self._finished: list[_Finished] = []
        self._unread: list[UnreadLine] = []
        self._unread_lines = self._dropped = self._dropped_metrics = 0
        self._loose: int | None = None
        self._opened: set[str] = set()
        self._last = self._truncated = False
        self.values: Counter[str] = Counter()
        """Numbers by the name of the line format that read them."""

    def __deepcopy__(self, memo: dict[int, Any]) -> ConsoleReader:
        """A reader that goes on by itself; what never changes is shared."""
        twin = ConsoleReader.__new__(ConsoleReader)
        memo[id(self)] = twin
        memo.update({id(one): one for one in (self._formats, *self._formats, *self._finished)})
        # They hold columns of this one, and are soon found again.
        memo[id(self._stencils)] = Stencils()
        for name, value in self.__dict__.items():
            setattr(twin, name, copy.deepcopy(value, memo))
        return twin

    def take(self, data: bytes) -> None:
        """Go over the lines that follow those taken before; only the last one of the file may have no end."""
        before = self._line_count
        for block in blocks(data):
            self._dropped += block.dropped
            self._block(block, before, cut=block.end == len(data) and not data.endswith(b"\n"))
        self._line_count += data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))

    def parsed(self, name: str) -> tuple[Parsed, ...]:
        """What was read, under the name of a format: a run, or several whose names count them. Nothing may follow."""
        self._bar_steps.finish(self._context)
        learnt = self.learnt
        runs = [*self._finished, self._finish_run(self._context.line + 1, self._config.finish())]
        source = Source(
            path=self._path,
            format=name,
            lines=self._line_count,
            unread_lines=self._unread_lines,
            unread_examples=tuple(sorted(self._unread, key=lambda one: one.line)[:MAX_EXAMPLES]),
            learnt=learnt.texts,
            doubtful=learnt.doubtful[:MAX_EXAMPLES],
            problems=tuple(self._problems()),
            truncated=self._truncated,
        )
        found = self._notes.finish(self._context)
        starts = [0, *(run.end for run in self._finished)]
        series = [
            together(run.series, between(learnt.series, start, run.end if i < len(self._finished) else None))
            for i, (start, run) in enumerate(zip(starts, runs, strict=True))
        ]
        return tuple(
            Parsed(
                replace(source, points=sum(map(len, own))),
                own,
                run.config,
                run.summary,
                found if len(runs) == 1 else tuple(note for note in found if start <= note.line < run.end),
                f"run {number}" if len(runs) > 1 else "",
            )
            for number, (start, run, own) in enumerate(zip(starts, runs, series, strict=True), 1)
        )

    @cached_property
    def learnt(self) -> Learnt:
        """What came of the lines that no line format took; nothing may be taken afterwards."""
        if self._learner is None:
            return Learnt()
        found = learn(self._learner.finish())
        self._unread += self._learner.unread
        self._unread_lines += len(self._learner.unread)
        for group, why in found.left:
            self._unread_lines += group.looking
            self._unread += [replace(one, why=why) for one in group.examples] if group.looking else []
        return found

    def _finish_run(self, end: int, config: Mapping[str, ConfigValue]) -> _Finished:
        return _Finished(merged(self._lines.series(), self._refreshes.series()), config, self._summary, end)

    def _next_run(self) -> None:
        """Close the run that the rows so far belong to, if there are any."""
        if not len(self._lines) + len(self._refreshes) or len(self._finished) >= MAX_RUNS - 1:
            return
        self._bar_steps.finish(self._context)
        self._settle()
        self._finished.append(self._finish_run(self._context.line, self._config.settled()))
        self._dropped_metrics += self._lines.dropped_metrics + self._refreshes.dropped_metrics
        self._lines, self._refreshes = Columns(), Columns()
        self._bar_steps, self._summary, self._loose = BarSteps(self._lines), {}, None

    def _problems(self) -> list[str]:
        metrics = self._dropped_metrics + self._lines.dropped_metrics + self._refreshes.dropped_metrics
        told = (
            (self._dropped, f"{self._dropped} lines over the limit of {MAX_LINE_BYTES} bytes were left out"),
            (metrics, f"{metrics} values of metrics beyond the limit of distinct names were left out"),
            (self._notes.dropped, f"{self._notes.dropped} more warnings like those noted were left out"),
            (self._truncated, "the last line is cut off"),
        )
        return [sentence for count, sentence in told if count]

    def _block(self, block: Block, before: int, *, cut: bool) -> None:
        found = cut_up(block.text.removesuffix("\n"), before + block.first)
        self._look_for_needles(found.shapes, block.text)
        self._raw = found.codes
        last = int(found.lines[-1])
        count = int(np.searchsorted(found.lines, last)) if cut else len(found.shapes)
        self._pieces(found, count)
        self._settle()
        if cut:
            self._last = True
            self._context.line = last
            for number in range(count, len(found.shapes)):
                self._read_piece(found.text(number))

    def _look_for_needles(self, shapes: Sequence[bytes], text: str) -> None:
        """Choose the line formats, notes and settings of a block."""
        # Needles are looked for in the shapes, each of them once: a megabyte has few of them.
        kinds = decoded(b"\n".join(set(shapes)))
        opened = {one.name for one in self._formats if _present(one.after, kinds, text)} - self._opened
        if opened:
            self._opened |= opened
            self._stencils = Stencils()
        active = [
            (_present(one.needles, kinds, text), one)
            for one in self._formats
            if not one.after or one.name in self._opened
        ]
        self._active = [(needles, one) for needles, one in active if needles]
        self._note_needles = _present(notes.NEEDLES, kinds, text)
        self._config_needles = _present(config_text.NEEDLES, kinds, text)

    def _pieces(self, cut: Cut, count: int) -> None:
        """Read the first pieces of a block: stretches with stencils at once, the others one by one."""
        start = 0
        while start < count:
            kinds = np.fromiter(map(self._stencils.numbers.get, cut.shapes[start:count], repeat(-1)), np.int64)
            begin, late = start, 0
            for stop in (*(np.flatnonzero(kinds < 0) + begin).tolist(), count):
                if stop - start >= _STRETCH and self._stretch(cut, kinds[start - begin : stop - begin], start):
                    start = stop
                while start < min(stop + 1, count):
                    late += kinds[start - begin] < 0 and cut.shapes[start] in self._stencils.numbers
                    self._piece_of(cut, start)
                    start += 1
                if late > _LATE:
                    break

    def _stretch(self, cut: Cut, kinds: Ints, start: int) -> bool:
        """Read consecutive pieces at once; False where that cannot be."""
        stencils, stop = self._stencils.made, start + len(kinds)
        if not self._in_rows or self._loose is not None or (self._learner and self._learner.in_table):
            return False
        pieces = Pieces(self._raw, cut.starts[start:stop], cut.lines[start:stop], kinds)
        if not can_read(pieces, stencils, self._context):
            return False
        for kind in kinds[np.sort(np.unique(kinds, return_index=True)[1])].tolist():
            columns = self._refreshes if stencils[kind].refresh else self._lines
            if stencils[kind].columns is not columns and not self._opens(stencils[kind], columns):
                return False
        self._configure(cut, kinds, start)
        sinks = Sinks(self._lines, self._refreshes, self._bar_steps, self._context, self._learner)
        Stretch(pieces, stencils, sinks).read()
        return True

    def _configure(self, cut: Cut, kinds: Ints, start: int) -> None:
        """Take the configuration from among the rows of a stretch."""
        made = self._stencils.made
        rows = np.flatnonzero(np.array([bool(one.names) for one in made])[kinds])
        said = np.flatnonzero(np.array([one.configures for one in made])[kinds])
        before = int(np.searchsorted(said, rows[-1])) if len(rows) else 0
        # Of a text that comes again and again, the first decides the order of the names, and the last their lines.
        numbers = (said[:before] + start).tolist()
        texts = [cut.text(number) for number in numbers]
        last = dict(zip(texts, numbers, strict=True))
        first = dict(zip(reversed(texts), reversed(numbers), strict=True))
        for number in sorted((*first.values(), *last.values())):
            self._config.read(cut.text(number), int(cut.lines[number]))
        if len(rows):
            self._config.settle()
        for number in (said[before:] + start).tolist():
            self._config.read(cut.text(number), int(cut.lines[number]))
        self._settled = len(rows) > 0 and before == len(said)

    def _piece_of(self, cut: Cut, number: int) -> None:
        shape = cut.shapes[number]
        if not shape or shape.isspace():
            self._stencils.pass_over(shape)
            return
        self._context.line = int(cut.lines[number])
        self._piece(cut.text(number), shape)

    def _piece(self, text: str, shape: bytes) -> None:
        """Read a piece of a line, by the stencil of its shape where there is one."""
        stencil = self._stencils.known.get(shape)
        if (
            isinstance(stencil, Stencil)
            and not stencil.configures
            and self._in_rows
            and self._by_stencil(stencil, text)
        ):
            return
        self._read_piece(text)
        self._in_rows = not (self._config.in_call or self._notes.in_traceback or self._context.indented_block)
        self._settled = False
        if stencil != -1 and text:
            formats = [one for one in self._formats if not one.after or one.name in self._opened]
            self._stencils.see(shape, text, formats, self._meaning)

    def _read_piece(self, text: str) -> None:
        if MARK in text:
            self._with_bars(text)
        elif text and not text.isspace():
            self._text(text, None)

    def _meaning(self, text: str) -> Meaning:
        """What a line is that no line format takes, as all lines of its shape."""
        if _holds(text, notes.NEEDLES):
            return "more"
        if config_text.opens_call(text):
            return "more"
        if config_text.says_something(text):
            return "more" if self._is_row(text) else "configuration"
        ignored = self._learner is None or self._learner.ignores(text)
        return "nothing" if ignored and not unread.looks_like_metrics(text) else "more"

    def _by_stencil(self, stencil: Stencil, text: str) -> bool:
        """Whether a text could be read by the stencil of its shape: as `_bar` or `_text` do, with no call too many."""
        context, epoch = self._context, NAN
        if stencil.format is None and stencil.bar is None:
            return self._learner is None or self._learner.passes(context, numbered=stencil.numbered)
        columns = self._refreshes if stencil.refresh else self._lines
        if stencil.columns is not columns and not self._opens(stencil, columns):
            return False
        if stencil.bar is not None:
            n, total = int(text[stencil.bar.n]), int(text[stencil.bar.total])
            if stencil.trains:
                self._bar_steps.counts(n, total, context)
            if not stencil.names:
                return True
            step = counted(text[stencil.bar.description], n, total, context)
            epoch = context.epoch
        elif stencil.names:
            step = NAN if stencil.step is None else float(text[stencil.step])
            epoch = NAN if stencil.epoch is None else float(text[stencil.epoch])
            if stencil.near and not stencil.refresh:
                step, epoch = headed(step, epoch, stencil.near, context)
        else:
            return True
        if not self._settled:
            self._config.settle()
            self._settled = True
        index = columns.add_row(context.line, step, epoch, NAN if stencil.time is None else float(text[stencil.time]))
        stencil.rows.append(index)
        stencil.texts.append(text)
        self._place(step, epoch, index, refresh=stencil.refresh, from_bar=stencil.from_bar)
        if stencil.from_bar:
            self._bar_steps.wait(index, epoch, evaluation=stencil.evaluation)
        return True

    def _opens(self, stencil: Stencil, columns: Columns) -> bool:
        opened = stencil.opens(columns)
        if opened and stencil.names:
            # Its place among the names; the numbers are counted in `_settle`.
            self.values[stencil.name] += 0
        return opened

    def _settle(self) -> None:
        """Give the rows of the stencils their numbers."""
        for name, count in self._stencils.settle(self._raw):
            self.values[name] += count

    def _with_bars(self, text: str) -> None:
        behind: Bar | None = None
        for piece in pieces(text):
            if isinstance(piece, Bar):
                self._bar(piece)
                behind = piece
            else:
                self._text(piece, None if piece.startswith(_CLEARED) else behind)

    def _bar(self, bar: Bar) -> None:
        self._bar_steps.bar(bar, self._context)
        if bar.postfix_at + 2 > len(bar.inside):
            return
        self._context.bar = bar
        learns = self._learner if bar.trains and not self._last else None
        if (
            not self._rows(bar.inside, None)
            and not (learns and learns.offer_bar(bar, self._context))
            and unread.looks_like_metrics(bar.postfix)
        ):
            self._not_understood(bar.inside)
        self._context.bar = None

    def _text(self, text: str, behind: Bar | None) -> None:
        context = self._context
        if self._notes.in_traceback and self._notes.read(text, context):
            return
        if (self._config.in_call and self._config.read(text, context.line)) or self._rows(text, behind):
            return
        if self._note_needles and _holds(text, self._note_needles) and self._notes.read(text, context):
            return
        if context.indented_block and not text[0].isspace():
            context.indented_block = False
        if _holds(text, self._config_needles) and not self._is_row(text) and self._config.read(text, context.line):
            return
        if self._offered(text):
            return
        if unread.looks_like_metrics(text):
            self._not_understood(text)

    def _is_row(self, text: str) -> bool:
        """Whether a line that names a hyperparameter says it of one step: then it is no configuration."""
        return self._learner is not None and unread.looks_like_metrics(text) and self._learner.is_row(text)

    def _offered(self, text: str) -> bool:
        """Whether the learner keeps a line that nobody took; of a last one that is cut off it could miss a digit."""
        torn = self._last and text.rstrip("\r")[-1] in _MAY_GO_ON
        return self._learner is not None and not torn and self._learner.offer(text, self._context)

    def _rows(self, text: str, behind: Bar | None) -> bool:
        """Whether a line format has taken the text."""
        for needles, line_format in self._active:
            for needle in needles:
                if needle in text:
                    row = line_format.parse(text, self._context)
                    if row is not None:
                        if line_format.near and not row.refresh and self._context.bar is None:
                            step, epoch = headed(row.step, row.epoch, line_format.near, self._context)
                            row = row._replace(step=step, epoch=epoch)
                        self._take(row, line_format, text, behind)
                        return True
                    break
        return False

    def _take(self, row: Row, line_format: LineFormat, text: str, behind: Bar | None) -> None:
        context = self._context
        if row.starts_run:
            self._next_run()
        for name, value in row.summary.items():
            self._summary[name] = ConfigValue(value, self._path, context.line)
        values = row.values
        if self._last and values and text.rstrip("\r")[-1] in _MAY_GO_ON:
            values = dict(islice(values.items(), len(values) - 1))
            self._truncated = True
        if not values:
            return
        self._config.settle()
        columns = self._refreshes if row.refresh else self._lines
        index = len(columns)
        columns.add(context.line, values, step=row.step, epoch=row.epoch, time=row.time, split=row.split)
        self.values[line_format.name] += len(values)
        self._place(row.step, row.epoch, index, refresh=row.refresh, from_bar=row.from_bar)
        if row.from_bar:
            self._bar_steps.row(index, row, behind)

    def _place(self, step: float, epoch: float, index: int, *, refresh: bool, from_bar: bool) -> None:
        """Keep the context of the row of this number, and its step for a refresh that did not say it."""
        context = self._context
        says_step = step == step  # not NaN
        if epoch == epoch:
            context.epoch = epoch
        if says_step and not from_bar:
            context.step = step
            if self._loose is not None and not refresh:
                self._refreshes.set_step(self._loose, step)
        # A refresh without a step shows what the line of the next step says in more digits.
        self._loose = index if refresh and not says_step else None

    def _not_understood(self, text: str) -> None:
        if self._last:
            self._truncated = True
            return
        self._unread_lines += 1
        if len(self._unread) < MAX_EXAMPLES:
            self._unread.append(UnreadLine(self._context.line, text.strip()[:_MAX_EXAMPLE]))


def _present(needles: Sequence[str], kinds: str, text: str) -> tuple[str, ...]:
    """The needles that stand in a text, of which `kinds` are the shapes of its lines."""
    return tuple(needle for needle in needles if needle in (text if _DIGIT.search(needle) else kinds))


def _holds(text: str, needles: tuple[str, ...]) -> bool:
    for needle in needles:  # noqa: SIM110 - a loop costs half of any() with a generator, once per line
        if needle in text:
            return True
    return False
