"""What AllenNLP prints: a table at the end of an epoch, and running means in between.

    2019-10-15 12:45:23,697 - INFO - allennlp.training.trainer - Epoch 0/39
    accuracy: 0.1656, loss: 3.5716 ||: 100%|##########| 125/125 [00:37<00:00,  3.32it/s]
    2017-10-14 16:48:58,960 - INFO - allennlp.training.trainer - Batch 567/17168: accuracy: 0.42, loss: 1.32 ||
    2020-07-24 15:20:56,426 - INFO - allennlp.training.tensorboard_writer -                Training |  Validation
    2020-07-24 15:20:56,429 - INFO - allennlp.training.tensorboard_writer - loss       |     1.084  |     1.036

The table gives the means of an epoch, counted from 0; `N/A` stands for no value. The means since the start of the epoch
are points named `..._running` where a line says the batch. Before a bar they are left out: the table has them.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER, number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row

_PHASE = pattern(
    r"allennlp\.training\.(?:\w+\.){0,3}\w+ (?:l\d+ INFO \||-) (?:Epoch (\d{1,9})/\d{1,9}|(Training)|(Validating))\s*\Z"
)
_TABLE = r"allennlp\.training\.(?:tensorboard_writer|callbacks\.console_logger|metrics_writer)\S* (?:l\d+ INFO \||-) "
_HEAD = pattern(rf"{_TABLE}\s*Training \|\s+Validation\s*")
_ROW = pattern(rf"{_TABLE}(\S[^|]{{0,200}}?) *\| *([^|\s]{{1,40}}) *\| *([^|\s]{{1,40}})\s*")
_MEANS = pattern(
    rf"(?:.{{0,120}}Batch (\d{{1,12}})/(\d{{1,12}}): )?((?:[A-Za-z_][\w/.-]*+: (?:{NUMBER}),? )++)\|\|\s*",
    re.ASCII | re.IGNORECASE,
)
_MEAN = pattern(rf"([\w/.-]+): ({NUMBER}),? ", re.ASCII | re.IGNORECASE)
_MAX_LINE = 2000
_EMPTY = "N/A"
_AT, _TRAINS = "allennlp epoch", "allennlp trains"


def parse(text: str, context: Context) -> Row | None:
    """A row of the table has the value of one metric on both data sets."""
    if len(text) > _MAX_LINE or context.bar is not None:
        return None
    phase = _PHASE.search(text)
    if phase:
        return _begin(phase, context)
    means = _MEANS.fullmatch(text) if "||" in text else None
    return _running(means, context) if means else _table(text, context)


def _begin(phase: re.Match[str], context: Context) -> Row:
    if phase[1]:
        context.marks[_AT] = float(phase[1])
    context.marks[_TRAINS] = float(not phase[3])
    return SKIP


def _running(means: re.Match[str], context: Context) -> Row:
    epoch = context.marks.get(_AT)
    if means[1] is None or epoch is None or not context.marks[_TRAINS]:
        return SKIP
    values = {f"{name}_running": float(value) for name, value in _MEAN.findall(means[3])}
    return Row(values, split="train", step=epoch * float(means[2]) + float(means[1]), epoch=epoch)


def _table(text: str, context: Context) -> Row | None:
    if _HEAD.search(text):
        return SKIP
    row = _ROW.search(text)
    if row is None:
        return None
    values = {f"{split} {row[1]}": number(cell) for split, cell in (("train", row[2]), ("validation", row[3]))}
    if any(value is None and cell != _EMPTY for value, cell in zip(values.values(), row.groups()[1:], strict=True)):
        return None
    found = {name: value for name, value in values.items() if value is not None}
    # Old versions print tables in the middle of an epoch too: the last one counts.
    unfinished = row[3] == _EMPTY and context.marks.get(_TRAINS, 1.0) > 0
    return Row(found, epoch=context.marks.get(_AT, context.epoch), refresh=unfinished)


LINES = LineFormat(
    name="allennlp_text",
    title="AllenNLP: console output, a table an epoch",
    sample="""\
2019-01-17 18:16:12,176 - INFO - allennlp.training.tensorboard_writer -                            \
Training |  Validation
2019-01-17 18:16:12,177 - INFO - allennlp.training.tensorboard_writer - epoch_metrics/loss     |     0.222  |       N/A
2019-01-17 18:16:12,177 - INFO - allennlp.training.tensorboard_writer - epoch_metrics/accuracy |     0.926  |       N/A
""",
    needles=("allennlp.training.", " ||"),
    parse=parse,
    precision=3,
    origin="allenai/allennlp pull request 2381; lines of its issue 379 are tested",
    reads="step, epoch, split",
)
