"""The lines of trainers that weight a class of tokens: the postfix of a progress bar, and lines every some steps.

    loss: 2.05 | ppl: 7.78 | a_loss: 4.23 | o_loss: 1.98 | lr: 3.0e-04 | grad: 0.85
    Step 100 | Loss: 2.0543 (↓ Improving) | PPL: 7.81
    Article Loss: 4.2345 | Other Loss: 1.9876 | Ratio: 2.13x
    Step 500:  Article Loss: 3.2 | Other Loss: 6.5  | Ratio: 0.49x  ← Other loss dropping!

A line without a step belongs to the `Step N` line above it, a bar's postfix to the bar's own count. Both spellings of a
name (`a_loss`, `Article Loss`) become one series.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from trainvitals.parsers.formats.progress_bar import bar_row
from trainvitals.parsers.model import Split
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import NAN, Context, LineFormat, Row
from trainvitals.parsers.text.pairs import MAX_LENGTH, fields, pairs

_STEP = pattern(
    r"(?<![A-Za-z_-])step[ :=#]{0,3}(\d{1,15})(?![\d.])(?: ?/ ?\d{1,15})?[ :-]{0,3}", re.IGNORECASE | re.ASCII
)
_EPOCH = pattern(
    r"(?<![A-Za-z_-])epoch[ :=#]{0,3}(\d{1,9})(?![\d.])(?: ?/ ?\d{1,9})?[ :-]{0,3}", re.IGNORECASE | re.ASCII
)
_EVALUATION = pattern(r"(?<![a-z])(?:val|eval|test)", re.IGNORECASE)
_FIRST_NAME = pattern(r"(?<![A-Za-z_])(?:(?:article|other)[ _]|[ao]_|total[ _]|train[ _])?loss\b", re.IGNORECASE)
_SAME = {"a_loss": "article_loss", "o_loss": "other_loss", "perplexity": "ppl"}
_TYPICAL = frozenset({"article_loss", "other_loss"})
_ENOUGH = frozenset({"loss", "ppl"})
_NEAR = 5
"""Lines within which a line without a step still belongs to the `Step N` line above it."""


def parse(text: str, context: Context) -> Row | None:
    """The row of one such line; None where the keys are of another trainer."""
    if context.bar is not None:
        return _bar(context)
    if len(text) > MAX_LENGTH:
        return None
    step = _STEP.search(text)
    if step is None:
        return _without_step(text)
    epoch = _EPOCH.search(text)
    values = _values(_EPOCH.sub(" | ", text[step.end() :], count=1))
    if not values or not (_TYPICAL | _ENOUGH) & values.keys():
        return None
    split: Split = "eval" if _EVALUATION.search(text, 0, step.start()) else ""
    return Row(values, split, step=float(step[1]), epoch=float(epoch[1]) if epoch else NAN)


def _bar(context: Context) -> Row | None:
    assert context.bar is not None
    if not any(name in context.bar.inside.lower() for name in ("a_loss", "o_loss", "article", "other")):
        return None
    row = bar_row(context.bar, context)
    return row and Row(_one_spelling(row.values), step=row.step, epoch=row.epoch, refresh=True)


def _without_step(text: str) -> Row | None:
    """A line of the pair belongs to its `Step N` line; a bar's postfix alone is a refresh without a step."""
    begin = _FIRST_NAME.search(text)
    values = _values(text[begin.start() :]) if begin else None
    if not values or not _TYPICAL & values.keys():
        return None
    return Row(values, refresh="loss" in values and "ppl" in values)


def _values(text: str) -> dict[str, float] | None:
    values = pairs(fields(text))
    return None if values is None else _one_spelling(values)


def _one_spelling(values: Mapping[str, float]) -> dict[str, float]:
    plain = {name.lower().replace(" ", "_"): value for name, value in values.items()}
    return {_SAME.get(name, name): value for name, value in plain.items()}


LINES = LineFormat(
    name="article",
    title="trainers that weight a class of tokens: article and other loss in bars and lines",
    sample="""\
loss: 2.05 | ppl: 7.78 | a_loss: 4.23 | o_loss: 1.98 | lr: 3.0e-04 | grad: 0.85
Step 100 | Loss: 2.0543 (↓ Improving) | PPL: 7.81
Article Loss: 4.2345 | Other Loss: 1.9876 | Ratio: 2.13x
""",
    needles=("a_loss", "o_loss", "Article", "article", "Other Loss", "Step", "step"),
    parse=parse,
    origin="lines quoted by practitioners",
    reads="step, epoch",
    counts_bars=True,
    near=_NEAR,
)
