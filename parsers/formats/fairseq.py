"""The lines of fairseq, old and new.

    | epoch 001:   1000 / 1637 loss=7.581, ppl=1.00, num_updates=997, lr=0.00197007, gnorm=52846.367, clip=100%
    | epoch 001 | loss 6.623 | ppl 1.00 | num_updates 1632 | lr 0.00154677 | gnorm 37767.016 | clip 100%
    | epoch 022 | valid on 'valid' subset | loss 4.008 | ppl 16.09 | num_updates 179247 | best_loss 4.00763
    2023-06-13 17:31:54 | INFO | train_inner | epoch 143:    185 / 282 loss=3.153, num_updates=40200, gnorm=0.483
    2023-06-13 17:32:41 | INFO | valid | epoch 143 | valid on 'valid' subset | loss 12.677 | num_updates 40297
    2023-06-13 17:32:53 | INFO | train | epoch 143 | loss 3.14 | num_updates 40297 | gnorm 0.5

`num_updates` is the step. In a `train_inner` row the metrics are means over the updates since the last one, and the row
of the epoch sums up what they said: its metrics are named `..._epoch`. Old versions have no such rows; their means run
since the start of the epoch and are named `..._running`, and the row of the epoch is the point.

Losses are printed in base 2. They are not converted: all of a file are, and the factor depends on the criterion.
"""

from __future__ import annotations

import re

from trainvitals.parsers.model import Split
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context, LineFormat, Row
from trainvitals.parsers.text.pairs import cell
from trainvitals.parsers.text.ranks import is_twin

_INNER = pattern(r"(?:\A|\| |\s)epoch (\d{1,9}): +(\d{1,15}) / (\d{1,15}) (?=\w+=)", re.ASCII)
_EPOCH = pattern(r"(?:\A|\| |\s)epoch (\d{1,9}) \| (?:valid on '([^'|]{1,60})' subset \| )?", re.ASCII)
_HEAD_LENGTH = 300
_WINDOW, _SUMMARY = "| train_inner |", "| train | epoch "
_DIGIT = pattern(r"[\d.]")

_CURRENT = frozenset({"lr", "loss_scale", "wall", "train_wall", "oom", "num_updates"})
"""What is no mean, and is the same whoever prints it."""


def parse(text: str, context: Context) -> Row | None:
    """The row of one line."""
    inner = _INNER.search(text, 0, _HEAD_LENGTH)
    if inner:
        values = _values(text[inner.end() :].split(","), "=")
        suffix = "" if _WINDOW in text else "_running"
        return _row(text, float(inner[1]), values, "train", suffix, context)
    epoch = _EPOCH.search(text, 0, _HEAD_LENGTH)
    if epoch is None:
        return None
    values = _values(text[epoch.end() :].split("|"), " ")
    if epoch[2]:
        return _row(text, float(epoch[1]), values, _split(epoch[2]), "", context)
    return _row(text, float(epoch[1]), values, "train", "_epoch" if _SUMMARY in text else "", context)


def _split(subset: str) -> Split:
    return "test" if subset.startswith("test") else "eval"


def _values(fields: list[str], separator: str) -> dict[str, float] | None:
    """Numbers by name; None where a field with a number is damaged."""
    values: dict[str, float] = {}
    for field in fields:
        name, _, text = field.strip().partition(separator)
        value = cell(text)
        if value is not None and name:
            values[name] = value
        elif _DIGIT.match(text.strip()):
            return None
    return values


def _row(
    text: str, epoch: float, values: dict[str, float] | None, split: Split, suffix: str, context: Context
) -> Row | None:
    if not values or "num_updates" not in values:
        return None
    step = values.pop("num_updates")
    if is_twin(text, step, context, f"fairseq {split}{suffix}"):
        return Row()
    named = {name if name in _CURRENT else name + suffix: value for name, value in values.items()}
    return Row(named, split=split, step=step, epoch=epoch)


LINES = LineFormat(
    name="fairseq",
    title="fairseq: console output and log file, old and new",
    sample="""\
| epoch 001:   1000 / 1637 loss=7.581, nll_loss=0.000, ppl=1.00, wps=320047, num_updates=997, lr=0.00197007, \
gnorm=52846.367, clip=100%, oom=0, loss_scale=8.000, wall=241
| epoch 001 | loss 6.623 | nll_loss 0.000 | ppl 1.00 | num_updates 1632 | lr 0.00154677 | gnorm 37767.016 | clip 100%
2023-06-13 17:31:54 | INFO | train_inner | epoch 143:    185 / 282 loss=3.153, nll_loss=1.243, ppl=8.89, \
num_updates=40200, lr=0.00015772, gnorm=0.483, clip=0, loss_scale=32768, train_wall=46, wall=0
2023-06-13 17:32:41 | INFO | valid | epoch 143 | valid on 'valid' subset | loss 12.677 | nll_loss 11.546 | \
bleu 29.52 | num_updates 40297 | best_bleu 30.53
""",
    needles=("num_updates",),
    parse=parse,
    precision=3,
    origin="chuanli11/training_results_v0.6 (old version), a public log of 2023 (new version)",
    reads="step, epoch, split",
)
