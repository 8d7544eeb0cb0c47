r"""One sanitiser per sink. Every byte of a log, and every file name, may have been chosen by somebody else.

Whatever a renderer prints passes one of these first: a terminal must not be steered by a metric name, a job log must
not obey a line of a training log, and a pull request must not show a forged heading or call a stranger.
"""

from __future__ import annotations

import dataclasses
import html
import re
import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

NAME_CELLS = 200
"""Terminal cells of a name or of a quoted line; longer ones are cut."""
SENTENCE_CELLS = 1000
"""Terminal cells of a sentence of ours, which may contain names."""
SENTENCES = frozenset({"message", "remedy", "how", "reason", "summary", "problems", "evidence", "says", "warnings"})
"""Fields of a report that hold sentences of ours."""

FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # C0 (so that one value is one line), DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # change the direction of what follows
    "\u2028\u2029"  # end a line for some readers and not for others
    "\u00ad\u180e\u200b-\u200d\u2060-\u2065\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"  # cannot be seen at all
    "\ud800-\udfff]"  # cannot be encoded
)
# A line that begins with `::`, or has `##[`, `##vso[` or `##teamcity[` anywhere, is a command to a build server.
_COMMAND = re.compile(r"(?:(?<=\s)|^):(?=:)|(?<=#)#(?=\w*\[)")
_SECRET = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{20,}|AKIA[A-Z0-9]{16}|xox[abprs]-[\w-]{10,})"
    r"|(?<=key=)[0-9a-f]{40}\b"
)
_SECRET_NAME = re.compile(r"(?:_|\b)(?:api_?key|key|token|secret|password|passwd|credentials?)$", re.IGNORECASE)
_NOT_SECRET = re.compile(r"(?:pad|eos|bos|unk|sep|cls|mask|special|image|video)_token$", re.IGNORECASE)
HIDDEN = "<hidden>"

CSV_FORMULA = r"^[=+\-@\t\r\n\x00]"
"""A text cell that begins like this is a formula to a spreadsheet."""


def terminal(text: str, limit: int = NAME_CELLS) -> str:
    r"""One line that a terminal or a job log shows and does not obey: what cannot be seen becomes `\x1b`.

    Idempotent: its output has no forbidden code point, and it leaves such text as it is.
    """
    # Cut twice: a megabyte need not be escaped, and escapes are longer than what they stand for.
    shown = FORBIDDEN.sub(_escape, text[: 2 * limit + 2])
    return clip(_COMMAND.sub(_escape, shown), limit)


def cells(text: str) -> int:
    """Terminal columns of a text: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    return sum(map(_cell, text))


def clip(text: str, limit: int, mark: str = "...") -> str:
    """The text, or its beginning and a mark that something is missing, within `limit` cells."""
    if len(text) <= limit and cells(text) <= limit:
        return text
    room, kept = limit - cells(mark), 0
    for index, character in enumerate(text[:room]):
        kept += _cell(character)
        if kept > room:
            return text[:index] + mark
    return text[:room] + mark


def markdown_code(text: str, *, in_table: bool = False) -> str:
    """A code span: neither markup, HTML, links nor mentions work inside."""
    shown = terminal(text).replace("@", "@\u200b").replace("#", "#\u200b")
    shown = shown.replace("|", "\\|") if in_table else shown
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown.strip() else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


# `_` inside a word and `:` before a space or a line number are plain text; escaped, the source would be hard to read.
_MARKUP = re.compile(
    r"[\\`*\[\]!|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=\S)(?!\d+(?![\d:]))|(?<=\bwww)\.", re.IGNORECASE
)
_ENTITIES = str.maketrans({"<": "&lt;", ">": "&gt;", "&": "&amp;", "@": "@\u200b", "#": "#\u200b"})


def markdown_text(text: str) -> str:
    """A sentence inside a paragraph or a table cell: shown literally, whatever names it contains."""
    return _MARKUP.sub(r"\\\g<0>", terminal(text, SENTENCE_CELLS)).translate(_ENTITIES)


def xml(text: str, limit: int = SENTENCE_CELLS) -> str:
    """Text for an element or an attribute of XML 1.0 or HTML, without the characters that these cannot hold."""
    return html.escape(terminal(text, limit), quote=True)


def github_data(text: str) -> str:
    """The message of a workflow command: one line, whatever it holds."""
    return terminal(text, SENTENCE_CELLS).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def github_property(text: str) -> str:
    """A property of a workflow command: it ends neither itself nor the command."""
    return github_data(text).replace(":", "%3A").replace(",", "%2C")


def json_text(text: str) -> str:
    """Text that every JSON reader and every encoder takes: lone surrogates become U+FFFD."""
    if text.isascii():
        return text
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def without_secrets(text: str) -> str:
    """The text without what looks like an access token."""
    return _SECRET.sub(HIDDEN, text)


def setting_value(name: str, value: str) -> str:
    """A hyperparameter as it may be shown: the value of a key, a token or a password is hidden."""
    if _SECRET_NAME.search(name) and not _NOT_SECRET.search(name) and value not in ("", "None", "null"):
        return HIDDEN
    return without_secrets(value)


# A name begins where no letter stands before it, and gives nothing back: a long line is looked at once.
_ASSIGNED = re.compile(r"""(?<![\w.-])([\w.-]++)(["']?\s*[:=]\s*)("[^"]*"|'[^']*'|[^\s,;}"']+)""")


def line_without_secrets(text: str) -> str:
    """A line of a log or a config without access tokens, and without what is assigned to a secret name.

    >>> line_without_secrets('"lr": 0.1, "api_key": "sesame", "eos_token": "</s>"')
    '"lr": 0.1, "api_key": <hidden>, "eos_token": "</s>"'
    """
    return _ASSIGNED.sub(_unassigned, without_secrets(text))


def _unassigned(match: re.Match[str]) -> str:
    name, between, value = match.groups()
    hidden = setting_value(name, value.strip("\"'")) == HIDDEN
    return f"{name}{between}{HIDDEN}" if hidden else match[0]


def for_terminal(report: T) -> T:
    """A report, or any part of one, whose every text is inert and without access tokens."""
    return map_text(report, lambda name, text: terminal(without_secrets(text), _limit(name)))


def map_text(value: T, change: Callable[[str, str], str], name: str = "") -> T:
    """The same frozen data with `change(name of the field, text)` applied to every text in it."""
    return _map(value, change, name)  # type: ignore[no-any-return]


def _map(value: Any, change: Callable[[str, str], str], name: str) -> Any:
    if isinstance(value, str):
        return change(name, value)
    if isinstance(value, tuple):
        # Thinned curves are the bulk of a report, and hold no text.
        numbers = all(isinstance(item, float) for item in value)
        return value if numbers else tuple(_map(item, change, name) for item in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _map(getattr(value, f.name), change, f.name) for f in dataclasses.fields(value)}
        return type(value)(**fields)
    return value


def _limit(field: str) -> int:
    return SENTENCE_CELLS if field in SENTENCES else NAME_CELLS


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if character in ":#":
        return f"\\x{ord(character):02x}"
    return character.encode("unicode_escape").decode("ascii")


def _cell(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
