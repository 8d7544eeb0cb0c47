"""Any table with a step or epoch column: wide (a column for each metric), or long (a metric and a value a row)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from trainvitals.parsers.columns import NAN, visible_name
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.limits import MAX_METRICS
from trainvitals.parsers.model import SPLIT_WORDS, Bools, Floats, Ints, Parsed, Series, Split
from trainvitals.parsers.tables.columns import Table, When, follow, metrics_of, read_table, series, when_of
from trainvitals.parsers.tables.rows import TIME_NAMES, first_of, look

SPLIT_NAMES = ("split", "phase", "mode", "subset", "stage", "set")
METRIC_NAMES = ("metric", "metric_name", "tag", "key", "variable")
RUN_NAMES = ("run", "run_name", "run_id", "experiment", "seed", "fold")
MAX_RUNS = 1000
"""Runs of one table; a column with more names than this tells something else apart."""

SPLITS: dict[str, Split] = {**SPLIT_WORDS, "": ""}

SAMPLE = b"""\
epoch,train_loss,eval_loss,eval_top1,eval_top5,lr
0,1.5266704335171952,0.633612437915802,78.36,99.28,0.05
1,1.2209299079373352,0.5740737833976746,81.39,99.24,0.04522542485937369
"""


_WORDS = frozenset((*TIME_NAMES, *SPLIT_NAMES, *METRIC_NAMES, *RUN_NAMES))


def _sniff(log: LogFile) -> float:
    seen = look(log)
    if seen is None:
        return 0.0
    return 0.6 if seen.index else 0.5


def _read(log: LogFile) -> tuple[Parsed, ...]:
    return _runs(read_table(log, _WORDS))


def _runs(table: Table) -> tuple[Parsed, ...]:
    when, used = when_of(table)
    every = np.ones(len(table.line), np.bool_)
    names, of_run = _groups(table, RUN_NAMES)
    if not 1 < len(names) <= MAX_RUNS:
        return (Parsed(table.source, tuple(_series(table, when, used, every))),)
    masks = ((name, of_run == code) for code, name in enumerate(names))
    return tuple(Parsed(table.source, tuple(_series(table, when, used, mask)), name=name) for name, mask in masks)


def _series(table: Table, when: When, used: frozenset[str], run: Bools) -> Iterator[Series]:
    """The series of one run, whose rows are `run`."""
    step = when.step.copy()
    step[run] = whole_run(step[run], when.epoch[run])
    when = replace(when, step=step)
    metrics = metrics_of(table, used)
    value = first_of(("value",), tuple(table.numbers))
    names, of_metric = _groups(table, METRIC_NAMES)
    for split, rows in _splits(table, run):
        if not names or value is None:
            yield from series(table, metrics, when, rows, split)
            continue
        for code, name in enumerate(names[:MAX_METRICS]):
            yield from series(table, {value: name}, when, rows & (of_metric == code), split)


def _splits(table: Table, run: Bools) -> Iterator[tuple[Split, Bools]]:
    """(split, rows): from a column whose every cell names a split, else all rows and a split to be told by names."""
    names, of_split = _groups(table, SPLIT_NAMES)
    splits = [SPLITS.get(name.lower()) for name in names]
    if not splits or None in splits:
        yield "", run
        return
    of_row = np.array(splits, dtype=object)[of_split]
    for split in dict.fromkeys(splits):
        yield split or "", run & (of_row == split)


def _groups(table: Table, wanted: tuple[str, ...]) -> tuple[tuple[str, ...], Ints]:
    """The distinct cells of the first of these columns in order of appearance, and for each row which it has."""
    column = first_of(wanted, tuple(table.words))
    cells = table.words[column] if column else ()
    code: dict[str, int] = {}
    of_row = np.array([code.setdefault(cell.strip(), len(code)) for cell in cells], np.int64)
    return tuple(visible_name(name) if name else "" for name in code), of_row


def whole_run(step: Floats, epoch: Floats) -> Floats:
    """The steps, unless they count within each epoch and start again with the next: then they are unknown.

    A resumed run starts again too, but at an earlier epoch.
    """
    known = ~(np.isnan(step) | np.isnan(epoch))
    back = np.diff(step[known]) < 0
    next_epoch = np.diff(epoch[known]) > 0
    if back.any() and (back == next_epoch).all():
        return np.full(step.shape, NAN)
    return step


FORMAT = Format(
    name="csv_table",
    title="any table with a step or epoch column (CSV, TSV)",
    sample=SAMPLE,
    sniff=_sniff,
    read=_read,
    precision=6,
    origin="summary.csv of timm, quoted in a public README",
    reads="step, epoch, time, split, names of several runs",
    follow=follow(_WORDS, _runs),
)
