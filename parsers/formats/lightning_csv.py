"""PyTorch Lightning's CSVLogger: `metrics.csv` with one row for each call that logged, so most cells are empty."""

from __future__ import annotations

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.tables.columns import follow_plain, read_plain
from trainvitals.parsers.tables.rows import look

SAMPLE = b"""\
epoch,epoch_time,step,train_epoch_perplexity,train_loss_epoch,train_loss_step,val_loss\r
0,,49,,,7.628580570220947,\r
9,,140739,,,,3.570486068725586\r
9,2419.6,140739,39.93,3.687237024307251,,\r
"""


def _sniff(log: LogFile) -> float:
    seen = look(log)
    if seen is None or not {"epoch", "step"} <= set(seen.raw_names):
        return 0.0
    suffixed = any(name.endswith(("_step", "_epoch")) for name in seen.raw_names)
    sparse = any(not cell for row in seen.rows for cell in row)
    ordered = list(seen.raw_names) == sorted(seen.raw_names)
    return 0.7 + 0.1 * (suffixed + sparse + ordered - 1) if suffixed or sparse or ordered else 0.0


FORMAT = Format(
    name="lightning_csv",
    title="PyTorch Lightning CSVLogger (metrics.csv)",
    sample=SAMPLE,
    sniff=_sniff,
    read=read_plain,
    precision=16,
    origin="a public metrics.csv, quoted in part; one of LiuTaowen-Tony/xKV is tested",
    reads="step, epoch",
    follow=follow_plain(),
)
