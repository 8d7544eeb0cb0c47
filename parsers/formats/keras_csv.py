"""Keras: the table of its CSVLogger, and `History.history` saved by pandas, which has no epoch column."""

from __future__ import annotations

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.tables.columns import follow_plain, read_plain
from trainvitals.parsers.tables.rows import UNNAMED, look

SAMPLE = b"""\
epoch;loss;mae;val_loss;val_mae
0;1.264237880706787;0.8985368609428406;1.086405873298645;0.8815032243728638
1;1.136616826057434;0.8513582348823547;0.9780133366584778;0.841350257396698
"""


def _sniff(log: LogFile) -> float:
    seen = look(log)
    if seen is None:
        return 0.0
    first, rest = seen.names[0], seen.raw_names[1:]
    if first == "epoch":  # CSVLogger writes the metrics in alphabetical order
        return 0.75 if "loss" in rest and list(rest) == sorted(rest) and "step" not in rest else 0.0
    metrics = {name for name in seen.names if name not in UNNAMED and name not in ("lr", "learning_rate")}
    paired = {f"val_{name}" for name in metrics if not name.startswith("val_")}
    return 0.75 if seen.index is None and "loss" in metrics and paired <= metrics else 0.0


FORMAT = Format(
    name="keras_csv",
    title="Keras CSVLogger, or a saved History",
    sample=SAMPLE,
    sniff=_sniff,
    read=read_plain,
    precision=16,
    origin="made with keras 3.15.1",
    reads="epoch",
    follow=follow_plain(),
)
