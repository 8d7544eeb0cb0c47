r"""Lines as templates: literal text with numbers in it, `it {step} of {} loss {loss}`.

A template is matched in time linear in the line: it is made of literals, of runs of blanks, and of numbers of which no
digit is given back. Users write them into their settings, and the reader derives them from lines that repeat.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from trainvitals.parsers.errors import TrainvitalsError
from trainvitals.parsers.text.units import SCALES

MAX_TEMPLATE = 300
"""Characters of a template; more is a paragraph, not a line of a log."""
MAX_FIELDS = 40
MAX_TEMPLATES = 50
"""Templates of one user; each is tried on every line that holds its longest literal."""
MAX_LINE = 2000
"""Characters of a line of fields."""

NUMBER = (
    r"[-+]?(?:\d{1,3}(?:,\d{3}(?!\d))++(?:\.\d++)?|\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?"
    r"|[-+]?(?:nan|inf(?:inity)?)(?!\w)"
)
"""A number with or without thousands separators. Use with re.IGNORECASE."""
_BEGIN = r"(?<![\w.])"
_FIELD = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[^\W\d][\w ./@+%-]{0,80}")


class TemplateError(TrainvitalsError):
    """A template that cannot be used; the text says why."""


@dataclass(frozen=True, slots=True)
class Template:
    """A template as a user writes it.

    Attributes:
        text: as written.
        names: of the fields that are kept, in order; those called `step`, `epoch` and `time` place the others.
        regex: finds it in a line, with a group per name.
        needle: the longest literal word of it, which every line that matches holds.
    """

    text: str
    names: tuple[str, ...]
    regex: re.Pattern[str]
    needle: str

    def match(self, line: str) -> dict[str, float] | None:
        """The numbers of a line, by name; None where the line is not of this form."""
        found = self.regex.search(line, 0, MAX_LINE)
        return dict(zip(self.names, map(value, found.groups()), strict=True)) if found else None


def value(text: str) -> float:
    """The value of a text that `NUMBER` has matched, possibly with a scale: `1,234.5`, `1.2k`."""
    try:
        return float(text)
    except ValueError:
        scale = SCALES.get(text[-1])
        return float((text[:-1] if scale else text).replace(",", "")) * (scale or 1.0)


def template(text: str) -> Template:
    """A template from its text.

    Raises:
        TemplateError: too long, braces that do not match, a name used twice or malformed, no value, or no literal.
    """
    if len(text) > MAX_TEMPLATE:
        raise TemplateError(f"longer than {MAX_TEMPLATE} characters")
    if not text.isprintable():
        raise TemplateError("holds characters that do not print")
    parts = _FIELD.split(" ".join(text.split()))
    literals, fields = parts[::2], [name.strip() for name in parts[1::2]]
    _check(literals, fields)
    kept = tuple(name for name in fields if name)
    pieces = [_literal(literals[0])]
    for name, literal in zip(fields, literals[1:], strict=True):
        pieces += [_number(literal, kept=bool(name)), _literal(literal)]
    words = " ".join(literals).split()
    return Template(text, kept, re.compile("".join(pieces), re.IGNORECASE), max(words, key=len))


def _check(literals: list[str], fields: list[str]) -> None:
    kept = [name for name in fields if name]
    if any("{" in literal or "}" in literal for literal in literals):
        raise TemplateError("has a brace without its partner")
    if not set(kept) - {"step", "epoch", "time"}:
        raise TemplateError("has no field with the name of a metric, such as {loss}")
    if len(fields) > MAX_FIELDS:
        raise TemplateError(f"has more than {MAX_FIELDS} fields")
    for name in kept:
        if not _NAME.fullmatch(name):
            raise TemplateError(
                f"{{{name}}} is no name: letters, digits and _ . / @ + % - are, beginning with a letter"
            )
        if kept.count(name) > 1:
            raise TemplateError(f"{{{name}}} stands in it twice")
    if not "".join(literals).strip():
        raise TemplateError("has no text by which its lines are recognised")
    if any(not literal for literal in literals[1:-1]):
        raise TemplateError("has two fields with nothing between them")


def _literal(text: str) -> str:
    """Literal text as written but for blanks, of which the line may have more. Case counts, unlike that of `NaN`."""
    escaped = r"\s+".join(re.escape(part) for part in text.split(" "))
    return f"(?-i:{escaped})" if escaped else ""


def _number(after: str, *, kept: bool) -> str:
    """A number that goes on neither as a number nor, where no letter is to follow it, as a word."""
    joined = after[:1].isalnum()
    body = NUMBER if joined else rf"(?:{NUMBER})[kKM]?"
    sign = "" if after.startswith("%") else "%?"
    end = r"(?![.,]?\d)" if joined else r"(?!\w|[.,]\d)"
    return _BEGIN + (f"({body})" if kept else f"(?:{body})") + sign + end
