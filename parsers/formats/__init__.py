"""All formats, and the choice among them: the surest one reads the file."""

from __future__ import annotations

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.formats import (
    aim_csv,
    allennlp_metrics,
    chainer_log,
    console,
    csv_table,
    detectron2_metrics,
    detr_log,
    jsonl,
    keras_csv,
    lightning_csv,
    llamafactory,
    mlflow_db,
    mlflow_files,
    mmcv_json,
    model_card,
    ms_swift,
    tensorboard,
    trackio_db,
    trackio_parquet,
    trainer_state,
    wandb_csv,
    wandb_run,
    wandb_summary,
    yolo_csv,
)
from trainvitals.parsers.text.template import Template

FORMATS: tuple[Format, ...] = (
    tensorboard.FORMAT,
    wandb_run.FORMAT,
    mlflow_db.FORMAT,
    mlflow_files.FORMAT,
    trackio_db.FORMAT,
    trackio_parquet.FORMAT,
    trainer_state.FORMAT,
    ms_swift.FORMAT,
    llamafactory.FORMAT,
    detr_log.FORMAT,
    detectron2_metrics.FORMAT,
    mmcv_json.FORMAT,
    chainer_log.FORMAT,
    allennlp_metrics.FORMAT,
    wandb_summary.FORMAT,
    model_card.FORMAT,
    jsonl.FORMAT,
    aim_csv.FORMAT,
    lightning_csv.FORMAT,
    keras_csv.FORMAT,
    yolo_csv.FORMAT,
    wandb_csv.FORMAT,
    csv_table.FORMAT,
    *console.FORMATS,
)
"""Specific before general: of two equally sure formats the first one wins."""

UNSURE = 0.05
"""At or below this a format would read the file but has seen nothing that speaks for it."""


SURE = 0.9
"""From here on a format has seen what no other one writes. Looking for metrics in free text costs more than reading
most structured files, and comes last."""


def ranked(file: LogFile, patterns: tuple[Template, ...] = ()) -> list[tuple[float, Format]]:
    """The formats that could read a file, surest first; the search ends at one that has no doubt.

    Where a line of the file is of one of the user's `patterns`, it is read as text by them.
    """
    scores: list[tuple[float, Format]] = []
    for candidate in FORMATS:
        if candidate.last and any(score > UNSURE for score, _ in scores):
            continue
        scores.append((candidate.sniff(file), candidate))
        if scores[-1][0] >= SURE:
            break
    found = sorted(((s, f) for s, f in scores if s > 0), key=lambda scored: -scored[0])
    if not patterns:
        return found
    if console.matches(file, patterns):
        found.insert(0, (1.0, console.BY_PATTERN))
    return [(score, console.with_patterns(known, patterns)) for score, known in found]


def detect(file: LogFile) -> Format | None:
    """The format of a file; None where no format would read it."""
    best = ranked(file)
    return best[0][1] if best else None
