"""`name: number` fields of a line, as people print them: `Loss: 2.0543 (improving) | PPL: 7.81 | Ratio: 2.13x`.

The rule for numbers: a decimal number, `nan` or `inf`. A trailing `x` (a factor) is left out; so is a trailing `%`, and
81.5% reads as 81.5. Anything else that touches the digits makes them no number: an overwritten progress bar leaves
`0.8513.8369`, and half of that is not a measurement.
"""

from __future__ import annotations

import re

from trainvitals.parsers.numbers import NUMBER, number
from trainvitals.parsers.patterns import pattern

MAX_LENGTH = 2000
"""Characters of a line of fields; a longer one is none that a person printed."""

_NAME = r"([A-Za-z_][\w/.@+-]*+(?: [A-Za-z_(][\w/.@+)-]*+){0,3}+)\s*+[:=]\s*+"
_SEPARATOR = pattern(r"\s{2,}|\s*\|\s*|[,;]\s+|\s-\s")
# The factor sign may have been decoded with the wrong code page.
_PAIR = pattern(rf"{_NAME}({NUMBER})(?:x|×|Ã—|%)?(?![\w.]|[-+,:/]\d)", re.IGNORECASE | re.ASCII)
_NO_METRIC = pattern(rf"{_NAME}(?:(?:{NUMBER})?[A-Za-z_]\S*+|\d++(?:[:/]\d++)++)\Z", re.IGNORECASE | re.ASCII)
_BRACKETED = pattern(r"(?:\A|(?<=\s))\([^()]*+\)")
_DIGIT = pattern(r"\d")
_FURTHER_PAIR = pattern(r"[A-Za-z] ?[:=] ?[-+.\d]")
_COMMENT = ("(", "[", "{", "<", "#", "←", "→", "↓", "↑")


def cell(text: str) -> float | None:
    """The value of a number that may carry the sign of a factor or of per cent; None for anything else."""
    text = text.strip(" ")
    return number(text[:-1] if text[-1:] in ("x", "%") else text)


def fields(text: str) -> list[str]:
    """A line without remarks in brackets, cut at bars, commas, lone dashes and wide gaps; empty parts are left out."""
    return [part for part in _SEPARATOR.split(_BRACKETED.sub("", text).strip()) if part]


def pair(field: str) -> tuple[str, float] | None:
    """(name, value) of a field that begins with `name: number`; a comment may follow, but no further pair."""
    match = _PAIR.match(field)
    if match is None:
        return None
    rest = field[match.end() :].lstrip()
    if rest and not rest.startswith(_COMMENT) and _FURTHER_PAIR.search(rest):
        return None
    return match[1], float(match[2])


def pairs(parts: list[str]) -> dict[str, float] | None:
    """All pairs among fields; words, comments, and values with a unit are passed over.

    None where a field has digits and is none of these: then the line is of another shape, or damaged.
    """
    found: dict[str, float] = {}
    for part in parts:
        read = pair(part)
        if read is not None:
            found[read[0]] = read[1]
        elif _DIGIT.search(part) and not part.startswith(_COMMENT) and not _NO_METRIC.match(part):
            return None
    return found
