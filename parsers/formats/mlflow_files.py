"""MLflow's file store: one file for each metric of a run, with lines `<milliseconds> <value> <step>`."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable
from typing import Any

import numpy as np

from trainvitals.parsers.columns import visible_name
from trainvitals.parsers.feed import LineFeed
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.limits import MAX_EXAMPLES
from trainvitals.parsers.mlflow_folder import METRICS, name_in_store, run_folder
from trainvitals.parsers.model import Floats, Parsed, Series, Source, UnreadLine
from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern

NAME = "mlflow_files"
SAMPLE = b"""\
1795267138629 5.0 1
1795267138630 2.5 2
1795267138643 nan 3
1795267138644 -inf 4
"""

_LINE = pattern(rb"(\d{13}|\d{10}) ([-+.\w]{1,40})(?: (-?\d{1,18})(?: \S+){0,3})?\s*", re.ASCII)
"""What follows the step names a data set. Versions before 1.0 wrote seconds and no step."""

_HEAD_LINES = 20
_MILLISECONDS = 10**11
"""Greater stamps are no seconds: they would lie in the year 5138."""


def sniff(file: LogFile) -> float:
    """Sure if all lines of the head are of that form, with a step unless the file lies where MLflow puts it."""
    lines = file.head.rstrip(b"\n").split(b"\n")
    matches = [_LINE.fullmatch(line) for line in lines[: min(_HEAD_LINES, len(lines) - 1)] or lines]
    if not all(match and number(match[2].decode()) is not None for match in matches):
        return 0.0
    return 0.95 if all(match and match[3] for match in matches) or run_folder(file.path, METRICS) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """The one series of the file; its name is that of the file below `metrics`."""
    reader = _Reader(file.path)
    reader.take(file.data)
    return reader.parsed()


class _Reader:
    """One pass over the lines of a file, in as many pieces as they come in."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._lines = self._refused = 0
        self._unread = list[UnreadLine]()
        self._line, self._stamp = array("q"), array("q")
        self._value, self._step = array("d"), array("d")

    def take(self, data: bytes) -> None:
        """Read the lines that follow those taken before."""
        for number_of, line in LogFile(self._path, data).lines():
            count = self._lines + number_of
            match = _LINE.fullmatch(line)
            value = number(match[2].decode()) if match else None
            if match and value is not None:
                self._line.append(count)
                self._stamp.append(int(match[1]))
                self._value.append(value)
                self._step.append(float(match[3] or 0))
            elif line.strip():
                self._refused += 1
                if len(self._unread) < MAX_EXAMPLES:
                    self._unread.append(UnreadLine(count, line[:500].decode("utf-8", "replace")))
        self._lines += data.count(b"\n") + (bool(data) and not data.endswith(b"\n"))

    def parsed(self) -> tuple[Parsed, ...]:
        """All that was taken."""
        source = Source(
            self._path, NAME, lines=self._lines, unread_lines=self._refused, unread_examples=tuple(self._unread)
        )
        columns = (self._line, self._stamp, self._value, self._step)
        return (Parsed(source, (_series(self._path, columns),) if self._line else ()),)


def _series(path: str, columns: Iterable[array[Any]]) -> Series:
    name = visible_name(name_in_store(path, METRICS))
    line, stamp, value, step = (np.array(column) for column in columns)
    time = np.where(stamp > _MILLISECONDS, stamp / 1e3, stamp)
    nowhere = np.full(len(line), np.nan)
    return Series(name, "", name, value, steps(step), nowhere, time, line, np.zeros(len(line), np.int64))


def steps(logged: Floats) -> Floats:
    """Steps as logged; unknown if several points all have step 0, which MLflow writes where none was given."""
    return np.full(len(logged), np.nan) if len(logged) > 1 and not logged.any() else logged


FORMAT = Format(
    name=NAME,
    title="MLflow: mlruns/<experiment>/<run>/metrics/<metric>",
    sample=SAMPLE,
    sniff=sniff,
    read=read,
    precision=16,
    origin="made with mlflow 3.17.2",
    reads="step, time, params of the run",
    follow=lambda path: LineFeed(_Reader(path), _Reader.parsed),
)
