"""The rows of torchtitan, which it prints in colour.

    [rank0]:[titan] 2025-10-30 14:32:58,897 - root - INFO - step: 10  loss:  8.9196  grad_norm:  3.6855  memory:
    30.99GiB(32.62%)  tps: 7,022  tflops: 407.35  mfu: 41.19%                                    (one line)
    [rank0]:[titan] 2026-04-27 16:45:15,717 - root - INFO - validate step: 10  loss: 12.2336  memory: 23.77GiB(75.82%)
    tps: 1,601

`loss` is the average over all ranks; with pipeline parallelism the last stage prints it, so that the rank in front may
be any. Where several ranks print, the first is kept. A launch that begins at the first step again with other settings
is a run of its own. Memory is read in GiB, without its share; numbers may have separators of thousands. `inf` and `nan`
are kept.
"""

from __future__ import annotations

import math
import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text import launches
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row
from trainvitals.parsers.text.ranks import is_twin

_HEAD = pattern(r"(?:\A|(?<=\s))(validate )?step: *(\d{1,15}) {2,}", re.ASCII)
_HEAD_LENGTH = 200
_ITEM = pattern(
    rf"([A-Za-z_][\w/()%-]*+): *([-+]?\d{{1,3}}(?:,\d{{3}})++(?:\.\d++)?|{NUMBER})(?:GiB|%|ms|s)?(?:\([\d.]++%\))?"
    r"(?: {2,}|\s*\Z)",
    re.ASCII | re.IGNORECASE,
)

_OPENING = " - Starting job: "
_SETTINGS = pattern(r"(?:local batch size|global batch size|sequence length|total steps|warmup) \d++", re.ASCII)
_TOLD = (_OPENING, " with local batch size ", " total parameters", " saved to ")
"""What stands in the lines that tell the settings of a launch."""
_NAME = "torchtitan"


def parse(text: str, context: Context) -> Row | None:
    """The row of one line."""
    head = _HEAD.search(text, 0, _HEAD_LENGTH)
    values = _items(text, head.end()) if head else None
    if head is None or values is None:
        _launch(text, context)
        return None
    step = float(head[2])
    kind = f"{_NAME} eval" if head[1] else _NAME
    if is_twin(text, step, context, kind) or _is_repeated(step, values["loss"], context, kind):
        return SKIP
    starts = not head[1] and launches.begins_run(context, _NAME, step)
    return Row(values, split="eval" if head[1] else "train", step=step, starts_run=starts)


def _is_repeated(step: float, loss: float, context: Context, kind: str) -> bool:
    """Whether the last row said the same: all ranks print, and no launcher says which is which."""
    shown = -math.inf if math.isnan(loss) else loss
    last = context.marks.get(f"{kind} step printed"), context.marks.get(f"{kind} loss printed")
    context.marks[f"{kind} step printed"], context.marks[f"{kind} loss printed"] = step, shown
    return last == (step, shown)


def _launch(text: str, context: Context) -> None:
    """A line that tells settings, which other readers take too; several ranks print it."""
    told = next((words for words in _TOLD if words in text), None)
    if told is None:
        return
    if told == _OPENING:
        launches.opens(context, _NAME)
    values = _SETTINGS.findall(text) if told == _TOLD[1] else text.partition(" - INFO - ")[2:]
    launches.says(context, _NAME, told, " ".join(values))


def _items(text: str, position: int) -> dict[str, float] | None:
    values: dict[str, float] = {}
    while match := _ITEM.match(text, position):
        values[match[1]] = float(match[2].replace(",", ""))
        position = match.end()
    return values if "loss" in values and position == len(text) else None


LINES = LineFormat(
    name="torchtitan",
    title="torchtitan: console output, one line a logged step",
    sample="""\
[rank0]:[titan] 2025-10-30 14:32:58,897 - root - INFO - \x1b[31mstep:  1  \x1b[32mloss:  8.1661  \
\x1b[38;2;180;60;0mgrad_norm:  3.6855  \x1b[38;2;54;234;195mmemory:  2.47GiB(3.12%)  \x1b[34mtps: 3,502  \
\x1b[36mtflops: 1.90  \x1b[35mmfu: 0.19%\x1b[39m
[rank0]:[titan] 2025-10-30 14:32:58,990 - root - INFO - \x1b[33mvalidate step:  1  \x1b[32mloss:  8.1098  \
\x1b[38;2;54;234;195mmemory:  2.49GiB(3.14%)  \x1b[34mtps: 177,138\x1b[39m
""",
    needles=("tps: ", *_TOLD),
    parse=parse,
    precision=4,
    origin="a public log of torchtitan, in the colours that it prints",
    reads="step, split, rank, several runs in one file",
)
