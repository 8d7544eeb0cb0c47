"""The contract of a line format: one shape of metric lines in console text, each in a small module beside this one."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from trainvitals.parsers.model import Split
from trainvitals.parsers.text.bars import Bar

NAN = float("nan")
_NOTHING: Mapping[str, float] = MappingProxyType({})


class Row(NamedTuple):
    """The numbers of one line, under their names as logged. A row without values means: understood, nothing to keep.

    Attributes:
        values: name -> number, in the order of the line.
        split: which data they were computed on, "" where only the names tell.
        step: optimiser step as the line says; NaN where it does not.
        epoch: likewise.
        time: seconds since the start, likewise.
        from_bar: the step stands in the progress bar of the training loop, not in the line.
        refresh: a state of a progress bar; another line of the same step is the better source.
        summary: numbers about the whole run, no point of a series. May hold text.
        starts_run: the first row of another run in the same file.
    """

    values: Mapping[str, float] = _NOTHING
    split: Split = ""
    step: float = NAN
    epoch: float = NAN
    time: float = NAN
    from_bar: bool = False
    refresh: bool = False
    summary: Mapping[str, float | str] = _NOTHING
    starts_run: bool = False


SKIP = Row()
"""The answer for a line that is understood and holds nothing to keep."""


@dataclass(slots=True)
class Context:
    """What earlier lines said; the engine keeps the first four, from the rows it gets, the line formats the rest."""

    line: int = 0
    """Number of the physical line."""
    bar: Bar | None = None
    """The progress bar that is being parsed; None while plain text is."""
    step: float = NAN
    """Last step of a row or of the training loop's bar."""
    epoch: float = NAN
    """Last epoch of a row or of a header line."""
    total: int = 0
    """Steps of the training loop, as its bar says; 0 while unknown."""
    indented_block: bool = False
    """Whether a header has opened a block of indented lines; the engine closes it at the next line that is not."""
    evaluating: Split = ""
    """The split whose evaluation the log is in the middle of."""
    epoch_end: float = NAN
    """The last step of the epoch that is being logged, where the lines say how long an epoch is."""
    headed: tuple[float, float, int] = (NAN, NAN, -1)
    """Step, epoch and line number of the last line that heads a group of lines."""
    first_epoch: int = 1
    """Lowest epoch that a bar's description has counted from: 0 or 1."""
    laps: dict[str, Lap] = field(default_factory=dict)
    """Progress bars that start anew without saying their epoch, by description."""
    headers: int = 0
    """Lines such as `Epoch 1/10` so far."""
    epochs: int = 0
    """Epochs that the last of them announced; 0 where it did not."""
    span: tuple[float, float] = (NAN, NAN)
    """First and last epoch of the rows of this run, where their format writes several runs into one file."""
    marks: dict[str, float] = field(default_factory=dict)
    """What one line format remembers from line to line, under names of its own."""
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names over the columns of the table that a line format is reading, by its own name."""
    table: Table | None = None
    """The table of which the closing border has not come yet; None outside of tables."""

    def goes_back(self, epoch: float, *, opened: bool = False) -> bool:
        """Whether a row of this epoch begins a run of its own: it lies before the last row, and not after the first.

        `opened` tells that a header has opened the epoch since the last row: then it may also be the same one again.
        To be asked once per row, by formats that write several runs into one file. A run that is resumed goes back
        less far.
        """
        first, last = self.span
        again = epoch <= first and (epoch < last or opened)
        self.span = (epoch if again or math.isnan(first) else first, epoch)
        return again


@dataclass(slots=True)
class Table:
    """What has been read of a table with a metric a row."""

    heading: str = ""
    """Stands before the names of the rows below it."""
    cells: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Lap:
    """Steps done in earlier rounds of a progress bar that starts anew every epoch."""

    done: int = 0
    n: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class LineFormat:
    """One shape of metric lines.

    Attributes:
        name: permanent identifier.
        title: a line for people: who writes such lines.
        sample: some lines of it.
        needles: substrings of which a line holds at least one; nothing else is looked at.
        parse: the row of a piece of text (of a progress bar where `Context.bar` is set), or None where it is not of
            this shape. A row is taken whole or not at all: one malformed number makes the line unread.
        precision: decimal digits that such lines usually keep.
        origin, reads: as in `Format`.
        after: substrings of which one must have stood in the file before, for lines without a word of their own, such
            as the rows below a header.
        beside: such lines are printed by a library beside those of a trainer, so that a file is only named after them
            where it has no others.
        counts_bars: the row of a progress bar is what stands in its postfix, at the step that `laps.count_on` gives
            and the epoch of the context.
        near: lines within which a row of plain text without a step belongs to the last one with a step, see `heads`;
            0 where no line heads others.
    """

    name: str
    title: str
    sample: str
    needles: tuple[str, ...]
    parse: Callable[[str, Context], Row | None]
    precision: int = 4
    origin: str = ""
    reads: str = ""
    after: tuple[str, ...] = ()
    beside: bool = False
    counts_bars: bool = False
    near: int = 0
