"""One of the runs in a store that holds many, while its rows are collected."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from trainvitals.parsers.columns import Columns
from trainvitals.parsers.limits import MAX_METRICS
from trainvitals.parsers.model import ConfigValue, Parsed, Source


@dataclass(slots=True)
class StoredRun:
    """What was found of a run so far; `unread` counts rows that hold no number where one belongs."""

    name: str
    rows: Columns = field(default_factory=Columns)
    config: dict[str, ConfigValue] = field(default_factory=dict)
    unread: int = 0


def told_apart(name: object, identity: object, taken: set[str]) -> str:
    """The name of a run, with the beginning of its identifier if another has it already; it is `taken` from then on."""
    found = str(name) if str(name) not in taken else f"{name} ({str(identity)[:8]})"
    taken.add(found)
    return found


def parsed_runs(runs: Iterable[StoredRun], path: str, form: str, problems: tuple[str, ...]) -> tuple[Parsed, ...]:
    """All runs that have rows, each under its own name; a word of explanation if none has."""
    kept = [run for run in runs if len(run.rows) or run.unread]
    if not kept:
        return (Parsed(Source(path, form, problems=(*problems, "no run in it has metrics"))),)
    return tuple(_parsed(run, path, form, problems) for run in kept)


def _parsed(run: StoredRun, path: str, form: str, problems: tuple[str, ...]) -> Parsed:
    dropped = run.rows.dropped_metrics
    if dropped:
        problems += (f"{dropped} values of further metrics left out; the limit is {MAX_METRICS} metrics",)
    source = Source(path, form, lines=len(run.rows) + run.unread, unread_lines=run.unread, problems=problems)
    return Parsed(source, run.rows.series(), run.config, name=run.name)
