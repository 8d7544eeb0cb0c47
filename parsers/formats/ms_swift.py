"""`logging.jsonl` of ms-swift: a JSON object for each logging step, and a last object about the whole run."""

from __future__ import annotations

import re
from dataclasses import replace

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import rows as json_rows
from trainvitals.parsers.model import ConfigValue, Parsed
from trainvitals.parsers.numbers import fraction
from trainvitals.parsers.patterns import pattern

NAME = "ms_swift"
SAMPLE = b"""\
{"loss": 20.53074074, "grad_norm": 52.22467041, "learning_rate": 0.0001, "token_acc": 0.0, "epoch": 0.00228768, \
"global_step/max_steps": "1/438", "percentage": "0.23%", "elapsed_time": "6s", "remaining_time": "46m 13s", \
"memory(GiB)": 15.97, "train_speed(iter/s)": 0.157}
{"eval_loss": 0.15809415, "eval_runtime": 148.4461, "eval_samples_per_second": 13.379, "eval_token_acc": 0.9284995, \
"epoch": 0.22876752, "global_step/max_steps": "100/438", "percentage": "22.83%", "elapsed_time": "8m 24s"}
{"train_runtime": 2959.8245, "train_samples_per_second": 2.363, "total_flos": 9.157509569779507e+16, \
"train_loss": 0.28420261, "epoch": 1.0, "global_step/max_steps": "438/438"}
"""

# Versions up to 2.2 had `global_step` instead; Megatron-SWIFT writes `iteration` as "3/100".
_OLD_STEP, _OLD_SPEED = "global_step", "train_speed(iter/s)"
_LAST_OBJECT = frozenset({"model_parameter_info", "last_model_checkpoint"})
_SIZE = pattern(r"\bsize=(\d+)", re.ASCII)


def sniff(file: LogFile) -> float:
    """Sure by the step written as "1/438", and by the last object, which stands alone where a run died at once."""
    rows = json_rows.sample_rows(file)
    if any("global_step/max_steps" in row or row.keys() >= _LAST_OBJECT for row in rows):
        return 0.95
    if any(isinstance(row.get("iteration"), str) and fraction(row["iteration"]) for row in rows):
        return 0.9
    return 0.8 if any(_OLD_STEP in row and _OLD_SPEED in row for row in rows) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All rows; what the last object says goes to the summary, with the sizes of the data sets as numbers."""
    return (_with_sizes(json_rows.read(file, NAME)),)


def _with_sizes(parsed: Parsed) -> Parsed:
    sizes: dict[str, ConfigValue] = {}
    for data in ("train_dataset", "val_dataset"):
        described = parsed.summary.get(data)
        size = _SIZE.search(str(described.value)) if described else None
        if described and size:
            sizes[f"{data}_size"] = replace(described, value=int(size[1]))
    return replace(parsed, summary={**parsed.summary, **sizes})


FORMAT = Format(
    NAME,
    "ms-swift: logging.jsonl",
    SAMPLE,
    sniff,
    read,
    precision=8,
    origin="a public logging.jsonl of ms-swift, quoted in part; real ones of zhl-2022/x-algorithm are tested",
    reads="step, epoch, time, the summary of the run, sizes of the data sets",
    follow=json_rows.follow(NAME, finish=_with_sizes),
)
