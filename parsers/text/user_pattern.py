"""Line formats that users write down: `it {step} of {} loss {loss} val {eval_loss}`.

Such a pattern goes before all other line formats for the lines that it matches; what stands before and behind the match
does not count. In the postfix of a progress bar a pattern without `{step}` takes the step from the bar.
"""

from __future__ import annotations

from trainvitals.parsers.text.laps import count_on
from trainvitals.parsers.text.line_format import NAN, Context, LineFormat, Row
from trainvitals.parsers.text.template import Template

PREFIX = "pattern "
_PLACES = frozenset({"step", "epoch", "time"})


def line_format(template: Template) -> LineFormat:
    """The line format of a template; its name begins with `PREFIX`."""

    def parse(text: str, context: Context) -> Row | None:
        values = template.match(text)
        if values is None:
            return None
        bar = context.bar
        step = values.get("step", count_on(bar, context) if bar is not None else NAN)
        metrics = {name: value for name, value in values.items() if name not in _PLACES}
        epoch = values.get("epoch", context.epoch if bar is not None else NAN)
        return Row(metrics, step=step, epoch=epoch, time=values.get("time", NAN), refresh=bar is not None)

    return LineFormat(
        name=PREFIX + template.text,
        title="a pattern of the user's settings",
        sample="",
        needles=(template.needle,),
        parse=parse,
    )
