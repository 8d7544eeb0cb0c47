"""The events of MLPerf that carry a result, in the notations of its rounds, and the rows of its SSD.

    :::MLL 1561493231.130 eval_accuracy: {"value": "20.80083340406418", "metadata": {"epoch_num": 1, "lineno": 211}}
    :::MLLOG {"namespace": "", "time_ms": 1571, "key": "eval_accuracy", "value": 0.79, "metadata": {"epoch_num": 4}}
    MLPerf: resnet [06/13/19 00:34:45], eval_accuracy: {"value": 35.11800%, "epoch": 11}
    Iteration:    340, Loss function: 7.306, Average Loss: 2.896, avg. samples / sec: 4340.99

Numbers may stand in quotes or have a sign of per cent, so that the braces hold no JSON. All ranks may tell the same
event: the first is kept. An event that names no step is at that of the last training row. The `Average Loss` of SSD is
a mean that warms up from 0, and is left out.
"""

from __future__ import annotations

import math
import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row

_EVENT = pattern(r":::ML(?:LOG|L|Pv[\d.]+) |MLPerf: ", re.ASCII)
_KEY = pattern(r'"key": "(\w+)"|(?:\A|[\s,])(\w++): \{', re.ASCII)
_VALUE = pattern(rf'"value": ("?)({NUMBER})%?\1(?=[,}}])', re.ASCII | re.IGNORECASE)
_STATS = pattern(r'"value": \{([^{}]{0,2000})\}')
_STAT = pattern(rf'"(\w+)": ({NUMBER})(?=,|\Z)', re.ASCII | re.IGNORECASE)
_PLACE = pattern(rf'"(epoch_num|epoch|step_num|step|iteration|samples_count)": ({NUMBER})', re.ASCII)
_RESULTS = frozenset({"eval_accuracy", "eval_loss", "eval_error", "train_loss"})
_MOST_EPOCHS = 100_000
"""Language models count samples in `epoch_num`."""
_NEAR_LINES = 1_000
"""Lines within which ranks tell the same event."""

_ITERATION = pattern(rf"Iteration: +(\d{{1,15}}), Loss function: +({NUMBER}), Average Loss: ", re.ASCII | re.IGNORECASE)
_HEAD_LENGTH = 500


def parse(text: str, context: Context) -> Row | None:
    """The row of an event with a result, or of a training line of SSD; other events are no rows."""
    iteration = _ITERATION.search(text, 0, _HEAD_LENGTH)
    if iteration:
        return Row({"Loss function": float(iteration[2])}, split="train", step=float(iteration[1]))
    event = _EVENT.search(text, 0, _HEAD_LENGTH)
    key = _KEY.search(text, event.end()) if event else None
    if key is None:
        return None
    name = key[1] or key[2]
    values = _values(name, text[key.start() :])
    return _row(name, values, text[key.start() :], context) if values else None


def _values(name: str, text: str) -> dict[str, float]:
    value = _VALUE.search(text) if name in _RESULTS else None
    if value:
        return {name: float(value[2])}
    stats = _STATS.search(text) if name == "tracked_stats" else None
    return {stat: float(number) for stat, number in _STAT.findall(stats[1])} if stats else {}


def _row(name: str, values: dict[str, float], text: str, context: Context) -> Row:
    place = {at: float(number) for at, number in _PLACE.findall(text)}
    epoch = place.get("epoch_num", place.get("epoch", NAN))
    samples = place.get("samples_count", epoch if epoch > _MOST_EPOCHS else NAN)
    steps = [place.get(at, NAN) for at in ("step_num", "step", "iteration")]
    known = [step for step in (*steps, context.step, samples) if not math.isnan(step)]
    step = known[0] if known else NAN
    if _told(name, epoch if epoch == epoch else step, context):
        return SKIP
    return Row(values, step=step, epoch=NAN if epoch > _MOST_EPOCHS else epoch)


def _told(name: str, at: float, context: Context) -> bool:
    """Whether another rank has just told the same event."""
    marks = context.marks
    place, line = f"mlperf {name}", f"mlperf {name} line"
    again = marks.get(place) == at and context.line - marks[line] <= _NEAR_LINES
    if not again:
        marks[place], marks[line] = at, float(context.line)
    return again


LINES = LineFormat(
    name="mlperf",
    title="MLPerf: results among its log events, and the rows of its SSD",
    sample="""\
:::MLL 1561493231.130 eval_accuracy: {"value": "20.80083340406418", "metadata": {"epoch_num": 1, "file": "train.py"}}
:::MLLOG {"namespace": "", "time_ms": 1744839123410, "event_type": "POINT_IN_TIME", "key": "eval_accuracy", \
"value": 0.7197, "metadata": {"file": "run_pretraining.py", "lineno": 1984, "epoch_num": 2030855}}
Iteration:    340, Loss function: 7.306, Average Loss: 2.896, avg. samples / sec: 4340.99
""",
    needles=(":::ML", "MLPerf: ", "Loss function: "),
    parse=parse,
    origin="chuanli11/training_results_v0.6; an MLLOG event of a public log",
    reads="step, epoch",
)
