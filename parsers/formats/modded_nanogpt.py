"""The log of modded-nanogpt, which begins with the whole training script.

    step:3242/3242 train_loss:3.2329 train_time:467564ms step_avg:144.67ms
    step:3242/3242 val_loss:3.2781 train_time:467607ms step_avg:144.68ms

`train_time` is the clock of the row, and begins anew after the first ten steps, which are not timed. The script ends at
a line of equal signs. What stands in it is never a row, and a line of it is not told as one that was not understood.
Where logs were joined, a further script and a step that goes back begin another run.
"""

from __future__ import annotations

import math
import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row

_ROW = pattern(rf"step:(\d{{1,15}})/\d{{1,15}}((?: \w{{1,40}}:(?:{NUMBER})(?:ms|s|%)?)+)\s*", re.ASCII | re.IGNORECASE)
_ITEM = pattern(rf"(\w+):({NUMBER})(ms|s)?", re.ASCII | re.IGNORECASE)
_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0}

_IMPORT = pattern(r"(?:import|from) [A-Za-z_][\w.]*", re.ASCII)
_END = pattern(r"={60,}\s*")
_CODE = pattern(
    r"\s*(?:#|(?:print|assert|return|if|elif|for|while|with|def|class)\b"
    r"|[\w.\[\]]++(?: *+: *+[\w.]++)? *+[-+*/]?=(?!=)|[\w.]++\()",
    re.ASCII,
)
_SCRIPT = "modded_nanogpt script"
_ANEW, _LAST = "modded_nanogpt anew", "modded_nanogpt last"


def parse(text: str, context: Context) -> Row | None:
    """The row of one line; nothing for a line of the script."""
    match = _ROW.fullmatch(text)
    if match:
        context.marks.pop(_SCRIPT, None)
        return _row(float(match[1]), match[2], context)
    if _END.fullmatch(text):
        context.marks.pop(_SCRIPT, None)
    elif _IMPORT.match(text):
        context.marks[_SCRIPT] = context.marks[_ANEW] = 1.0
    elif _CODE.match(text) and _SCRIPT in context.marks:
        return SKIP
    return None


def _row(step: float, items: str, context: Context) -> Row:
    time, values = NAN, {}
    starts = context.marks.pop(_ANEW, 0.0) > 0 and step < context.marks.get(_LAST, step)
    context.marks[_LAST] = step
    for name, value, unit in _ITEM.findall(items):
        if name == "train_time":
            time = float(value) * _SECONDS[unit.lower()]
        elif name != "step_avg" or math.isfinite(float(value)):
            values[name] = float(value)
    return Row(values, step=step, time=time, starts_run=starts)


LINES = LineFormat(
    name="modded_nanogpt",
    title="modded-nanogpt: log file and console output",
    sample="""\
step:0/3242 val_loss:10.8258 train_time:407ms step_avg:nanms
step:1/3242 train_loss:10.8258 train_time:27560ms step_avg:nanms
step:3242/3242 val_loss:3.2781 train_time:467607ms step_avg:144.68ms
""",
    needles=("step:", "import ", "=" * 60, "loss"),
    parse=parse,
    origin="KellerJordan/modded-nanogpt, records/track_1_short/2024-11-08_CastBf16",
    reads="step, time, split, several runs in one file",
)
