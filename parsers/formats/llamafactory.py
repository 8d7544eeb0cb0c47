"""`trainer_log.jsonl` of LLaMA-Factory and its ancestors."""

from __future__ import annotations

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.format import Format
from trainvitals.parsers.json_lines import rows as json_rows
from trainvitals.parsers.model import Parsed

NAME = "llamafactory"
SAMPLE = b"""\
{"current_steps": 1, "total_steps": 84, "loss": 0.8545, "lr": 0.0, "epoch": 0.0369, "percentage": 1.19, \
"elapsed_time": "0:00:02", "remaining_time": "0:03:41"}
{"current_steps": 10, "total_steps": 84, "eval_loss": 0.5219037532806396, "epoch": 0.3687, "percentage": 11.9, \
"elapsed_time": "0:00:30", "remaining_time": "1 day, 0:08:23"}
{"current_steps": 10, "total_steps": 23800, "loss": 3.9862, "reward": null, "learning_rate": 4.99e-05, "epoch": 0.02}
"""


def sniff(file: LogFile) -> float:
    """Sure by its two counters."""
    rows = json_rows.sample_rows(file)
    return 0.95 if any("current_steps" in row and "total_steps" in row for row in rows) else 0.0


def read(file: LogFile) -> tuple[Parsed, ...]:
    """All rows; `total_steps` is the plan, and rows of the prediction stage hold no metric."""
    return (json_rows.read(file, NAME),)


FORMAT = Format(
    NAME,
    "LLaMA-Factory: trainer_log.jsonl",
    SAMPLE,
    sniff,
    read,
    precision=4,
    origin="public trainer_log.jsonl files, quoted in part; one of 112292454/ChatGLM-Efficient-Tuning-main is tested",
    reads="step, epoch, time",
    follow=json_rows.follow(NAME),
)
