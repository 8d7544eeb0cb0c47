"""The blocks of MosaicML Composer's console logger, which LLM Foundry uses: a header, then one metric a line.

    [batch=1/3]:
             Train loss/train/total: 12.0570
             Train metrics/train/LanguageCrossEntropy: 12.0570
    [Eval batch=3/3] Eval on eval data:
             Eval metrics/eval/LanguageCrossEntropy: 11.9731

A header says the batch of the whole run or, where a run is measured in epochs, of its epoch. Where it counts tokens or
samples, `time/batch` in the block is the number of batches before this one. An evaluation stands at the last training
step; headers in the middle of one show its progress. Tables and pictures in a block are left out.
"""

from __future__ import annotations

import math
import re

from trainvitals.parsers.model import Split
from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row

_RANK = r"(?:\d{1,6}:[ \t]*)?"
_HEAD = pattern(
    rf"\s{{0,40}}{_RANK}(?:\[epoch=(?P<epoch>\d{{1,9}})\])?"
    r"\[(?P<unit>batch|token|sample|iteration|second|epoch)=(?P<n>\d{1,18})(?:/(?P<total>\d{1,18}))?\]:?\s*",
    re.ASCII,
)
_EVALUATION = pattern(rf"\s{{0,40}}{_RANK}\[Eval batch=\d{{1,15}}/\d{{1,15}}\] Eval on .{{1,80}} data:?\s*", re.ASCII)
_ITEM = pattern(rf"{_RANK}\s{{1,40}}(Train|Eval) ([A-Za-z][^\s:]{{0,200}}): (.*)")
_EPOCHS = frozenset({"epoch", "time/epoch"})
_BATCHES = frozenset({"time/batch", "trainer/global_step"})
_COUNTERS = frozenset(
    {"trainer/batch_idx", "time/batch_in_epoch", "time/sample_in_epoch", "time/token_in_epoch"} | _EPOCHS | _BATCHES
)
_STEP, _EPOCH = "composer step", "composer epoch"


def parse(text: str, context: Context) -> Row | None:
    """A header sets the step; a line below it is a row of its own, so that it can be cited."""
    head = _HEAD.fullmatch(text)
    if head:
        return _open(head, context)
    if _EVALUATION.fullmatch(text):
        context.marks.setdefault(_STEP, context.step)
        return SKIP
    item = _ITEM.fullmatch(text.rstrip())
    return _row(item, context) if item and _STEP in context.marks else None


def _open(head: re.Match[str], context: Context) -> Row:
    n, total, epoch = float(head["n"]), float(head["total"] or NAN), float(head["epoch"] or NAN)
    step = NAN
    if head["unit"] == "batch":
        step = n if math.isnan(epoch) else (epoch - 1) * total + n
    context.marks[_STEP], context.marks[_EPOCH] = step, epoch
    return SKIP


def _row(item: re.Match[str], context: Context) -> Row:
    name, value, marks = item[2], number(item[3]), context.marks
    if value is None:
        return SKIP
    if name in _COUNTERS:
        if name in _BATCHES and math.isnan(marks[_STEP]):
            marks[_STEP] = value + 1
        if name in _EPOCHS and math.isnan(marks.get(_EPOCH, NAN)):
            marks[_EPOCH] = value
        return SKIP
    split: Split = "train" if item[1] == "Train" else "eval"
    return Row({name: value}, split, step=marks[_STEP], epoch=marks.get(_EPOCH, NAN))


LINES = LineFormat(
    name="composer",
    title="MosaicML Composer, LLM Foundry: console logger",
    sample="""\
[batch=1/3]:
\t Train epoch: 0
\t Train trainer/global_step: 0
\t Train trainer/batch_idx: 0
\t Train memory/alloc_requests: 38873
\t Train trainer/device_train_microbatch_size: 1
\t Train loss/train/total: 12.0570
\t Train metrics/train/LanguageCrossEntropy: 12.0570
\t Train metrics/train/Perplexity: 172309.0625
\t Train throughput/tokens_per_sec: 6598.0451
\t Train lr-DecoupledAdamW/group0: 0.0000
""",
    needles=("[batch=", "[epoch=", "[token=", "[sample=", "[iteration=", "[second=", "Train ", "Eval "),
    parse=parse,
    origin="mosaicml/composer pull request 1884",
    reads="step, epoch, split",
    after=("[batch=", "[epoch=", "[token=", "[sample=", "[iteration=", "[second=", "[Eval batch="),
)
