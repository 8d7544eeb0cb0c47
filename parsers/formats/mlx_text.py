"""What mlx-lm prints while it fine-tunes.

    Iter 1: Val loss 5.852, Val took 3.707s
    Iter 10: Train loss 4.441, Learning Rate 2.000e-05, It/sec 3.158, Tokens/sec 599.660, Peak mem 8.219 GB
    Test loss 3.214, Test ppl 24.886.

A training loss is the mean since the last report. The test at the end is a point at the last iteration.
"""

from __future__ import annotations

import re

from trainvitals.parsers.model import Split
from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context, LineFormat, Row

_HEAD = pattern(r"(?<!\w)Iter (\d{1,15}): (?=(Train|Val)\b)|(?<!\w)(?=(Test) loss )", re.ASCII)
_HEAD_LENGTH = 200
_ITEM = pattern(rf"([A-Za-z][A-Za-z_/ 0-9]*?) ?({NUMBER})(s| ?GB|\.)?(?:, |\s*\Z)", re.ASCII | re.IGNORECASE)
_SPLITS: dict[str, Split] = {"Train": "train", "Val": "eval", "Test": "test"}


def parse(text: str, context: Context) -> Row | None:
    """The row of one report; None where anything but names and numbers follows its head."""
    head = _HEAD.search(text, 0, _HEAD_LENGTH)
    if head is None:
        return None
    kind = head[2] or head[3]
    values: dict[str, float] = {}
    position = head.end()
    while match := _ITEM.match(text, position):
        values[match[1].removeprefix(f"{kind} ")] = float(match[2])
        position = match.end()
    if position < len(text) or "loss" not in values:
        return None
    return Row(values, _SPLITS[kind], step=float(head[1]) if head[1] else context.step)


LINES = LineFormat(
    name="mlx_text",
    title="mlx-lm: console output",
    sample="""\
Iter 1: Val loss 5.852, Val took 3.707s
Iter 10: Train loss 4.441, Learning Rate 2.000e-05, It/sec 3.158, Tokens/sec 599.660, Trained Tokens 1899, \
Peak mem 8.219 GB
Iter 20: Train loss 2.363, Learning Rate 2.000e-05, It/sec 3.022, Tokens/sec 588.083, Trained Tokens 3862, \
Peak mem 8.219 GB
""",
    needles=("Train loss ", "Val loss ", "Test loss "),
    parse=parse,
    precision=3,
    origin="a public console log of mlx-lm; ml-explore/mlx-lm issue 18 is tested",
    reads="step, split",
)
