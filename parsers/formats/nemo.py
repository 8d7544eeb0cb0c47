"""What NVIDIA NeMo shows: Lightning's bars with its own metrics, and the lines of its newer progress printer.

    Epoch 0: : 100%|██| 50/50 [16:26<00:00, v_num=gjbq, reduced_train_loss=11.70, global_step=49.00]
    Epoch 1: : 1it [00:04,  4.36s/it, v_num=d3c7, reduced_train_loss=0.674, global_step=1.000, batch_time=4.400]
    Training epoch 0, iteration 1/249 | lr: 3.922e-06 | global_step: 1 | reduced_train_loss: 1.653

A bar rounds to three digits, `global_step=2e+3` too, so its step is the bar's own count; a bar of unknown length has
only the epoch beyond that. A validation loss stays on the bar until the next one, and is taken once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from trainvitals.parsers.formats.progress_bar import bar_row
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, Context, LineFormat, Row
from trainvitals.parsers.text.pairs import MAX_LENGTH, fields, pairs

_LINE = pattern(r"Training epoch (\d{1,9}), iteration \d{1,15}/\d{1,15} \| ", re.ASCII)
_ENDLESS = pattern(r"Epoch (\d{1,9}): : \d{1,15}it \[[\d:]++, *+(?:[^,\]=]*+, )?([^\]]*+)\]", re.ASCII)
_HEAD_LENGTH = 300
_STEP = "global_step"
_DIGITS = 1000
"""A bar shows a step exactly up to here."""


def parse(text: str, context: Context) -> Row | None:
    """The row of a refresh of the bar, or of a line."""
    if context.bar is not None:
        row = bar_row(context.bar, context)
        return row and row._replace(values=_fresh(row.values, context))
    if len(text) > MAX_LENGTH:
        return None
    line = _LINE.search(text, 0, _HEAD_LENGTH)
    if line:
        return _row(text[line.end() :], float(line[1]), context, refresh=False)
    endless = _ENDLESS.search(text, 0, MAX_LENGTH)
    return _row(endless[2], float(endless[1]), context, refresh=True) if endless else None


def _row(text: str, epoch: float, context: Context, *, refresh: bool) -> Row | None:
    values = pairs(fields(text))
    if not values:
        return None
    shown = values.get(_STEP, NAN)
    step = NAN if refresh and shown >= _DIGITS else shown
    return Row(_fresh(values, context), step=step, epoch=epoch, refresh=refresh)


def _fresh(values: Mapping[str, float], context: Context) -> dict[str, float]:
    """Without a validation loss that stood there before."""
    fresh = {name: value for name, value in values.items() if name != _STEP}
    for name in [name for name in fresh if name.startswith("val")]:
        if context.marks.get(f"nemo {name}") == fresh[name]:
            del fresh[name]
        else:
            context.marks[f"nemo {name}"] = fresh[name]
    return fresh


LINES = LineFormat(
    name="nemo",
    title="NVIDIA NeMo: bars and progress lines",
    sample="""\
Training epoch 0, iteration 0/249 | lr: 1.961e-06 | global_batch_size: 8 | global_step: 0 | \
reduced_train_loss: 1.315 | train_step_timing in s: 7.126
Training epoch 0, iteration 1/249 | lr: 3.922e-06 | global_batch_size: 8 | global_step: 1 | \
reduced_train_loss: 1.653 | train_step_timing in s: 2.505 | consumed_samples: 16
Epoch 0: : 100%|██████████| 50/50 [16:26<00:00, v_num=gjbq, reduced_train_loss=11.70, global_step=49.00, \
consumed_samples=12600.0, train_step_timing in s=12.80]
""",
    needles=("reduced_train_loss",),
    parse=parse,
    precision=3,
    origin="public recipes for NeMo 1 and NeMo 2 that quote their output",
    reads="step, epoch",
)
