"""The log file of llm.c (`main.log`), which the first records of modded-nanogpt also have.

    s:1 trl:10.9598 lr:0.000002 norm:15.24
    s:250 tel:6.5893
    s:250 eval:0.2453

`trl` is the training loss of one step, `tel` the loss on the validation split, `eval` the accuracy on HellaSwag.
"""

from __future__ import annotations

import re

from trainvitals.parsers.model import Split
from trainvitals.parsers.numbers import NUMBER
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context, LineFormat, Row

_LINE = pattern(rf"s:(\d{{1,15}})((?: [a-z]{{1,8}}:(?:{NUMBER}))+)\s*", re.ASCII | re.IGNORECASE)
_KINDS: dict[str, tuple[str, Split]] = {
    "trl": ("trl", "train"),
    "tel": ("tel", "eval"),
    "eval": ("hellaswag", "eval"),
}


def parse(text: str, context: Context) -> Row | None:  # noqa: ARG001 - every line says all of it
    """The row of one line."""
    match = _LINE.fullmatch(text)
    if match is None:
        return None
    found = [item.split(":") for item in match[2].split()]
    kind = _KINDS.get(found[0][0])
    if kind is None:
        return None
    first, split = kind
    values = {first: float(found[0][1]), **{name: float(value) for name, value in found[1:]}}
    return Row(values, split=split, step=float(match[1]))


LINES = LineFormat(
    name="llmc",
    title="llm.c: main.log",
    sample="""\
s:0 tel:10.968871
s:0 trl:10.9656 lr:0.000002 norm:15.24
s:1 trl:10.8140 lr:0.000003 norm:14.98
""",
    needles=(" trl:", " tel:", " eval:"),
    parse=parse,
    precision=6,
    origin="a public main.log of llm.c; one of KellerJordan/modded-nanogpt is tested",
    reads="step, split",
)
