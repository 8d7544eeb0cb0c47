"""The log file and the console output of build-nanogpt and of its descendants, nanochat among them.

    250 val 6.5893                                                                               (log.txt)
    step   250 | loss: 6.502331 | lr 2.1063e-04 | norm: 0.7421 | dt: 389.10ms | tok/sec: 1347448.61
    validation loss: 6.5893
    HellaSwag accuracy: 2463/10042=0.2453
    step 00100/00500 (20.00%) | loss: 5.178412 | dt: 2512.04ms | tok/sec: 104,355 | epoch: 1 pq: 0 rg: 52 | eta: 16.8m

In the console the result of an evaluation stands above the line of its step, and does not say the step: it is that of
the last step line and the distance between two of them, and 0 above the first. Such lines are only read below a line
that nobody else writes.
"""

from __future__ import annotations

import re

from trainvitals.parsers.model import Split
from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context, LineFormat, Row

_TRIPLET = pattern(rf"(\d{{1,15}}) (train|val|hella) ({NUMBER})\s*", re.ASCII | re.IGNORECASE)
_STEP = pattern(r"\s{0,40}step *(\d{1,15})(?:/\d{1,15})?(?: \([\d.]+%\))? +\| (?=loss:)", re.ASCII)
_FIELD = pattern(
    rf"([a-z][a-z0-9_/ ]{{0,20}}?):? +(\d{{1,3}}(?:,\d{{3}})++|{NUMBER})(?:ms|s|m|h|%|[KMG]B)?(?: +\| +| +|\Z)",
    re.ASCII | re.IGNORECASE,
)
_VALIDATION = pattern(rf"validation loss: ({NUMBER})\s*", re.ASCII | re.IGNORECASE)
_HELLASWAG = pattern(rf"HellaSwag accuracy: \d+/\d+=({NUMBER})\s*", re.ASCII)
_OPENING = "=> calculated gradient accumulation steps"

_KINDS: dict[str, tuple[str, Split]] = {
    "train": ("loss", "train"),
    "val": ("loss", "eval"),
    "hella": ("hellaswag", "eval"),
}
_LAST, _STRIDE = "build_nanogpt step", "build_nanogpt stride"


def parse(text: str, context: Context) -> Row | None:
    """The row of one line of either file."""
    triplet = _TRIPLET.fullmatch(text)
    if triplet:
        name, split = _KINDS[triplet[2]]
        return Row({name: float(triplet[3])}, split=split, step=float(triplet[1]))
    if text.startswith(_OPENING):
        context.marks.setdefault(_LAST, -1.0)
        return None
    return _step(text, context) or _evaluation(text, context)


def _step(text: str, context: Context) -> Row | None:
    head = _STEP.match(text)
    if head is None:
        return None
    values = _fields(text, head.end())
    if values is None or not {"norm", "tok/sec"} & values.keys():
        return None
    step = float(head[1])
    context.marks[_STRIDE] = max(1.0, step - context.marks.get(_LAST, step))
    context.marks[_LAST] = step
    return Row(values, split="train", step=step)


def _fields(text: str, position: int) -> dict[str, float] | None:
    """Names and numbers up to the end of the line; None where anything else stands there."""
    values: dict[str, float] = {}
    while match := _FIELD.match(text, position):
        values[match[1]] = float(match[2].replace(",", ""))
        position = match.end()
    return values if not text[position:].strip() else None


def _evaluation(text: str, context: Context) -> Row | None:
    if _LAST not in context.marks:
        return None
    step = context.marks[_LAST] + context.marks.get(_STRIDE, 1.0)
    loss, accuracy = _VALIDATION.fullmatch(text), _HELLASWAG.fullmatch(text)
    if loss:
        return Row({"loss": float(loss[1])}, split="eval", step=step)
    return Row({"hellaswag": float(accuracy[1])}, split="eval", step=step) if accuracy else None


LINES = LineFormat(
    name="build_nanogpt",
    title="build-nanogpt: log.txt and console output",
    sample="""\
0 val 10.9548
0 hella 0.2413
0 train 10.955010
1 train 10.883945
250 val 6.5893
step     0 | loss: 10.955010 | lr 8.3916e-07 | norm: 15.3421 | dt: 23547.83ms | tok/sec: 22264.81
""",
    needles=(" train ", " val ", " hella ", "tok/sec", "norm: ", "validation loss: ", "HellaSwag ", _OPENING),
    parse=parse,
    precision=6,
    origin="public logs of build-nanogpt, quoted in part",
    reads="step, split",
)
