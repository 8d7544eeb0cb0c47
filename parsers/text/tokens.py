"""The tokens of a line of an unknown layout: words, numbers with their units, and what has digits but is no number."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from trainvitals.parsers.model import Split
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text import naming
from trainvitals.parsers.text.template import NUMBER

Role = Literal["step", "batch", "epoch", "lead", "total", "identity", "process", "value"]
"""What a number is. `lead` is a bare whole number before all words: often a step, at times a rank."""

_FRACTION = r"(?:[.,]\d++)?"
_KINDS: dict[str, str] = {
    # dates with a time or without, times of day, durations of several units
    "when": r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}"
    rf"(?:[T _-]\d{{1,2}}:\d\d(?::\d\d{_FRACTION})?(?:Z|\s?[-+]\d\d:?\d\d)?)?"
    rf"|\d{{1,2}}/\d{{1,2}}(?:/\d{{2,4}})? \d{{1,2}}:\d\d(?::\d\d{_FRACTION})?"
    rf"|\d++(?::\d{{1,2}}){{1,3}}+(?![\d:]){_FRACTION}(?![\w.])"
    r"|(?:\d++(?:\.\d++)?(?:d|h|m|min|s|ms)(?![A-Za-z]) ?){2,}+",
    # versions and addresses, hexadecimal numbers and hashes, paths, links
    "other": r"\d++(?:\.\d++){2,}+[-+.\w]*+|0x[0-9a-fA-F]++|\d++[a-f][0-9a-f]{5,}+(?![\w.])"
    r"|(?<![\w.@~+/-])(?:[A-Za-z]:|~|\.{1,2})?/[^\s,;'\"]++|\w++://\S++",
    "number": rf"(?:(?<=[\[(])\d++(?=,\d)|{NUMBER})",
    # `D(G(z))` and `Time(s)` are names
    "word": r"[^\W\d][\w@#./'+%-]*+(?:\((?:%|[^\W\d]\w{0,15}+(?:\([^\W\d]\w{0,15}+\))?)\))?",
}
_UNIT = r"%|[^\W\d_]{1,8}+(?:/[^\W\d_]{1,12}+)?(?![\w(.])"
_TOKEN = pattern(
    rf"(?P<gap>\s++)|(?<![\w.])(?P<when>{_KINDS['when']})|(?<![\w.])(?P<other>{_KINDS['other']})"
    rf"|(?<![\w.])(?P<number>{_KINDS['number']})(?![.,]?\d)(?P<unit>{_UNIT})?(?!\w)"
    rf"|(?P<word>{_KINDS['word']})|(?P<mark>.)",
    re.IGNORECASE | re.DOTALL,
)
_NON_FINITE = frozenset({"nan", "inf", "infinity"})


class Field(NamedTuple):
    """A number that is kept: its name as logged, what it is, and what it is to be multiplied by.

    `split` is what a word before it says that stands in no name: `Test set: loss 0.5`.
    """

    name: str
    role: Role
    scale: float = 1.0
    split: Split = ""


def under(fields: tuple[Field, ...], split: Split) -> tuple[Field, ...]:
    """The fields of a group of rows, below a heading that says a split for those that say none.

    Rows of 900 and of 1.2k, of 980ms and of 1.1s, are of one group: a row holds what the scale makes of a number.
    """
    return tuple(one._replace(scale=1.0, split=split if split and _silent(one) else one.split) for one in fields)


def _silent(one: Field) -> bool:
    return one.role == "value" and not one.split and not naming.split_of(one.name)


@dataclass(slots=True)
class Token:
    """A part of a line, and, once names have been found, what it is for."""

    kind: str
    text: str
    unit: str = ""
    field: Field | None = None
    named: bool = False
    """A word of the name of a field."""

    @property
    def whole(self) -> bool:
        """Whether it is a number without sign, fraction and exponent."""
        return self.kind == "number" and self.text.replace(",", "").isdigit()

    @property
    def holds_digit(self) -> bool:
        """Whether it is a word with a digit that belongs to no name."""
        return self.kind == "word" and not self.named and any(c.isdigit() for c in self.text)

    @property
    def varies(self) -> bool:
        """Whether the next line may have another one in its place: a date, an address, the name of a checkpoint."""
        return self.kind in ("when", "other") or self.holds_digit


def tokens(line: str) -> list[Token]:
    """All of a line, in order."""
    return [_token(match) for match in _TOKEN.finditer(line)]


def _token(match: re.Match[str]) -> Token:
    if match["number"] is not None:
        return Token("number", match["number"], match["unit"] or "")
    text = match[0]
    return Token("number" if text.lower() in _NON_FINITE else match.lastgroup or "mark", text)


def expression(parts: Sequence[Token]) -> str:
    """The pattern that all lines of these tokens have in common, with a group for every field."""
    return "".join(map(_piece, parts))


def _piece(token: Token) -> str:
    if token.kind == "gap":
        return r"\s++"
    if token.kind == "number":
        number = _KINDS["number"]
        return (f"({number})" if token.field else f"(?:{number})") + re.escape(token.unit)
    return f"(?:{_KINDS[token.kind]})" if token.varies else f"(?-i:{re.escape(token.text)})"


def shown(parts: Sequence[Token]) -> str:
    """The tokens as a template: `epoch {epoch} | loss {loss}`."""
    return "".join(map(_shown, parts))


def _shown(token: Token) -> str:
    if token.kind == "gap":
        return " "
    if token.kind != "number":
        return "{}" if token.varies else token.text
    named = token.field is not None and token.field.role != "total"
    return ("{" + (token.field.name or "count") + "}" if token.field and named else "{}") + token.unit
