"""One run in one line, as an overview shows it."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass

import numpy as np

from trainvitals.diagnostics.pace import THROUGHPUT
from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.report import Report, SeriesSummary, Table, Verdict
from trainvitals.diagnostics.statistics import median
from trainvitals.diagnostics.watching.watcher import says_finished
from trainvitals.parsers.model import Run

MOST_SHOWN = 120
"""Characters of a setting that are kept to filter by."""

RECENT = 50
"""Points from which the present pace is taken."""


@dataclass(frozen=True, slots=True)
class Row:
    """What an overview says about a run; a number is None where the run does not have it.

    Attributes:
        finding: the worst finding in words, or why there is none; `code` is empty then.
        since: step (epoch, row) from which the finding speaks, counted in `unit`.
        spark: a few values of the training loss.
        best: the lowest held-out loss.
        band: what the status table says of the last ratio.
        pace: the present throughput, in `pace_unit`.
        modified: when a file of the run last changed, seconds since 1970.
        finished: the run has come to its planned end.
        settings: its hyperparameters as text.
    """

    name: str
    verdict: Verdict
    code: str
    finding: str
    since: float | None
    unit: str
    loss_type: str
    steps: float | None
    loss: float | None
    spark: tuple[float, ...]
    best: float | None
    ratio: float | None
    band: str
    pace: float | None
    pace_unit: str
    modified: float
    finished: bool
    settings: tuple[tuple[str, str], ...]


def row_of(report: Report, run: Run, modified: float) -> Row:
    """The line of a judged run; of `run` only the time stamps are looked at, so it may be as logged."""
    loss, held_out = _loss(report, "train"), _loss(report, "eval") or _loss(report, "test")
    ratio, band = _ratio(report)
    pace, unit = _pace(report, run)
    worst = next((f for f in words.ranked(report.findings) if f.severity != "info"), None)
    return Row(
        name=report.run,
        verdict=report.verdict,
        code=worst.code if worst else "",
        finding=words.headline(report),
        since=_known(worst.step_start) if worst else None,
        unit=report.step_unit,
        loss_type=report.loss_type,
        steps=_known(max((s.last_step for s in report.series if math.isfinite(s.last_step)), default=math.nan)),
        loss=loss.last if loss else None,
        spark=loss.spark if loss else (),
        best=_known(held_out.minimum) if held_out else None,
        ratio=ratio,
        band=band,
        pace=pace,
        pace_unit=unit,
        modified=modified,
        finished=says_finished(run),
        settings=tuple((sys.intern(s.name), sys.intern(s.value[:MOST_SHOWN])) for s in report.settings),
    )


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _loss(report: Report, split: str) -> SeriesSummary | None:
    """The loss of a split, or the first of its parts where only those are logged."""
    losses = [s for s in report.series if s.split == split and "loss" in s.metric]
    return next((s for s in losses if s.metric == "loss"), losses[0] if losses else None)


def _ratio(report: Report) -> tuple[float | None, str]:
    """The last ratio, and the word for its band, of the first status table that has them."""
    table = next((t for t in report.tables if t.rows and {"ratio", "status"} <= set(t.columns)), None)
    if table is None:
        return None, ""
    try:
        return float(str(_last(table, "ratio"))), str(_last(table, "status"))
    except ValueError:
        return None, ""


def _last(table: Table, column: str) -> object:
    return table.rows[-1][table.columns.index(column)]


def _pace(report: Report, run: Run) -> tuple[float | None, str]:
    """The present throughput as logged, else by the step times, else by the time stamps."""
    found = {s.metric: s for s in report.series if s.split == "train" and s.last > 0}
    for name in THROUGHPUT:
        if name in found:
            return found[name].last, name.removesuffix("_per_second") + "/s"
    if "step_time" in found:
        return 1 / found["step_time"].last, "steps/s"
    return _by_stamps(run), "steps/s"


def _by_stamps(run: Run) -> float | None:
    """Steps for each second between the last points of the longest series that has both."""
    stamped = [s for s in run.series if s.split in ("train", "") and len(s) and math.isfinite(s.time[-1])]
    series = max(stamped, key=len, default=None)
    if series is None:
        return None
    passed, steps = np.diff(series.time[-RECENT:]), np.diff(series.step[-RECENT:])
    good = (passed > 0) & (steps > 0)
    return median(steps[good] / passed[good]) if good.any() else None
