"""The lines of NVIDIA's GNMT, a translation benchmark: fields between tabs, the mean of the epoch in brackets.

    0: TRAIN [0][80/1938]	Time 0.177 (0.169)	Tok/s 95834 (92124)	Loss/tok 8.0934 (8.9248)	LR 1.262e-04
    0: TEST [0][0/3]	Time 0.705 (0.705)	Decoder iters 149.0 (149.0)	Tok/s 23165 (23165)
    0: Summary: Epoch: 0	Training Loss: 4.5190	Test BLEU: 19.90

The step is epoch * batches + i, the value that of the current batch. The mean in brackets lags behind and is no second
series. Where all ranks log, the first one's rows are kept. The progress of an evaluation is left out; its result stands
in the summary of the epoch, whose training loss is a mean over rows that have been read.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row
from trainvitals.parsers.text.ranks import is_twin

_HEAD = pattern(r"(?:\d{1,6}: )?(TRAIN|VALIDATION|TEST) \[(\d{1,9})\]\[(\d{1,9})/(\d{1,9})\]\t", re.ASCII)
_SUMMARY = pattern(r"(?:\d{1,6}: )?Summary: Epoch: (\d{1,9})\t", re.ASCII)
_FIELD = pattern(rf"([A-Za-z][\w/@ ]{{0,40}}?):? ({NUMBER})(?: \( *(?:{NUMBER})\))?", re.ASCII | re.IGNORECASE)
_TRAINING_LOSS = "Training Loss"
_TRAINED = "gnmt epoch"


def parse(text: str, context: Context) -> Row | None:
    """The row of one line."""
    head = _HEAD.match(text)
    if head is None:
        return _summary(text, context)
    kind, epoch, i, batches = head[1], float(head[2]), int(head[3]), int(head[4])
    if kind != "TRAIN":
        return SKIP
    values = _fields(text[head.end() :])
    if values is None:
        return None
    step = epoch * batches + i
    context.marks[_TRAINED], context.epoch_end = epoch, (epoch + 1) * batches - 1
    return SKIP if is_twin(text, step, context, "gnmt") else Row(values, split="train", step=step, epoch=epoch)


def _summary(text: str, context: Context) -> Row | None:
    head = _SUMMARY.match(text)
    values = _fields(text[head.end() :]) if head else None
    if head is None or values is None:
        return None
    epoch = float(head[1])
    trained = context.marks.get(_TRAINED) == epoch
    if trained:
        values.pop(_TRAINING_LOSS, None)
    step = context.epoch_end if trained else NAN
    if is_twin(text, epoch, context, "gnmt summary"):
        return SKIP
    return Row(values, step=step, epoch=epoch)


def _fields(text: str) -> dict[str, float] | None:
    fields = [_FIELD.fullmatch(field.strip()) for field in text.split("\t")]
    values = {field[1]: float(field[2]) for field in fields if field}
    return values if len(values) == len(fields) else None


LINES = LineFormat(
    name="gnmt",
    title="GNMT of NVIDIA and MLPerf: console output",
    sample="""\
0: TRAIN [0][80/1938]\tTime 0.177 (0.169)\tData 1.43e-04 (2.10e-03)\tTok/s 95834 (92124)\tLoss/tok 8.0934 (8.9248)\
\tLR 1.262e-04
0: TEST [0][0/3]\tTime 0.705 (0.705)\tDecoder iters 149.0 (149.0)\tTok/s 23165 (23165)
0: Summary: Epoch: 0\tTraining Loss: 4.5190\tTest BLEU: 19.90
""",
    needles=("TRAIN [", "VALIDATION [", "TEST [", "Summary: Epoch: "),
    parse=parse,
    origin="chuanli11/training_results_v0.6, gnmt_DGX1",
    reads="step, epoch, rank",
)
