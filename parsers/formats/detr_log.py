"""`log.txt` of DETR and the many repositories with its training loop (DeiT, MAE, DINO): one JSON object an epoch."""

from __future__ import annotations

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import rows as json_rows
from trainvitals.parsers.json_lines.row import STEP_KEYS
from trainvitals.parsers.model import Parsed

NAME = "detr_log"
SAMPLE = b"""\
{"train_lr": 9.99e-05, "train_class_error": 98.9, "train_loss": 43.395, "train_loss_ce": 1.505, \
"train_loss_bbox": 2.906, "train_loss_bbox_0": 3.054, "test_class_error": 97.1, "test_loss": 56.33, \
"test_coco_eval_bbox": [0.0, 0.001, 0.0], "epoch": 0, "n_parameters": 41302368}
"""


def sniff(file: LogFile) -> float:
    """Sure by the prefixes of both splits, or the learning rate among the means of an epoch; it counts no steps."""
    rows = [row for row in json_rows.sample_rows(file) if "train_loss" in row or "test_loss" in row]
    if not rows or any(key in row for row in rows for key in STEP_KEYS):
        return 0.0
    if any("train_lr" in row or "n_parameters" in row for row in rows):
        return 0.9
    return 0.6 if any("train_loss" in row and "test_loss" in row for row in rows) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """One row an epoch. The epoch stays NaN where the file has none, as in the official R50 log."""
    return (json_rows.read(file, NAME),)


FORMAT = Format(
    NAME,
    "DETR, DeiT, MAE: log.txt, one JSON object an epoch",
    SAMPLE,
    sniff,
    read,
    precision=16,
    origin="FarjadAhmed/detr_custom_dcmha, log of the same epoch as its console output",
    reads="epoch",
    follow=json_rows.follow(NAME),
)
