"""`train_log.txt` of SpeechBrain and what its logger prints: a line an epoch, data sets between dashes.

    epoch: 1, lr: 3.59e-05, steps: 1797, optimizer: Adam - train loss: 3.06e+02 - valid loss: 2.09e+02
    Epoch loaded: 80 - test loss: 26.51, test ACC: 9.36e-01, test WER: 13.84

`steps` is the step where the recipe logs it. The test at the end is that of the best weights, a number about the run.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, Context, LineFormat, Row

_HEAD = pattern(r"(?:\A|(?<= - ))(?:epoch: (\d{1,9})|Epoch loaded: (\d{1,9}))(?=[, ])", re.ASCII | re.IGNORECASE)
_HEAD_LENGTH = 200
_MAX_LINE = 4000
_DATA = pattern(r" - (train|valid|test) ", re.ASCII)
_ITEM = pattern(rf"([A-Za-z_][\w /.-]{{0,60}}): ({NUMBER})", re.ASCII | re.IGNORECASE)
_WORD = pattern(r"[A-Za-z_][\w /.-]{0,60}: (?![\d.+-])\S.*")
_STEPS, _LOADED = "steps", 2


def parse(text: str, context: Context) -> Row | None:  # noqa: ARG001 - a line says all by itself
    """The row of one line; its names say the data set."""
    if len(text) > _MAX_LINE:
        return None
    head = _HEAD.search(text, 0, _HEAD_LENGTH)
    if head is None or not _DATA.search(text, head.end()):
        return None
    values: dict[str, float] = {}
    for field in text[head.end() :].replace(" - ", ", ").split(", "):
        item = _ITEM.fullmatch(field.strip())
        if item:
            values[item[1]] = float(item[2])
        elif field.strip() and not _WORD.fullmatch(field.strip()):
            return None
    if head[_LOADED]:
        return Row(summary=values)
    step = values.pop(_STEPS, NAN)
    return Row(values, step=step, epoch=float(head[1])) if values else None


LINES = LineFormat(
    name="speechbrain",
    title="SpeechBrain: train_log.txt and console output",
    sample="""\
speechbrain.utils.train_logger - epoch: 1, lr: 1.00e+00 - train loss: 9.45e-01 - valid loss: 1.23, \
valid CER: 35.42, valid WER: 39.14
epoch: 2, lr: 7.19e-05, steps: 3594, optimizer: Adam - train loss: 2.54e+02 - valid loss: 1.69e+02, valid ACC: 2.58e-01
""",
    needles=(" - train ", " - valid ", " - test "),
    parse=parse,
    precision=3,
    origin="speechbrain/speechbrain pull requests 2216 and 1892",
    reads="step, epoch, split, the test of the best weights",
)
