"""Learns the layout of metric lines that no line format knows, from the lines themselves, in one pass.

Every line that nobody took is offered. The first line of a shape is only kept; at the second one of it both are
dissected, and from then on its lines are read by the shape's own pattern. What the rows of a group say, and whether
they are a curve at all, is decided once all of them are known (`learnt`).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from trainvitals.parsers.limits import MAX_POINTS
from trainvitals.parsers.model import Floats, Split, UnreadLine
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text import naming, unread
from trainvitals.parsers.text.bars import Bar
from trainvitals.parsers.text.dissect import Shape, dissect
from trainvitals.parsers.text.header_tables import HeaderTables
from trainvitals.parsers.text.laps import count_on
from trainvitals.parsers.text.line_format import Context
from trainvitals.parsers.text.pairs import MAX_LENGTH, fields, pairs
from trainvitals.parsers.text.shapes import has_number, shape_key
from trainvitals.parsers.text.template import MAX_LINE, value
from trainvitals.parsers.text.tokens import Field, under

MAX_WAITING = 5_000
"""Lines whose shape has been seen once; when there are more, the older ones are given up."""
MAX_SHAPES = 5_000
MAX_SHAPES_OF_KEY = 8
"""Shapes that the same text without numbers can have, as names may hold digits."""
MAX_GROUPS = 500
_EXAMPLES, _MAX_EXAMPLE = 3, 300
MAX_DISSECTED = 4_000_000
"""Characters of a file that are dissected; real logs repeat their shapes long before."""
_FEW_ALONE = 20
_FEW_ROWS = 20
"""Rows of a shape up to which dissecting each of them costs less than compiling its pattern."""
_HEADING_LENGTH = 200
_RANK = pattern(r"(?<![a-z])(?:rank|default|task)[ _]?(\d{1,6})\]?:")


class Row(NamedTuple):
    """One line: the numbers of the fields, None for a cell without one, the epoch above it, and who printed it."""

    line: int
    numbers: tuple[float | None, ...]
    epoch: float
    rank: int


@dataclass(slots=True)
class Group:
    """Rows with the same numbers under the same names, however their lines are worded.

    `texts` are the templates with the number of lines of each. `looking` counts lines that look like metrics: they are
    to be told if nothing comes of them. `varying` says that words with digits set the rows apart.
    """

    fields: tuple[Field, ...]
    refresh: bool = False
    varying: bool = False
    texts: dict[str, int] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    looking: int = 0
    examples: list[UnreadLine] = field(default_factory=list)

    def twin(self) -> Group:
        """A group of its own with the same rows."""
        return replace(self, texts=dict(self.texts), rows=list(self.rows), examples=list(self.examples))


@dataclass(slots=True)
class _Plan:
    shape: Shape
    group: Group
    looks: bool
    """Whether such a line looks like metrics."""
    ranked: bool
    scaled: bool
    measures: bool
    epoch: int
    """Where the epoch stands among the fields; -1 where the line has none."""
    rows: int = 0

    def numbers(self, line: str) -> tuple[str, ...] | None:
        """The texts of the fields of a line; None where it is of another shape."""
        self.rows += 1
        if self.rows > _FEW_ROWS:
            found = self.shape.regex.fullmatch(line)
            return found.groups() if found else None
        other = dissect(line)
        return other[1] if other and other[0].text == self.shape.text and other[0].fields == self.shape.fields else None


class _Waiting(NamedTuple):
    line: int
    text: str
    epoch: float
    split: Split = ""
    """What the line above it says: `Test Error:`."""


class Learner:
    """Takes the lines of one file; `finish` gives what they were."""

    def __init__(self) -> None:
        self._plans: dict[str, list[_Plan]] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._groups: dict[object, Group] = {}
        self._tables = HeaderTables()
        self._heading = self._known = math.nan
        self._above: Split = ""
        self._cells = self._dissected = 0
        self.unread: list[UnreadLine] = []
        """Lines that look like metrics, and of which no shape could be made."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Learner:
        """A learner that goes on by itself; lines and rows never change, and are shared."""
        twin = copy.copy(self)
        groups = {id(group): group.twin() for group in self._groups.values()}
        twin._groups = {key: groups[id(group)] for key, group in self._groups.items()}
        twin._plans = {
            key: [replace(plan, group=groups[id(plan.group)]) for plan in plans] for key, plans in self._plans.items()
        }
        twin._waiting, twin.unread, twin._tables = dict(self._waiting), list(self.unread), copy.copy(self._tables)
        return twin

    def offer(self, text: str, context: Context) -> bool:
        """Keep a line that may be one of many; False where nothing is to be learnt from it."""
        if len(text) > MAX_LINE or text.lstrip()[:2] == '{"' or self._cells > MAX_POINTS:
            return False
        if not has_number(text):
            self._tables.header(text)
            self._above = naming.split_of_heading(text)
            return False
        self._follow(context)
        if self._tables.open and (cells := self._tables.row(text)) is not None:
            return self._add_cells(cells, text, context)
        one = _Waiting(context.line, text, self._heading, self._above)
        key, self._above = shape_key(text) + self._above, ""
        plans = self._plans.get(key)
        if plans is None:
            seen = self._waiting.pop(key, None)
            if seen is None and not _is_heading(text):
                self._wait(key, one)
                return True
            plans = self._open(key, seen)
            if seen is None:
                return self._read_new(plans, one)
        return self._read(plans, one)

    def ignores(self, text: str) -> bool:
        """Whether nothing is learnt from a line that was offered, nor from others that differ by digits only."""
        if len(text) > MAX_LINE or text.lstrip()[:2] == '{"':
            return True
        return (
            self._plans.get(shape_key(text)) == []
            if has_number(text)
            else not (any(map(str.isdigit, text)) or naming.split_of_heading(text))
        )

    def passes(self, context: Context, *, numbered: bool) -> bool:
        """Whether an ignored line, with or without numbers, can be passed over; below a header it may be a row."""
        if numbered:
            self._follow(context)
        return not self._tables.open

    def passed(self, epochs: Floats) -> None:
        """Ignored lines with numbers, and the epoch of the context at each, shape `(lines,)`, have been passed over."""
        known = epochs[epochs == epochs]
        if (known != self._known).any():
            self._heading = self._known = float(known[-1])

    @property
    def in_table(self) -> bool:
        """Whether rows of a table may follow."""
        return self._tables.open

    def is_row(self, text: str) -> bool:
        """Whether a line says by itself a step or an epoch, and numbers at it: then it is no configuration."""
        if len(text) > MAX_LINE:
            return False
        plans = self._plans.get(shape_key(text))
        shape = plans[0].shape if plans else None
        if plans is None and (found := dissect(text)):
            shape = found[0]
        return shape is not None and shape.counts and shape.measures

    def offer_bar(self, bar: Bar, context: Context) -> bool:
        """Keep what a bar of the training loop shows behind its speed, at the step that the bar shows."""
        values = pairs(fields(bar.postfix)) if bar.trains and len(bar.inside) <= MAX_LENGTH else None
        group = values and self._group((Field("", "step"), *(Field(name, "value") for name in values)), refresh=True)
        if not group or not values:
            return False
        row = Row(context.line, (count_on(bar, context), *values.values()), context.epoch, -1)
        shown = ", ".join(f"{name}={{{name}}}" for name in values)
        self._add(group, f"{{step}}/{{}} [{shown}]", row, bar.inside, looks=unread.looks_like_metrics(bar.postfix))
        return True

    def finish(self) -> Iterable[Group]:
        """All groups, with the lines that were alone in their shape where they may be of a group all the same.

        Nothing may be offered afterwards.
        """
        names = {one.name for group in self._groups.values() for one in group.fields if one.role == "value"}
        few = len(self._waiting) <= _FEW_ALONE
        for one in self._waiting.values():
            # To dissect all that stays alone would cost more than all the rest.
            worth = few or unread.looks_like_metrics(one.text) or any(name in one.text for name in names)
            if not worth or not self._read_new([], one):
                self._tell(one)
        self._waiting = {}
        return self._groups.values()

    def _follow(self, context: Context) -> None:
        """Keep the epoch of the last heading, whoever has read it."""
        if context.epoch != self._known and not math.isnan(context.epoch):
            self._heading = self._known = context.epoch

    def _wait(self, key: str, one: _Waiting) -> None:
        if len(self._waiting) >= MAX_WAITING:
            for old in list(self._waiting)[: MAX_WAITING // 2]:
                self._tell(self._waiting.pop(old))
        self._waiting[key] = one

    def _tell(self, one: _Waiting) -> None:
        if unread.looks_like_metrics(one.text):
            self.unread.append(UnreadLine(one.line, one.text.strip()[:_MAX_EXAMPLE]))

    def _open(self, key: str, seen: _Waiting | None) -> list[_Plan]:
        """The plans for a key, with that of the line that waited; none where the line is no metrics."""
        plans: list[_Plan] = []
        if len(self._plans) < MAX_SHAPES:
            self._plans[key] = plans
        if seen is not None and not self._read_new(plans, seen):
            self._tell(seen)
        return plans

    def _read(self, plans: list[_Plan], one: _Waiting) -> bool:
        line = one.text.strip()
        for plan in plans:
            numbers = plan.numbers(line)
            if numbers is not None:
                return self._row(plan, numbers, one)
        return 0 < len(plans) < MAX_SHAPES_OF_KEY and self._read_new(plans, one)

    def _read_new(self, plans: list[_Plan], one: _Waiting) -> bool:
        """Read a line by a plan of its own."""
        self._dissected += len(one.text)
        found = dissect(one.text) if self._dissected < MAX_DISSECTED else None
        group = self._group(under(found[0].fields, one.split), refresh=False) if found and found[0].promises else None
        if found is None or group is None:
            return False
        shape, numbers = found
        group.varying = group.varying or shape.varying
        ranked = _RANK.search(one.text) is not None
        epoch = next((i for i, named in enumerate(shape.fields) if named.role == "epoch"), -1)
        plans.append(
            _Plan(shape, group, unread.looks_like_metrics(one.text), ranked, shape.scaled, shape.measures, epoch)
        )
        return self._row(plans[-1], numbers, one)

    def _group(self, named: tuple[Field, ...], *, refresh: bool) -> Group | None:
        key = (named, refresh)
        if key not in self._groups and len(self._groups) >= MAX_GROUPS:
            return None
        return self._groups.setdefault(key, Group(named, refresh))

    def _row(self, plan: _Plan, numbers: tuple[str, ...], one: _Waiting) -> bool:
        """Add a row; a line that only counts is the heading of those below it."""
        values = tuple(map(value, numbers))
        if plan.scaled:
            values = tuple(number * one.scale for number, one in zip(values, plan.shape.fields, strict=True))
        epoch = values[plan.epoch] if plan.epoch >= 0 else math.nan
        self._heading = self._heading if math.isnan(epoch) else epoch
        if not plan.measures:
            return False
        rank = _RANK.search(one.text) if plan.ranked else None
        row = Row(one.line, values, one.epoch, int(rank[1]) if rank else -1)
        self._add(plan.group, plan.shape.text, row, one.text, looks=plan.looks)
        return True

    def _add_cells(self, cells: tuple[float | None, ...], text: str, context: Context) -> bool:
        group = self._group(self._tables.fields, refresh=False)
        if group is not None:
            row = Row(context.line, cells, self._heading, -1)
            self._add(group, self._tables.text, row, text, looks=unread.looks_like_metrics(text))
        return group is not None

    def _add(self, group: Group, template: str, row: Row, text: str, *, looks: bool) -> None:
        group.rows.append(row)
        group.texts[template] = group.texts.get(template, 0) + 1
        group.looking += looks
        self._cells += len(row.numbers)
        if len(group.examples) < _EXAMPLES:
            group.examples.append(UnreadLine(row.line, text.strip()[:_MAX_EXAMPLE]))


def _is_heading(text: str) -> bool:
    """Whether a line may open an epoch, so that it cannot wait for a second one of its shape."""
    return "poch" in text.lower() and len(text) < _HEADING_LENGTH
