"""From the files of a run to a `Run`: the surest format reads each file, and one bad file costs only itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from trainvitals.parsers import sidecars
from trainvitals.parsers.compression import is_packed, log_name
from trainvitals.parsers.discover import RunFiles, discover
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.feed import LineFeed
from trainvitals.parsers.files import PICKLES, SQLITE, LogFile, decode, is_text, log_file, open_log, open_regular, peek
from trainvitals.parsers.format import Format
from trainvitals.parsers.formats import ranked
from trainvitals.parsers.limits import MAX_FILE_BYTES, SNIFF_BYTES
from trainvitals.parsers.model import SPLIT_WORDS, ConfigValue, Parsed, Run, Series, Source, Split
from trainvitals.parsers.text.template import Template

_ZIP, _TAR, _TAR_AT = b"PK\3\4", b"ustar", 257
"""How archives begin; the mark of a tar file stands behind the name of its first member."""

BLANK = b" \t\r\n\0"

LARGE = 1 << 25
"""Bytes from which on a file of lines is read in pieces."""

PIECE = 1 << 21

Beside = tuple[Mapping[str, ConfigValue], tuple[Source, ...]]
"""Hyperparameters of the files beside the logs, and those of these files that cannot be read."""


def read(what: RunFiles | str | os.PathLike[str], *, patterns: Sequence[Template] = ()) -> Run:
    """Read one run.

    A file that cannot be read is among `Run.sources` with its `error`, beside those that could. `patterns` are the
    user's own, which go before all formats for the lines that they match.

    Raises:
        ReadError: a path that does not exist, or a folder that holds no log or several runs (use `discover` for those).
    """
    files = what if isinstance(what, RunFiles) else _only(os.fspath(what))
    parsed = [one for path in files.paths for one in read_file(path, patterns)]
    return assemble(files, parsed)


def read_all(files: RunFiles, *, patterns: Sequence[Template] = ()) -> tuple[Run, ...]:
    """All runs that the files hold: one, or one for each name where a file says that it holds several."""
    return assemble_all(files, [one for path in files.paths for one in read_file(path, patterns)])


def read_bytes(name: str, data: bytes, *, patterns: Sequence[Template] = ()) -> tuple[Run, ...]:
    """All runs in bytes that come from no file, as `read_all` does; `name` stands for their path."""
    try:
        parsed = read_log(log_file(name, data), patterns)
    except ReadError as error:
        parsed = (Parsed(Source(name, "", error=error.reason)),)
    return assemble_all(RunFiles(name, "", (name,)), list(parsed))


def assemble_all(files: RunFiles, parsed: list[Parsed], beside: Beside | None = None) -> tuple[Run, ...]:
    """One run from what the files gave, or one for each name where a file says that it holds several.

    `beside` is what stands in the hyperparameter files; they are read if it is not given.
    """
    names = list(dict.fromkeys(one.name for one in parsed))
    if len(names) < 2:
        return (assemble(files, parsed, beside),)
    return tuple(
        assemble(
            replace(files, name=f"{files.name}: {name}" if name else files.name),
            [p for p in parsed if p.name == name],
            beside,
        )
        for name in names
    )


def _only(path: str) -> RunFiles:
    runs = discover([path])
    if len(runs) != 1:
        raise ReadError(path, f"holds {len(runs)} runs" if runs else "holds no log that could be recognised")
    return runs[0]


def read_file(path: str, patterns: Sequence[Template] = ()) -> tuple[Parsed, ...]:
    """Read one file by the surest format that does not give up on it; what went wrong stands in the source."""
    try:
        return _in_pieces(path, patterns) or read_log(open_log(path), patterns)
    except ReadError as error:
        return (Parsed(Source(path, "", error=error.reason)),)


def _in_pieces(path: str, patterns: Sequence[Template]) -> tuple[Parsed, ...]:
    """A large file of lines, without holding it; nothing where it is not, or has to be seen whole."""
    with open_regular(path) as file:
        if not LARGE <= os.fstat(file.fileno()).st_size <= MAX_FILE_BYTES:
            return ()
        begin = file.read(SNIFF_BYTES)
    plain = is_text(begin) and not is_packed(begin) and decode(begin) is begin and bool(begin.strip(BLANK))
    # Without a line end in it, a sniff may want to see more.
    if not plain or b"\n" not in begin or log_name(path).lower().endswith(PICKLES):
        return ()
    best = next((candidate for _, candidate in ranked(peek(path), tuple(patterns))), None)
    feed = best.follow(path) if best and best.follow else None
    if best is None or not isinstance(feed, LineFeed):
        return ()
    with open_regular(path) as file, suppress(ReadError):
        rest = b""
        while piece := file.read(PIECE):
            data = rest + piece
            rest = data[feed.feed(data) :]
        return tuple(stamped(one, best, ()) for one in feed.close(rest))
    return ()


def read_log(file: LogFile, patterns: Sequence[Template] = ()) -> tuple[Parsed, ...]:
    """Read bytes that are already in memory, as `read_file` does.

    Raises:
        ReadError: no format can read it.
    """
    # Stripping copies: the whole file only where its head is blank.
    if not file.head.strip(BLANK) and not file.data.strip(BLANK):
        return (empty(file.path, nul=b"\0" in file.data),)
    if file.data.startswith(_ZIP) or file.data.startswith(_TAR, _TAR_AT):
        raise ReadError(file.path, "is an archive; unpack it and name the folder")
    refusals: list[str] = []
    for _, candidate in ranked(file, tuple(patterns)):
        try:
            return tuple(stamped(one, candidate, (*file.problems, *refusals)) for one in candidate.read(file))
        except ReadError as error:
            refusals.append(f"not read as {candidate.name}: {error.reason}")
    if file.data.startswith(SQLITE) and not refusals:
        raise ReadError(file.path, "is an SQLite database, but none of MLflow or Trackio")
    raise ReadError(file.path, refused(refusals))


def refused(refusals: Sequence[str]) -> str:
    """Why no format reads a file."""
    return "; ".join(refusals) or "is no log in a format that is known (it looks binary)"


def empty(path: str, *, nul: bool) -> Parsed:
    """What a file without anything in it gives; `nul` is whether it has NUL bytes."""
    what = "holds nothing but NUL bytes" if nul else "is empty"
    return Parsed(Source(path, "empty", problems=(f"the file {what}",)))


def stamped(one: Parsed, by: Format, problems: tuple[str, ...]) -> Parsed:
    """What a format read, with the name of the format and what went wrong before."""
    source = replace(
        one.source,
        format=one.source.format or by.name,
        version=by.version,
        precision=by.precision,
        points=sum(map(len, one.series)),
        problems=(*problems, *one.source.problems),
    )
    return replace(one, source=source)


def assemble(files: RunFiles, parsed: list[Parsed], beside: Beside | None = None) -> Run:
    """One run from what its files gave; series stay apart by file until names are normalised."""
    found, problems = beside or settings_beside(files)
    config = dict(found)
    summary: dict[str, ConfigValue] = {}
    for one in parsed:
        config.update({k: v for k, v in one.config.items() if k not in config})
        summary.update({k: v for k, v in one.summary.items() if k not in summary})
    return Run(
        name=files.name,
        sources=(*(one.source for one in parsed), *problems),
        series=tuple(s for i, one in enumerate(parsed) for s in _placed(one.series, i, _split_of(one, files))),
        config=config,
        summary=summary,
        notes=tuple(replace(note, source=i) for i, one in enumerate(parsed) for note in one.notes),
    )


def settings_beside(files: RunFiles) -> Beside:
    """The hyperparameters in the files beside the logs, and those of these files that cannot be read."""
    config: dict[str, ConfigValue] = {}
    problems: list[Source] = []
    for path in files.sidecars:
        try:
            found: Mapping[str, ConfigValue] = sidecars.read(open_log(path))
            config.update({k: v for k, v in found.items() if k not in config})
        except ReadError as error:
            problems.append(Source(path, "hyperparameters", error=error.reason if not error.line else str(error)))
    return config, tuple(problems)


def _placed(found: tuple[Series, ...], source: int, split: Split) -> Iterator[Series]:
    """The series of one file with the number of the file, and with this split where they name none."""
    # One number for all points: a view without memory of its own.
    numbers = np.broadcast_to(np.int64(source), (max(map(len, found), default=0),))
    for series in found:
        yield Series(
            series.metric,
            series.split or split,
            series.logged_as,
            series.value,
            series.step,
            series.epoch,
            series.time,
            series.line,
            numbers[: len(series)],
        )


def _split_of(one: Parsed, files: RunFiles) -> Split:
    """The split that a file is named after (`eval.jsonl`), or the folder of an event file (`validation/`)."""
    folder, name = os.path.split(one.source.path)
    named = SPLIT_WORDS.get(os.path.splitext(log_name(name))[0].lower(), "")
    # A log of training may hold `eval_loss` too, so that its name says nothing of all its rows.
    if named and named != "train":
        return named
    below = os.path.normpath(folder) != os.path.normpath(files.root)
    return SPLIT_WORDS.get(os.path.basename(folder).lower(), "") if below else ""
