"""The dicts that Hugging Face's Trainer prints between its progress bars, and ms-swift's, which know their step.

    {'loss': 0.6914, 'grad_norm': 0.2694534659385681, 'learning_rate': 9.84e-07, 'epoch': 0.02}
    {'loss': '2.03', 'grad_norm': '152', 'epoch': '0.003401', 'global_step/max_steps': '1/30'}

Newer versions print all values as strings. Hugging Face's own rows do not say their step: the engine takes it from the
bar of the training loop. The summary of a run (`train_runtime`) is no row of a series.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from trainvitals.parsers.numbers import NUMBER, duration, fraction
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, SKIP, Context, LineFormat, Row
from trainvitals.parsers.text.pairs import cell

_ITEM = pattern(
    r"'([^'\n]*+)': (?:"
    rf"(?P<number>{NUMBER})"
    r"|'(?P<string>[^'\n]*+)'"
    rf"|(?:np\.)?(?:float\d*|int\d*|tensor)\((?P<wrapped>{NUMBER})[^()\n]*+\)"
    r"|None|True|False|\"[^\"\n]*+\"|\[[^\[\]{}\n]*+\]"
    r")(?P<end>, |})",
    re.ASCII | re.IGNORECASE,
)

_STEP = ("global_step/max_steps", "global_step", "step", "current_steps")
_PROGRESS = frozenset((*_STEP, "epoch", "percentage", "elapsed_time", "remaining_time", "max_steps", "total_steps"))
_COUNTERS = frozenset((*_STEP, "epoch", "train_runtime"))
_MAX_TRIES = 8


def parse(text: str, context: Context) -> Row | None:
    """The row, or the summary, of a line that holds one metric dict."""
    found = _metric_dict(text)
    if found is None:
        return None
    if "train_runtime" in found:
        return Row(summary={name: value for name, value in found.items() if value != ""})
    values = {name: value for name, value in found.items() if type(value) is float and name not in _PROGRESS}
    if not values:
        return SKIP
    step = _step(found, context)
    epoch = found.get("epoch")
    time = found.get("elapsed_time")
    seconds = duration(time) if isinstance(time, str) else time
    return Row(
        values,
        step=NAN if step is None else step,
        epoch=epoch if isinstance(epoch, float) else NAN,
        time=NAN if seconds is None else seconds,
        from_bar=step is None,
    )


def _metric_dict(text: str) -> dict[str, float | str] | None:
    """The dict of metrics in a text; strings that are no numbers stay, None, lists and truth values are empty."""
    start = text.find("{'")
    for _ in range(_MAX_TRIES):
        if start < 0:
            return None
        items, end = _items(text, start + 1)
        if items is not None and _holds_metrics(items):
            return None if "{'" in text[end:] else items
        start = text.find("{'", start + 1)
    return None


def _items(text: str, position: int) -> tuple[dict[str, float | str] | None, int]:
    """The items of a flat dict from behind its brace, and where it ends; None where it is torn or nested."""
    items: dict[str, float | str] = {}
    while match := _ITEM.match(text, position):
        name, number, string, wrapped, end = match.groups()
        items[name] = float(number or wrapped) if number or wrapped else _number(string or "")
        position = match.end()
        if end == "}":
            return items, position
    return None, position


def _holds_metrics(items: Mapping[str, float | str]) -> bool:
    """Whether a dict is a row: it counts steps or epochs, or has a loss that is a number. Configurations do neither."""
    if not _COUNTERS.isdisjoint(items):
        return True
    return any((name == "loss" or name.endswith("_loss")) and isinstance(items[name], float) for name in items)


def _step(items: Mapping[str, float | str], context: Context) -> float | None:
    for name in _STEP:
        step = items.get(name, "")
        if isinstance(step, float):
            return step
        counted = fraction(step)
        if counted:
            context.total = int(counted[1])
            return counted[0]
    return None


def _number(text: str) -> float | str:
    value = cell(text)
    return text if value is None else value


LINES = LineFormat(
    name="hf_dict",
    title="Hugging Face Trainer, TRL, ms-swift: console output with a dict per logged step",
    sample="""\
  0%|          | 0/120 [00:00<?, ?it/s]\r  4%|▍         | 5/120 [00:00<00:04, 25.21it/s]\r\
{'loss': 2.0846, 'grad_norm': 0.6153868436813354, 'learning_rate': 0.0016, 'epoch': 0.04}
  4%|▍         | 5/120 [00:00<00:04, 25.21it/s]\r  8%|▊         | 10/120 [00:00<00:04, 26.96it/s]\r\
{'eval_loss': 2.086, 'eval_runtime': 0.0875, 'eval_samples_per_second': 2285.562, 'epoch': 0.08}
  8%|▊         | 10/120 [00:00<00:04, 26.96it/s]
""",
    needles=("{'",),
    parse=parse,
    origin="made with transformers 4.57.6",
    reads="step from the progress bar, epoch, the summary of the run",
)
