"""Keras: the table of its CSVLogger, and `History.history` saved by pandas, which has no epoch column."""

from __future__ import annotations

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.tables.columns import read_plain
from trainvitals.parsers.tables.rows import UNNAMED, look

SAMPLE = b"""\
epoch;loss;mean_squared_error;val_loss;val_mean_squared_error
0;0.8215;0.8215;0.6104;0.6104
1;0.5377;0.5377;0.4893;0.4893
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
)
