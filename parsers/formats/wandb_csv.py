"""Weights & Biases: a chart exported as CSV, with columns `<run> - <metric>` for one run or for several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.model import Floats, Parsed
from trainvitals.parsers.tables.columns import Table, When, follow, index_column, read_table, series, when_of
from trainvitals.parsers.tables.rows import EPOCH_NAMES, STEP_NAMES, TIME_NAMES, Look, look, plain

BETWEEN = " - "
BOUNDS = ("__MIN", "__MAX")
"""What stands at the end of the two columns that bound the one before them; they are no metrics of their own."""

TIMES = ("relative_time_(wall)", "relative_time_(process)", *TIME_NAMES)

SAMPLE = b"""\
"Step","17/04/2025_tp_group_0 - lm_loss","17/04/2025_tp_group_0 - lm_loss__MIN","17/04/2025_tp_group_0 - lm_loss__MAX"
"4","12.171820640563965","12.171820640563965","12.171820640563965"
"52","9.457798957824707","9.457798957824707","9.457798957824707"
"""


def _sniff(log: LogFile) -> float:
    head = log.head.partition(b"\n")[0]
    seen = look(log) if BETWEEN.encode() in head else None
    return _score(seen) if seen else 0.0


def _score(seen: Look) -> float:
    metrics = seen.raw_names[1:]
    if not all(BETWEEN in name for name in metrics):
        return 0.0
    return 0.95 if any(name.endswith(BOUNDS) for name in metrics) else 0.8


def _read(log: LogFile) -> tuple[Parsed, ...]:
    return _runs(read_table(log, frozenset(TIMES)))


def _runs(table: Table) -> tuple[Parsed, ...]:
    when, used = when_of(table, TIMES)
    when = _along_the_axis(when, table)
    runs: dict[str, dict[str, str]] = {}
    for column in table.numbers:
        run, between, metric = column.rpartition(BETWEEN)
        if between and column not in used and not _bounds_another(column, table):
            runs.setdefault(run, {})[column] = metric
    several = len(runs) > 1
    parsed = [_run(table, when, metrics, run if several else "") for run, metrics in runs.items()]
    return tuple(parsed) or (Parsed(table.source),)


def _along_the_axis(when: When, table: Table) -> When:
    """Steps and epochs of a chart over `train/step` or another counter that the trainer has put into a section."""
    axis = next((column for column in table.numbers if BETWEEN not in column), "")
    counter = plain(axis).rpartition("/")[2]
    step = _either(when.step, table, axis if counter in STEP_NAMES else None)
    return replace(when, step=step, epoch=_either(when.epoch, table, axis if counter in EPOCH_NAMES else None))


def _bounds_another(column: str, table: Table) -> bool:
    return any(column.removesuffix(end) in table.numbers for end in BOUNDS if column.endswith(end))


def _run(table: Table, when: When, metrics: dict[str, str], name: str) -> Parsed:
    """One run; `<run> - _step` and `<run> - epoch` say when, where the axis of the chart does not."""
    own_step, own_epoch = (_column(metrics, wanted) for wanted in (STEP_NAMES, EPOCH_NAMES))
    when = replace(when, step=_either(when.step, table, own_step), epoch=_either(when.epoch, table, own_epoch))
    values = {column: metric for column, metric in metrics.items() if column not in (own_step, own_epoch)}
    return Parsed(table.source, series(table, values, when), name=name)


def _column(metrics: dict[str, str], wanted: tuple[str, ...]) -> str | None:
    return next((column for column, metric in metrics.items() if plain(metric) in wanted), None)


def _either(axis: Floats, table: Table, column: str | None) -> Floats:
    return index_column(table, column) if np.isnan(axis).all() else axis


FORMAT = Format(
    name="wandb_csv",
    title="Weights & Biases chart export (CSV)",
    sample=SAMPLE,
    sniff=_sniff,
    read=_read,
    precision=16,
    origin="gradio-app/trackio, examples/logs.csv",
    reads="step, names of several runs",
    follow=follow(frozenset(TIMES), _runs),
)
