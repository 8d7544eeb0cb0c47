"""What Keras prints: a progress bar per epoch, whose last refresh has the numbers of the epoch.

    Epoch 1/10
    1875/1875 [==============================] - 2s 1ms/step - loss: 0.4830 - accuracy: 0.8330 - val_loss: 0.5206
    1875/1875 ━━━━━━━━━━━━━━━━━━━━ 2s 1ms/step - accuracy: 0.8330 - loss: 0.4830

A refresh before the last batch, or with a time left, is a running value; where the terminal's control characters were
lost it may also hold the rest of an older, longer line. It gives no number. What `evaluate` prints has no epoch of its
own: it is a number about the run. The bar counts batches or, in old versions, samples, so a row has an epoch and no
step. `Epoch 1/..` after later epochs begins another run; fits of a single epoch in a row are rounds of one training.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER, number
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row

_SPEED = r"\d++(?:ms|us|µs|s)/(?:step|sample|epoch)"
_BAR = pattern(
    r"\s*+(?:(?P<n>\d{1,12})/(?P<total>\d{1,12}|Unknown|\?|None) ?(?P<bar>\[[=>.]++\]|[━╸╺ ]++)?)?(?: ?- ?)?\s*+"
    rf"(?:(?P<left>ETA:? ?\S*)|(?:\d++(?:ms|us|µs|s|m|h)|\d++(?::\d++)+)(?:(?: -)? {_SPEED})?|{_SPEED})",
    re.ASCII,
)
_ITEM = pattern(rf" ?- ([A-Za-z_][\w/.]*+): ({NUMBER})(?=[\s\b]|\Z)", re.ASCII | re.IGNORECASE)
_TAIL = pattern(rf"(?: - {_SPEED})*[\b\s]*\Z", re.ASCII)
_DONE, _COUNT, _HEADERS, _VALIDATED = "keras_n", "keras_total", "keras_headers", "keras_validated"


def parse(text: str, context: Context) -> Row | None:
    """The row of a refresh that ends an epoch; every other refresh is understood and gives nothing."""
    bar = _BAR.match(text)
    if bar is None or context.bar is not None or not (bar["bar"] or bar["left"] or " - " in text):
        return None
    n, total = number(bar["n"] or "0"), number(bar["total"] or "0")
    marks = context.marks
    assert n is not None
    began = n < marks.get(_DONE, n)
    marks[_DONE] = n
    if bar["left"] or n != total or total is None:
        if began:
            marks[_VALIDATED] = 1.0 if marks.get(_HEADERS) == context.headers else 0.0
        return SKIP
    values = _items(text, bar.end())
    if values is None:
        return None
    return _row(values, total, context) if values else SKIP


def _row(values: dict[str, float], total: float, context: Context) -> Row:
    """The row of an epoch, or the summary of an evaluation: a second bar since the epoch was opened."""
    marks = context.marks
    again = marks.get(_HEADERS, 0.0) == context.headers
    validates = any(name.startswith("val_") for name in values)
    if again and (marks.get(_VALIDATED) or marks.get(_COUNT) != total) and not validates:
        return Row(summary={f"evaluate/{name}": value for name, value in values.items()})
    single = context.epochs == 1
    epoch = float(context.headers) if single else context.epoch
    starts = not single and not again and context.goes_back(epoch, opened=True)
    marks.update({_HEADERS: context.headers, _COUNT: total, _VALIDATED: float(validates)})
    return Row(values, epoch=epoch, refresh=True, starts_run=starts)


def _items(text: str, position: int) -> dict[str, float] | None:
    """Names and numbers; None where anything else follows, or a name comes twice: the rest of another line."""
    values: dict[str, float] = {}
    while match := _ITEM.match(text, position):
        if match[1] in values:
            return None
        values[match[1]] = float(match[2])
        position = match.end()
    return values if _TAIL.match(text, position) else None


LINES = LineFormat(
    name="keras_text",
    title="Keras: what fit() prints",
    sample="""\
Epoch 1/3
\x1b[1m5/8\x1b[0m \x1b[32m━━━━━━━━━━━━\x1b[0m\x1b[37m━━━━━━━━\x1b[0m \x1b[1m0s\x1b[0m 16ms/step - \
loss: 1.3822 - mae: 0.9632\r\
\x1b[1m8/8\x1b[0m \x1b[32m━━━━━━━━━━━━━━━━━━━━\x1b[0m\x1b[37m\x1b[0m \x1b[1m0s\x1b[0m 15ms/step - \
loss: 1.2642 - mae: 0.8985 - val_loss: 1.0864 - val_mae: 0.8815
""",
    needles=("s/step", "s/sample", "ETA", "s - ", "/epoch"),
    parse=parse,
    origin="made with keras 3.15.1; bars of older versions are tested",
    reads="epoch, several runs in one file",
)
