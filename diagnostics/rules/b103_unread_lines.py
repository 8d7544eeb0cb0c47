"""B103: lines that look like metrics were not understood."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.report import Evidence, Finding, NotRun, Pass
from trainvitals.diagnostics.rule import Result, Rule
from trainvitals.parsers.model import Ints, Run, Source

CODE, NAME = "B103", "unread-lines"

REMEDY = (
    "look at the quoted lines: torn or mixed ones mean that several processes write this file; whole ones are in a "
    "layout that is not known yet, and the verdict does without their values"
)


def check(case: Case, *, share: float = 0.01) -> Result:
    """More than 1 % of the lines that look like metrics were not understood.

    What it checks: for every file of the run, how many lines look like metrics, and how many of them gave no number.

    Why it matters: a verdict on half of a log may be wrong. A new trainer version, a torn file or two writers change
    the lines, and a tool that skips them silently calls the rest healthy.

    What to try: look at the quoted examples. Torn lines point to two processes writing one file; a new layout of
    otherwise whole lines is a format that the tool has to learn.

    How it decides: unread / (unread + read) > `share` (1 %), in lines, for each file. A last line without its end is
    not counted: the trainer is still writing it. Source: definition of this tool.

    Blind spots: a line that does not look like metrics to the reader of the format is in neither count.
    """
    readable = [i for i, s in enumerate(case.run.sources) if not s.error]
    if not readable:
        return NotRun(CODE, "no file could be read")
    read = _lines_read(case.raw)
    unread = {i: _unread(case.run.sources[i]) for i in readable}
    found = [i for i in readable if unread[i] > share * (unread[i] + read.get(i, 0))]
    if not found:
        return Pass(CODE, f"{sum(unread.values())} of {sum(unread.values()) + sum(read.values())} lines not understood")
    return tuple(_finding(case.run.sources[i], unread[i], read.get(i, 0), share) for i in found)


def _unread(source: Source) -> int:
    """Unread lines of a file, without the torn last one."""
    torn = source.truncated and any(e.line == source.lines for e in source.unread_examples)
    return source.unread_lines - torn


def _lines_read(raw: Run) -> dict[int, int]:
    """Distinct lines that gave at least one value, by index of the source."""
    lines: dict[int, list[Ints]] = {}
    for line, source in {(id(s.line), id(s.source)): (s.line, s.source) for s in raw.series}.values():
        found = np.unique(source if (source != source[:1]).any() else source[:1]).tolist()
        for one in found:
            lines.setdefault(one, []).append(line[source == one] if len(found) > 1 else line)
    return {one: _distinct(columns) for one, columns in lines.items()}


def _distinct(columns: list[Ints]) -> int:
    seen = np.zeros(1 + max(int(column.max()) for column in columns), np.bool_)
    for column in columns:
        seen[column] = True
    return int(np.count_nonzero(seen))


def _finding(source: Source, unread: int, read: int, share: float) -> Finding:
    name = PurePath(source.path).name or source.path
    return Finding(
        CODE,
        NAME,
        "warn",
        (),
        f"{unread} of {unread + read} lines that look like metrics were not understood "
        f"({unread / (unread + read):.1%}) in {name}, read as {source.format}".replace("%", " %"),
        REMEDY,
        evidence=tuple(Evidence(source.path, e.line, e.text) for e in source.unread_examples[:4]),
        how=f"share of lines above {share:.0%}",
    )


RULE = Rule(CODE, NAME, "warn", check)
