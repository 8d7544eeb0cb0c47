"""Progress bars that carry metrics behind their speed: `Epoch 1:  12%|█ | 120/1000 [00:10<01:13, 11.9it/s, loss=2.05]`.

The step is the bar's own count. A bar that starts anew every epoch goes on counting: epochs by their number where the
description has one, else by the rounds that were filled before. Bars of evaluations are understood and left out: what
they show is a running value of an unfinished evaluation.
"""

from __future__ import annotations

from trainvitals.parsers.text.bars import Bar
from trainvitals.parsers.text.laps import count_on
from trainvitals.parsers.text.line_format import SKIP, Context, LineFormat, Row
from trainvitals.parsers.text.pairs import MAX_LENGTH, fields, pairs

_NO_METRICS = frozenset({"epoch", "step", "iter", "global_step"})
_VERSION = "v_num="


def parse(text: str, context: Context) -> Row | None:  # noqa: ARG001 - the bar is in the context
    """The row of one refresh of a bar whose postfix names a loss."""
    bar = context.bar
    if bar is None or len(bar.inside) > MAX_LENGTH:
        return None
    return bar_row(bar, context)


def bar_row(bar: Bar, context: Context) -> Row | None:
    """The values of a bar's postfix at the step that the bar shows; None where the postfix is no list of pairs."""
    # The version of a Lightning logger may be any text.
    values = pairs([field for field in fields(bar.postfix) if not field.startswith(_VERSION)])
    if values is None:
        return None
    if bar.role == "eval" or bar.nested:
        return SKIP
    step = count_on(bar, context)
    return Row(
        {name: value for name, value in values.items() if name.lower() not in _NO_METRICS},
        step=step,
        epoch=context.epoch,
        refresh=True,
    )


LINES = LineFormat(
    name="progress_bar",
    title="progress bars (tqdm) with the loss behind their speed",
    sample="""\
Epoch 2:  90%|███████████████████████████   | 90/100 [00:01<00:00, 49.30it/s, acc=0.542, loss=0.635]\r\
Epoch 2: 100%|█████████████████████████████| 100/100 [00:02<00:00, 49.31it/s, acc=0.547, loss=0.628]
""",
    needles=("loss", "Loss"),
    parse=parse,
    precision=3,
    origin="made with tqdm 4.70.1",
    reads="step from the bar, epoch from its description",
    counts_bars=True,
)
