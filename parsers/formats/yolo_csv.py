"""YOLO's `results.csv`: a row for each epoch, padded by version 5, with a running clock since version 8."""

from __future__ import annotations

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.model import Parsed
from trainvitals.parsers.tables.columns import follow_plain, read_plain
from trainvitals.parsers.tables.rows import TIME_NAMES, look

SAMPLE = b"""\
               epoch,      train/box_loss,      train/obj_loss,metrics/mAP_0.5:0.95,        val/box_loss
                   2,             0.11732,            0.042031,                   0,                   0
                   3,             0.10871,            0.040182,               0.001,             0.09417
"""


_TIMES = ("time", *TIME_NAMES)
"""`time` counts seconds since the start."""


def _sniff(log: LogFile) -> float:
    seen = look(log)
    if seen is None or seen.names[0] != "epoch":
        return 0.0
    groups = {name.partition("/")[0] for name in seen.names if "/" in name}
    if {"lr/pg0", "x/lr0"} & set(seen.names):
        return 0.95
    return 0.9 if {"train", "val", "metrics"} <= groups else 0.0


def _read(log: LogFile) -> tuple[Parsed, ...]:
    return read_plain(log, _TIMES)


FORMAT = Format(
    name="yolo_csv",
    title="YOLO v5 and later (results.csv)",
    sample=SAMPLE,
    sniff=_sniff,
    read=_read,
    precision=5,
    origin="a public results.csv of YOLOv5, quoted in part",
    reads="epoch, time",
    follow=follow_plain(_TIMES),
)
