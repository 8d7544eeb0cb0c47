"""JSON lines of OpenMMLab: `*.log.json` of mmcv (with `mode`) and `scalars.json` of mmengine (without)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import rows as json_rows
from trainvitals.parsers.model import Floats, Parsed, Series

NAME = "mmcv_json"
SAMPLE = b"""\
{"mode": "train", "epoch": 1, "iter": 10, "lr": 0.01, "memory": 5700, "decode.loss_ce": 0.96966, \
"decode.acc_seg": 73.86, "loss": 1.50095, "time": 0.66335}
{"mode": "val", "epoch": 1, "iter": 64, "lr": 0.0001, "aAcc": 0.9926, "mIoU": 0.9537, "IoU.error": 0.9919}
"""

_LOADER_LENGTH, _EITHER = "iter", "step"
_STEPS = (_LOADER_LENGTH,)


def sniff(file: LogFile) -> float:
    """Sure by `mode` beside the counters; mmengine by `iter` and `step` in one row."""
    rows = json_rows.sample_rows(file)
    if any(row.get("mode") in ("train", "val") and "epoch" in row and _LOADER_LENGTH in row for row in rows):
        return 0.9
    return 0.85 if any(_LOADER_LENGTH in row and _EITHER in row for row in rows) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All rows, with validation placed at the training step before it.

    `iter` of a validation row is the length of the validation loader, and `step` of an mmengine validation row the
    epoch (or the iteration, where the loop counts iterations). Where `iter` starts again in each epoch, the largest
    one seen stands for the length of an epoch.
    """
    return (_placed(json_rows.read(file, NAME, steps=_STEPS)),)


def _placed(parsed: Parsed) -> Parsed:
    counters = [s for s in parsed.series if s.logged_as == _EITHER]
    series = [part for s in parsed.series if s.logged_as != _EITHER for part in _by_row_kind(s)]
    track = _training_steps([s for s in series if s.split != "eval"])
    length = _epoch_length(track)
    problems = parsed.source.problems
    if length:
        problems += (f"iterations start again in each epoch; steps are counted with {length:.0f} iterations an epoch",)
        series = [s if s.split == "eval" else replace(s, step=(s.epoch - 1) * length + s.step) for s in series]
        track[:, 1] += (track[:, 2] - 1) * length
    placed = tuple(_place(s, track, counters) if s.split == "eval" else s for s in series)
    source = replace(parsed.source, points=sum(map(len, placed)), problems=problems)
    return replace(parsed, source=source, series=placed)


def _by_row_kind(series: Series) -> Iterator[Series]:
    """Rows that do not count iterations are validation; mmengine does not say so otherwise."""
    validation = np.isnan(series.step)
    if series.split or not validation.any():
        yield series
        return
    yield replace(series.take(validation), split="eval")
    if not validation.all():
        yield series.take(~validation)


def _training_steps(series: list[Series]) -> Floats:
    """(line, step, epoch) of every training row, shape `(n, 3)`, by line."""
    rows = [np.stack([s.line, s.step, s.epoch], axis=1) for s in series]
    return np.unique(np.concatenate(rows), axis=0) if rows else np.empty((0, 3))


def _epoch_length(track: Floats) -> float:
    """Iterations of an epoch if their count starts again in each, as far as the log shows; else 0."""
    restarts = (np.diff(track[:, 1]) <= 0) & (np.diff(track[:, 2]) > 0)
    return float(track[:, 1].max()) if restarts.any() else 0.0


def _place(series: Series, track: Floats, counters: list[Series]) -> Series:
    """A validation series at the step that its rows count, else at that of the training row before it."""
    before = np.searchsorted(track[:, 0], series.line) - 1
    last_step = np.where(before >= 0, track[before, 1], np.nan) if len(track) else np.full(len(series), np.nan)
    counted = {line: value for s in counters for line, value in zip(s.line.tolist(), s.value.tolist(), strict=True)}
    count = np.array([counted.get(line, np.nan) for line in series.line.tolist()])
    epochs = track[np.isfinite(track[:, 2]), 2]
    if epochs.size and not (count > epochs.max()).any():
        return replace(series, step=last_step, epoch=np.where(np.isnan(series.epoch), count, series.epoch))
    return replace(series, step=np.where(np.isnan(count), last_step, count))


FORMAT = Format(
    NAME,
    "mmcv, mmengine: *.log.json, scalars.json",
    SAMPLE,
    sniff,
    read,
    precision=5,
    origin="public *.log.json of mmsegmentation, quoted in part",
    reads="step, epoch, mode",
    follow=json_rows.follow(NAME, _STEPS, _placed),
)
