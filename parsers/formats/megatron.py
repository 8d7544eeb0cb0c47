"""The rows of Megatron-LM and its descendants: fields between bars.

    9: [default3]: [2026-04-15 11:19:02] iteration 1/ 500 | consumed samples: 80 | elapsed time per iteration (ms):
    12465.5 | learning rate: 6.000000E-06 | global batch size: 80 | lm loss: 1.218301E+01 | loss scale: 1.0 |
    grad norm: 11.908 | number of skipped iterations: 0 | number of nan iterations: 0 |          (one line)
    validation loss at iteration 2400 | lm loss value: 9.009587E+00 | lm loss PPL: 8.181144E+03 |

A loss is printed only where its average is above 0, so that a NaN leaves no trace: `number of nan iterations` counts
what the loss scaler saw, and stays 0. A complete row that has no loss although not all of its iterations were skipped
is therefore read as a loss of NaN. (An average of exactly 0 is left out as well: that of a mask that hides every
token.)

Every launch prints a table of its arguments first. One that begins at the first step again with other arguments is a
run of its own.

Where a field has two numbers (`13372.8/13364.7`) the first is the current one. Sizes with a unit are left out. Output
of another process behind the last bar is no part of the row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from trainvitals.parsers.model import Split
from trainvitals.parsers.numbers import NUMBER, number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text import launches
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row
from trainvitals.parsers.text.ranks import is_twin

_HEAD = pattern(r"(?:\A|(?<=[\s\]:]))iteration +(\d{1,15})/ *\d{1,15} *\|", re.ASCII)
_EVALUATION = pattern(r"(?:\A|(?<=[\s\]:]))(?:validation|test) loss at ([^|]{1,120})\|", re.ASCII)
_ITERATION = pattern(r"iteration (\d{1,15})", re.ASCII)
_PANEL = pattern(r"\[([^\[\]]{1,60})\]")
_HEAD_LENGTH = 400

_OPENING, _DOTS = "---- arguments ----", " ...."
_ARGUMENTS = frozenset(
    {
        "lr",
        "min_lr",
        "global_batch_size",
        "seq_length",
        "num_layers",
        "hidden_size",
        "ffn_hidden_size",
        "num_attention_heads",
        "num_experts",
        "train_iters",
        "train_samples",
        "seed",
        "optimizer",
        "weight_decay",
        "lr_decay_style",
        "lr_warmup_iters",
        "save",
        "data_path",
        "padded_vocab_size",
    }
)
"""Arguments that tell runs apart."""

_FIELD = pattern(r"([A-Za-z][^:|]{0,80}):\s*(\S.*)", re.ASCII)
_VALUE = pattern(rf"({NUMBER})(?:/(?:{NUMBER}))*", re.ASCII | re.IGNORECASE)
_WITH_UNIT = pattern(r"(?:\d+(?:\.\d+)? ?[A-Za-z%]{1,6}(?:/|\Z))+", re.ASCII)

_DIGIT = pattern(r"\d", re.ASCII)

_NAME = "megatron"
_LOSS = "lm loss"
_SKIPPED = "number of skipped iterations"
_TYPICAL = (_SKIPPED, "consumed samples", "elapsed time per iteration")
_BESIDE = ("scale", "balanc", "aux", "mtp", "z_loss", "z loss")
"""Parts of names with `loss` in them that are not the loss which is minimised, or stand beside it."""


def parse(text: str, context: Context) -> Row | None:
    """The row of a training or an evaluation line."""
    if _DOTS in text or _OPENING in text:
        _launch(text, context)
        return None
    head = _HEAD.search(text, 0, _HEAD_LENGTH)
    if head is None:
        return _evaluation(text, context)
    values = _fields(text[head.end() :])
    if values is None or not any(name.startswith(_TYPICAL) for name in values):
        return None
    step = float(head[1])
    if is_twin(text, step, context, _NAME):
        return SKIP
    if _hides_nan(values, context.marks[f"{_NAME} stride"]):
        values[_LOSS] = NAN
    return Row(values, split="train", step=step, starts_run=launches.begins_run(context, _NAME, step))


def _launch(text: str, context: Context) -> None:
    """A line of the arguments, which other readers take too."""
    if _OPENING in text:
        launches.opens(context, _NAME)
        return
    words, _, value = text.partition(_DOTS)
    name, value = words.rpartition(" ")[2].rpartition(":")[2], value.lstrip(".").strip()
    if value and name in _ARGUMENTS:
        launches.says(context, _NAME, name, value)


def _hides_nan(values: Mapping[str, float], iterations: float) -> bool:
    """Whether a row over so many iterations, of which not all were skipped, has no loss."""
    losses = [name for name in values if "loss" in name and not any(word in name for word in _BESIDE)]
    return not losses and values.get(_SKIPPED, iterations) < iterations


def _evaluation(text: str, context: Context) -> Row | None:
    head = _EVALUATION.search(text, 0, _HEAD_LENGTH)
    values = _fields(text[head.end() :]) if head else None
    if head is None or not values:
        return None
    at = _ITERATION.search(head[1])
    panel = _PANEL.search(head[1])
    suffix = f" [{panel[1]}]" if panel else ""
    split: Split = "test" if "test" in head[1] or "test loss" in head[0] else "eval"
    step = float(at[1]) if at else context.step
    if is_twin(text, step, context, f"megatron {split}{suffix}"):
        return SKIP
    return Row({name.removesuffix(" value") + suffix: value for name, value in values.items()}, split=split, step=step)


def _fields(text: str) -> dict[str, float] | None:
    """The numbers between the bars; None where one of them is damaged."""
    *fields, rest = text.split("|")
    values: dict[str, float] = {}
    for field in fields:
        match = _FIELD.fullmatch(field.strip())
        value = _VALUE.fullmatch(match[2]) if match else None
        if match and value:
            values[match[1].strip()] = float(value[1])
        elif _DIGIT.search(field) and not (match and _WITH_UNIT.fullmatch(match[2])):
            return None
    last = _FIELD.fullmatch(rest.strip())
    at_end = number(last[2]) if last else None
    if last and at_end is not None:
        values[last[1].strip()] = at_end
    return values


LINES = LineFormat(
    name=_NAME,
    title="Megatron-LM and its descendants: console output, fields between bars",
    sample="""\
9: [default3]: [2026-04-15 11:19:02.524672] iteration        1/     500 | consumed samples:           80 | \
elapsed time per iteration (ms): 12465.5 | throughput per GPU (TFLOP/s/GPU): 11.9 | learning rate: 6.000000E-06 | \
global batch size:    80 | lm loss: 1.218301E+01 | loss scale: 1.0 | grad norm: 11.908 | \
number of skipped iterations:   0 | number of nan iterations:   0 |
 validation loss at iteration 2400 | lm loss value: 9.009587E+00 | lm loss PPL: 8.181144E+03 |
""",
    needles=("iteration ", "loss at ", _OPENING, _DOTS),
    parse=parse,
    precision=7,
    origin="elena-lyulina/Megatron-LM-Attention-Benchmark; validation line of a public log",
    reads="step, split, rank, a loss left out for being NaN, several runs in one file",
)
