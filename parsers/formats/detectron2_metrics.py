"""`metrics.json` of detectron2: JSON lines with differing keys, by iteration."""

from __future__ import annotations

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import rows as json_rows
from trainvitals.parsers.model import Parsed

NAME = "detectron2_metrics"
SAMPLE = b"""\
{"data_time": 0.0079, "eta_seconds": 66656.4, "fast_rcnn/cls_accuracy": 0.998, "iteration": 19, \
"loss_box_reg": 0.0018, "loss_cls": 0.396, "lr": 0.00039962, "time": 0.367, "total_loss": 2.262}
{"bbox/AP": 37.2, "bbox/AP50": 58.1, "iteration": 4999}
"""


def sniff(file: LogFile) -> float:
    """Sure by `iteration` beside what its event storage always writes."""
    rows = [row for row in json_rows.sample_rows(file) if isinstance(row.get("iteration"), int)]
    return 0.9 if any("eta_seconds" in row or "data_time" in row for row in rows) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All rows; a file in which the iteration starts again holds two attempts of one run."""
    return (json_rows.read(file, NAME),)


FORMAT = Format(
    NAME,
    "detectron2: metrics.json",
    SAMPLE,
    sniff,
    read,
    precision=16,
    origin="a public metrics.json, quoted in part; one of Kevindic0214/detectron2_training is tested",
    reads="step",
    follow=json_rows.follow(NAME),
)
