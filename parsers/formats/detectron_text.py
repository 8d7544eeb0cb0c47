"""The lines of maskrcnn-benchmark, and of detectron2, which took them over into its log.txt.

    2019-11-15 21:20:03,982 maskrcnn_benchmark.trainer INFO: eta: 7:53:21  iter: 360  loss: 1.5980 (1.6304)  lr: 0.03
    [09/29 15:06:24] d2.utils.events INFO:  eta: 18:30:56  iter: 19  total_loss: 2.262  lr: 0.00039962  max_mem: 1475M

A number is the median of the last 20 iterations. The mean since the start, in brackets, stays NaN for ever after one
NaN, and is left out. detectron2 counts iterations from 0.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context, LineFormat, Row

_HEAD = pattern(r"(?<!\w)eta: *(?:(?:\d+ days?, )?[\d:]+|N/A) +iter: *(\d{1,15})(?=\s)", re.ASCII)
_HEAD_LENGTH = 300
_ITEM = pattern(
    rf"\s++([A-Za-z_][^\s:]*+(?: mem)?): ({NUMBER})M?(?: \((?:{NUMBER})\))?(?=\s|\Z)", re.ASCII | re.IGNORECASE
)


def parse(text: str, context: Context) -> Row | None:  # noqa: ARG001 - a line says all by itself
    """The row of one line; None where anything but names and numbers follows its head."""
    head = _HEAD.search(text, 0, _HEAD_LENGTH)
    if head is None:
        return None
    values: dict[str, float] = {}
    position = head.end()
    while match := _ITEM.match(text, position):
        values[match[1]] = float(match[2])
        position = match.end()
    if not values or text[position:].strip():
        return None
    return Row(values, split="train", step=float(head[1]))


LINES = LineFormat(
    name="detectron_text",
    title="maskrcnn-benchmark, detectron2: console output, log.txt",
    sample="""\
2019-11-15 21:20:03,982 maskrcnn_benchmark.trainer INFO: eta: 7:53:21  iter: 360  loss: 1.5980 (1.6304)  \
loss_classifier: 0.3736 (0.5095)  loss_mask: 0.6468 (0.6545)  time: 0.3463 (0.3566)  lr: 0.034464  max mem: 7973
2019-11-15 21:20:10,816 maskrcnn_benchmark.trainer INFO: eta: 7:52:12  iter: 380  loss: nan (nan)  \
loss_classifier: nan (nan)  loss_mask: 4.0964 (0.8479)  time: 0.3404 (0.3558)  lr: 0.036384  max mem: 7973
[09/29 15:06:24] d2.utils.events INFO:  eta: 18:30:56  iter: 19  total_loss: 2.262  loss_cls: 0.3963  \
time: 0.7412  data_time: 0.0079  lr: 0.00039962  max_mem: 1475M
""",
    needles=("eta:",),
    parse=parse,
    origin="chuanli11/training_results_v0.6 (maskrcnn-benchmark), a public log.txt of detectron2",
    reads="step",
)
