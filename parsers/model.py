"""The one data model that every format is read into: plain, frozen, columnar values.

A `Run` is what one training left on disk. Its scalars are `Series`: one metric of one split, as parallel numpy arrays.
Parsers fill it with names as logged; `trainvitals.diagnostics.normalisation` returns the same type with one vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas
    import polars
    import pyarrow

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Bools = npt.NDArray[np.bool_]
    Bytes = npt.NDArray[np.uint8]
    Words = npt.NDArray[np.uint32]
    Longs = npt.NDArray[np.uint64]
    Column = npt.NDArray[Any]
else:
    # numpy.typing costs a tenth of numpy's own import, at every start of the command line.
    Floats = Ints = Bools = Bytes = Words = Longs = Column = np.ndarray

Split = Literal["train", "eval", "test", ""]
"""Which data a value was computed on; empty while the log has not said."""

SPLIT_WORDS: Mapping[str, Split] = MappingProxyType(
    {
        "train": "train",
        "training": "train",
        "val": "eval",
        "valid": "eval",
        "validation": "eval",
        "eval": "eval",
        "evaluation": "eval",
        "dev": "eval",
        "test": "test",
        "testing": "test",
    }
)
"""What trainers call the splits: in metric names, in columns, in file and folder names."""

NoteKind = Literal["crash", "max_len", "overflow", "diverged", "warning"]
"""`crash`: traceback, out of memory, killed. `max_len`: generation reached its limit without EOS. `overflow`: the
loss scaler skipped a step. `diverged`: the trainer says so itself. `warning`: anything else worth showing."""


@dataclass(frozen=True, slots=True)
class UnreadLine:
    """A line that looks like metrics and was not understood, quoted so that the user can see why; `why` where known."""

    line: int
    text: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """One file of a run and how its reading went.

    `precision` is the number of decimal digits that its format keeps. `lines` counts text lines, or records of a
    binary file. `unread_lines` counts those that look like metrics and were not understood. `problems` are sentences
    for the reader (a bad checksum, a line over the limit). `error` is set when nothing at all could be read, and then
    says why. `learnt` shows the layouts that were found out from the lines themselves, with the number of lines of
    each, `doubtful` a line of each kind that might be metrics and from which nothing was taken, with the reason.
    """

    path: str
    format: str
    version: int = 1
    precision: int = 6
    lines: int = 0
    points: int = 0
    unread_lines: int = 0
    unread_examples: tuple[UnreadLine, ...] = ()
    problems: tuple[str, ...] = ()
    truncated: bool = False
    error: str = ""
    learnt: tuple[str, ...] = ()
    doubtful: tuple[UnreadLine, ...] = ()


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """A hyperparameter or a summary number, and where it was found (`line` is 0 where a format has no lines)."""

    value: Any
    path: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Note:
    """A log line that is not a number but means something; `step` and `epoch` are the last ones logged before it."""

    kind: NoteKind
    text: str
    source: int
    line: int
    step: float = float("nan")
    epoch: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric of one split: parallel arrays of one length, in the order in which they were logged.

    Shapes: all arrays are `(n,)`. `step` and `epoch` are NaN where the log does not say; `time` is seconds, since the
    epoch or since the start, NaN where unknown. NaN and infinities in `value` are what was logged. `source` indexes
    `Run.sources`, `line` is the 1-based line (or record) in that file.
    """

    metric: str
    split: Split
    logged_as: str
    value: Floats
    step: Floats
    epoch: Floats
    time: Floats
    line: Ints
    source: Ints

    def __len__(self) -> int:
        return int(self.value.size)

    def take(self, index: Ints | Bools | slice) -> Series:
        """The points chosen by an index array, a mask or a slice."""
        return replace(
            self,
            value=self.value[index],
            step=self.step[index],
            epoch=self.epoch[index],
            time=self.time[index],
            line=self.line[index],
            source=self.source[index],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """What one training left on disk.

    `config` holds hyperparameters and `summary` the numbers that describe the whole run (`train_runtime`, the mean
    `train_loss` of the last row); neither is a series. Two runs with NaN in them are never equal, so `Run` compares by
    identity.
    """

    name: str
    sources: tuple[Source, ...] = ()
    series: tuple[Series, ...] = ()
    config: Mapping[str, ConfigValue] = field(default_factory=lambda: MappingProxyType({}))
    summary: Mapping[str, ConfigValue] = field(default_factory=lambda: MappingProxyType({}))
    notes: tuple[Note, ...] = ()
    _series: Mapping[tuple[str, str], Series] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Rules ask for series some hundred times a run; of two with one name the first counts.
        object.__setattr__(self, "_series", {(s.metric, s.split): s for s in reversed(self.series)})

    @property
    def points(self) -> int:
        """Scalars in all series together."""
        return sum(map(len, self.series))

    def get(self, metric: str, split: Split = "train") -> Series | None:
        """The series of a metric and split, or None."""
        return self._series.get((metric, split))

    def to_arrow(self) -> pyarrow.Table:
        """All scalars as one long Arrow table: metric, split, step, epoch, time, value, path, line, logged_as."""
        import pyarrow as pa

        paths = np.array([source.path for source in self.sources], dtype=object)
        columns: dict[str, pa.ChunkedArray | pa.Array] = {}
        for text in ("metric", "split", "logged_as"):
            parts = [pa.repeat(pa.scalar(getattr(s, text), pa.string()), len(s)) for s in self.series]
            columns[text] = pa.chunked_array(parts, pa.string())
        for number, kind in (("step", "f8"), ("epoch", "f8"), ("time", "f8"), ("value", "f8"), ("line", "i8")):
            parts = [pa.array(getattr(s, number)) for s in self.series]
            columns[number] = pa.chunked_array(parts, pa.float64() if kind == "f8" else pa.int64())
        columns["path"] = pa.chunked_array([pa.array(paths[s.source], pa.string()) for s in self.series], pa.string())
        return pa.table(columns)

    def to_polars(self) -> polars.DataFrame:
        """The table of `to_arrow` as a polars frame."""
        import polars as pl

        frame = pl.from_arrow(self.to_arrow())
        assert isinstance(frame, pl.DataFrame)
        return frame

    def to_pandas(self) -> pandas.DataFrame:
        """The table of `to_arrow` as a pandas frame."""
        frame: pandas.DataFrame = self.to_arrow().to_pandas()
        return frame


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """What one format read from one file: a `Run` in the making, whose `source` columns are all 0.

    `name` is set where a file holds several runs, to tell them apart.
    """

    source: Source
    series: tuple[Series, ...] = ()
    config: Mapping[str, ConfigValue] = field(default_factory=dict)
    summary: Mapping[str, ConfigValue] = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    name: str = ""
