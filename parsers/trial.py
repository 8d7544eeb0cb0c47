"""How a file would be read, and what of it would not: for whoever wonders why a number is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import LogFile, is_text, log_file, open_log
from trainvitals.parsers.formats import FORMATS
from trainvitals.parsers.model import Parsed, Series, Source
from trainvitals.parsers.reading import read_log
from trainvitals.parsers.text.template import Template

MAX_EXAMPLES = 6
"""Rows that are shown: one of each kind, by the metrics that it has."""
_LOOKED_AT = 1000
"""Points of each series among which they are looked for."""
_MAX_TEXT = 300


@dataclass(frozen=True, slots=True)
class Taken:
    """A line (or record) with what is taken from it: names, step and epoch among them, and numbers."""

    line: int
    text: str
    values: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One file: the formats that know it, surest first, how the chosen one reads it, and examples.

    `source` is that of the whole file; `columns` are the metrics with their splits and numbers of points, and
    `rows_read` counts the lines that gave a value.
    """

    source: Source
    sure: tuple[tuple[str, float], ...] = ()
    columns: tuple[tuple[str, str, int], ...] = ()
    rows_read: int = 0
    taken: tuple[Taken, ...] = ()


def try_log(path: str, data: bytes | None = None, patterns: tuple[Template, ...] = ()) -> Trial:
    """Read a file, or bytes that come from none, as `read_file` does, and say how it went.

    A file that cannot be read has its `error` in the source.
    """
    file = None
    try:
        file = open_log(path) if data is None else log_file(path, data)
        parsed = read_log(file, patterns)
    except ReadError as error:
        return Trial(Source(path, "", error=error.reason), _sure(file) if file else ())
    series = [one for run in parsed for one in run.series]
    lines = {line for one in series for line in one.line.tolist()}
    columns = tuple((one.logged_as, one.split, len(one)) for one in series)
    return Trial(_whole(parsed), _sure(file), columns, len(lines), tuple(_taken(file, series)))


def _whole(parsed: tuple[Parsed, ...]) -> Source:
    return replace(parsed[0].source, points=sum(one.source.points for one in parsed))


def _sure(file: LogFile) -> tuple[tuple[str, float], ...]:
    scores = sorted(((one.sniff(file), one.name) for one in FORMATS), key=lambda scored: -scored[0])
    return tuple((name, score) for score, name in scores if score > 0)


def _taken(file: LogFile, series: list[Series]) -> list[Taken]:
    """The first row of each kind."""
    rows: dict[int, dict[str, float]] = {}
    for one in series:
        label = f"{one.logged_as} [{one.split}]" if one.split else one.logged_as
        for i in range(min(len(one), _LOOKED_AT)):
            values = rows.setdefault(int(one.line[i]), {})
            values |= {name: float(at[i]) for name, at in (("step", one.step), ("epoch", one.epoch)) if at[i] == at[i]}
            values[label] = float(one.value[i])
    kinds: dict[tuple[str, ...], int] = {}
    for line in sorted(rows):
        kinds.setdefault(tuple(rows[line]), line)
    chosen = sorted(kinds.values())[:MAX_EXAMPLES]
    texts = _texts(file, chosen)
    return [Taken(line, texts.get(line, ""), tuple(rows[line].items())) for line in chosen]


def _texts(file: LogFile, lines: list[int]) -> dict[int, str]:
    """The text of these lines; none of a file that has none."""
    if not lines or not is_text(file.head):
        return {}
    wanted = set(lines)
    found = islice(file.lines(), max(lines))
    return {n: raw.decode("utf-8", "replace").strip()[:_MAX_TEXT] for n, raw in found if n in wanted}
