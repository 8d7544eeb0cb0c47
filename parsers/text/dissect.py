"""What stands in one line of an unknown layout: which of its numbers have a name, and what they are.

    | epoch   1 |   200/ 2983 batches | lr 20.00 | ms/batch 12.30 | loss  7.60 |
          epoch     step, of a total     lr         ms/batch          loss

The name of a number is the words before it, up to the number or mark before them: `loss 0.5`, `loss: 0.5`,
`loss = 0.5`, `[loss] 0.5`, `loss - 0.5`, `| loss | 0.5 |`. Prose gives no names, and no series come of dates,
durations, sizes, versions, addresses and files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from trainvitals.parsers.model import SPLIT_WORDS, Split
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text import naming
from trainvitals.parsers.text.template import MAX_LINE
from trainvitals.parsers.text.tokens import Field, Token, expression, shown, tokens
from trainvitals.parsers.text.units import COUNT_UNITS, SCALES, SIZE_UNITS, STEP_TIMES, TIME_UNITS

_CODE = pattern(
    r"(?<!=)==(?![=>])|[-+*/]=|\bself\.|\bdef |\breturn\b|\bimport |%[ds]|\{:|=\s*+[^\W\d][\w.]*+\("
    r"|[a-z_]\.[a-z_]\w*+\(|\A\s*+(?:[-+<>][^\W\d]|@@|#include|[{\"'])|[\"']\s*+:"
)
"""Source code and what tools for it print, JSON and other files of settings."""
_STATEMENT = pattern(r";\s*+\Z")
_ROW = pattern(r"(?:step|iter(?:ation)?|epoch)[ :=#]{0,3}\d", re.IGNORECASE)
"""What no statement has: `Step 50/1000; ppl: 9.1;`."""
_LEVELS = frozenset({"info", "debug", "warning", "warn", "error", "notice", "root", "i", "w", "e"})
_CUTS = frozenset(
    {
        "of", "in", "at", "for", "on", "to", "from", "by", "with", "the", "a", "an", "and", "is", "was", "are",
        "took", "after", "than",
    }
)  # fmt: skip
"""Words that end the prose before a name (`end of epoch`), or keep a number from having one (`saved at 5`)."""
_AMOUNTS = frozenset({"number", "total", "maximum", "amount", "sum"})
_LINKS = frozenset({"is", "was", "are", "of"})
_MAX_WORDS = 4
_MAX_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Shape:
    """How to read all lines that differ from one another by their numbers only.

    Attributes:
        text: the line as a template, for people.
        fields: of the groups of `regex`, in order.
        varying: whether a word or a path of it holds digits that may be other ones in the next line.
    """

    text: str
    fields: tuple[Field, ...]
    regex: re.Pattern[str]
    varying: bool = False

    @property
    def scaled(self) -> bool:
        """Whether a number of it is in thousands or millions."""
        return any(one.scale != 1 for one in self.fields)

    @property
    def measures(self) -> bool:
        """Whether any of its numbers could be a metric."""
        return any(one.role == "value" for one in self.fields)

    @property
    def counts(self) -> bool:
        """Whether a number of it counts steps or epochs by its name."""
        return any(one.role in ("step", "batch", "epoch") for one in self.fields)

    @property
    def promises(self) -> bool:
        """Whether such lines can be a curve, or the headings of one: most lines with a number are neither."""
        return self.counts or any(one.role == "value" and naming.is_metric(one.name) for one in self.fields)


@dataclass(slots=True)
class _Reading:
    """The words that may name the next number, and how they are set off from it."""

    words: list[Token] = field(default_factory=list)
    before: str = ""
    """The metric that was named before a step or an epoch: `Cost after iteration 100: 0.69`."""
    broken: bool = False
    explicit: bool = False
    listed: bool = False
    """Whether a bracket has been opened behind `name=`: a list may follow."""
    waiting: str = ""
    """`before`, once a colon stands behind that count."""

    def word(self, token: Token) -> None:
        if self.broken or self.explicit:
            self.clear()
        self.words.append(token)

    def mark(self, text: str) -> None:
        if text in ":=":
            self.explicit = bool(self.words)
            self.waiting = "" if self.words else self.before
        elif text in ",;{}<>≈~±":
            # What is about a number, or below it, is no measurement.
            self.clear()
        elif text in "|-–—→[]()":
            self.before = self.before or (_metric_before(self) if text == "(" else "")
            self.broken = True
            self.listed = self.listed or (text in "[(" and self.explicit)

    def clear(self) -> None:
        self.words, self.broken, self.explicit, self.listed, self.waiting = [], False, False, False, ""


def dissect(line: str) -> tuple[Shape, tuple[str, ...]] | None:
    """The shape of a line with a number that has a name or leads the line, and the texts of its fields.

    None for all other lines, and for damaged ones.
    """
    if len(line) > MAX_LINE or _CODE.search(line) or (_STATEMENT.search(line) and not _ROW.search(line)):
        return None
    parts = tokens(line.strip())
    if any(part.kind == "mark" and part.text.isdigit() for part in parts):
        return None
    _name(parts)
    _with_splits(parts)
    fields = tuple(part.field for part in parts if part.field)
    if not fields or len(fields) > _MAX_FIELDS:
        return None
    varying = any(part.kind == "other" or part.holds_digit for part in parts)
    shape = Shape(shown(parts), fields, pattern(expression(parts), re.IGNORECASE), varying)
    return shape, tuple(part.text for part in parts if part.field)


def _name(parts: list[Token]) -> None:
    """Give every number that is one of a series, or counts its rows, its field."""
    state = _Reading()
    leading = True
    done = 0
    for i, token in enumerate(parts):
        if i < done:
            continue
        if token.kind == "word":
            leading = False
            state.word(token)
        elif token.kind == "number" and not _begins_range(parts, i):
            no_field = _in_list(parts, i, state) or (_ends_range(parts, i) and not token.whole)
            name = _label(state) if state.words else state.waiting
            before = state.before or _metric_before(state)
            done = i + 1 if no_field else _number(parts, i, name, leading=leading)
            state.clear()
            state.before = before if token.field and naming.counter(token.field.name) else ""
        elif token.kind in ("when", "other"):
            state.clear()
        elif token.kind == "mark":
            state.mark(token.text)
        elif len(token.text) > 1 or token.text == "\t":
            state.broken = True


def _in_list(parts: list[Token], i: int, state: _Reading) -> bool:
    """Whether a number is the first of several under one name: `counts=[12, 5]`."""
    behind = next(_solid(parts, i + 1, 1), None)
    return state.listed and behind is not None and parts[behind].text == ","


def _begins_range(parts: list[Token], i: int) -> bool:
    """Whether a number is the first of `1-90`: the second one says how far the log has come."""
    return i + 2 < len(parts) and parts[i + 1].text in "-–" and parts[i + 2].kind == "number"


def _ends_range(parts: list[Token], i: int) -> bool:
    return i > 1 and parts[i - 1].text in "-–" and parts[i - 2].kind == "number"


def _label(state: _Reading) -> str:
    """The name that the words make up; empty where they are prose."""
    words = state.words
    while len(words) > 1 and words[0].text.lower().strip(".'\"") in _LEVELS:
        words = words[1:]
    if not state.explicit and len(words) > 1 and words[-1].text.lower() in _LINKS:
        words = words[:-1]
    begin = max((i for i, word in enumerate(words) if word.text.lower() in _CUTS or _ends(word.text)), default=-1) + 1
    if begin == len(words) and words and _ends(words[-1].text):
        begin = 0
    # `total number of epochs` is a setting.
    if len(words) - begin > _MAX_WORDS or any(word.text.lower() in _AMOUNTS for word in words[:begin]):
        return ""
    words = words[begin:]
    for word in words:
        word.named = True
    return " ".join(word.text.strip("'\"") for word in words).rstrip("'\"-/.+%#")


def _ends(word: str) -> bool:
    """Whether a word ends a sentence (`finished.`), and is not cut short by its point (`Avg.`, `Val.`)."""
    return len(word) > 4 and word.endswith(".") and word.isascii() and not naming.is_metric(word)


def _metric_before(state: _Reading) -> str:
    """The metric that is named before a count: `Cost` in `Cost after iteration`, `Loss` in `Loss (epoch`."""
    cut = max((i for i, word in enumerate(state.words) if word.text.lower() in _CUTS), default=len(state.words))
    if state.explicit or not 0 < cut <= _MAX_WORDS:
        return ""
    name = " ".join(word.text for word in state.words[:cut])
    return name if naming.is_outcome(name) else ""


def _number(parts: list[Token], i: int, name: str, *, leading: bool) -> int:
    """Say what the number at `i` is; the index of the first token behind what belongs to it."""
    if total := _total(parts, i):
        return _count(parts, i, total, name)
    token = parts[i]
    unit, end = _unit(parts, i)
    low = unit.lower()
    if low in COUNT_UNITS and (token.unit or not name):
        token.field = Field(unit, naming.counter(unit) or "batch")
    elif low in STEP_TIMES and naming.is_pace(name):
        token.field = Field(name, "value", STEP_TIMES[low])
        return end
    elif low in TIME_UNITS or low in SIZE_UNITS:
        return i + 1
    elif naming.is_split(name) and token.whole and _begins_count(parts, i):
        token.field = Field(name, "epoch")
    elif name:
        token.field = _named(name, token, unit)
        return i + 1
    elif leading and token.whole and not unit and "," not in token.text:
        token.field = Field("", "lead")
    elif "/" in unit:
        token.field = Field(unit, "value")
    elif not unit and (word := _name_behind(parts, i)):
        token.field, parts[word].named = Field(parts[word].text, "value"), True
        return word + 1
    return end


def _named(name: str, token: Token, unit: str) -> Field | None:
    scale = SCALES.get(token.unit, 1.0)
    if role := naming.counter(name):
        return Field(name, role, scale)
    if naming.is_process(name) and token.whole:
        return Field(name, "process")
    if naming.is_identity(name) and token.whole:
        return Field(name, "identity")
    rate = "/" in unit and naming.is_split(name)
    return None if rate or naming.is_no_metric(name) else Field(name, "value", scale)


def _count(parts: list[Token], i: int, total: int, name: str) -> int:
    """`12/500` counts batches, or what its name says; of `Accuracy: 9400/10000 (94%)` the share is the value."""
    unit, end = _unit(parts, total)
    role = naming.counter(name) if name else None
    if role or (not name and (not unit or unit.lower() in COUNT_UNITS)):
        parts[i].field, parts[total].field = Field(name, role or "batch"), Field("", "total")
    elif name and (share := _share(parts, total + 1)):
        parts[share].field = Field(name, "value")
        return share + 1
    return end


def _total(parts: list[Token], i: int) -> int:
    """Where the total of a count such as `12/500` or `12 of 500` stands; 0 for other numbers."""
    token = parts[i]
    found = list(_solid(parts, i + 1, 2))
    if token.unit or not token.whole or len(found) < 2:
        return 0
    between, total = parts[found[0]], parts[found[1]]
    joined = between.text == "/" if between.kind == "mark" else between.text.lower() == "of"
    if not joined or not total.whole or _amount(token) > _amount(total):
        return 0
    return found[1]


def _begins_count(parts: list[Token], i: int) -> bool:
    """Whether a count in square brackets stands behind a number, which is then the epoch: `Train: 3 [50/1251`."""
    found = list(_solid(parts, i + 1, 2))
    return len(found) == 2 and parts[found[0]].text == "[" and _total(parts, found[1]) > 0


def _amount(token: Token) -> float:
    return float(token.text.replace(",", ""))


def _unit(parts: list[Token], i: int) -> tuple[str, int]:
    """The unit of the number at `i`, joined to it or the next word, and the index behind it."""
    if parts[i].unit:
        return parts[i].unit, i + 1
    if len(parts) < i + 3 or parts[i + 1].kind != "gap" or parts[i + 2].kind != "word":
        return "", i + 1
    word = parts[i + 2].text.rstrip(".")
    low = word.lower()
    known = low in TIME_UNITS or low in SIZE_UNITS or "/" in word or (low in COUNT_UNITS and low.endswith("s"))
    # A unit that has a number behind it is the name of that one.
    rest = [parts[j] for j in _solid(parts, i + 3, 2)]
    names = bool(rest) and (rest[0].kind == "number" or (rest[0].text in ":=" and rest[-1].kind == "number"))
    return (word, i + 3) if known and not names else ("", i + 1)


def _solid(parts: list[Token], start: int, limit: int) -> Iterator[int]:
    """The indices of the next tokens that are no blanks."""
    found = (j for j in range(start, min(len(parts), start + 2 * limit)) if parts[j].kind != "gap")
    return (j for _, j in zip(range(limit), found, strict=False))


def _name_behind(parts: list[Token], i: int) -> int:
    """The single word behind a number that stands between commas with it: `0.477 avg, 0.001 rate,`."""
    rest = parts[i + 1 : i + 4]
    if [p.kind for p in rest[:2]] != ["gap", "word"] or "." not in parts[i].text:
        return 0
    closed = len(rest) < 3 or (rest[2].kind == "mark" and rest[2].text in ",;|")
    return i + 2 if closed and not naming.is_no_metric(rest[1].text) else 0


def _share(parts: list[Token], start: int) -> int:
    """The per cent in brackets behind a count of hits; 0 where there is none."""
    for j in range(start, min(start + 4, len(parts))):
        if parts[j].kind == "number":
            return j if parts[j].unit == "%" and parts[j - 1].text == "(" else 0
        if parts[j].kind not in ("gap", "mark"):
            return 0
    return 0


def _with_splits(parts: list[Token]) -> None:
    """Give the metrics whose names say none the split of the last word before them that is one, outside of names.

    Where the first name has the only split in it (`valid loss: 0.7 - acc: 0.6`), it holds for all others.
    """
    split: Split = ""
    words: list[str] = []
    metrics: list[Token] = []
    for part in parts:
        if part.kind == "word":
            words.append(part.text)
        elif part.field and part.field.role == "value":
            own = len(part.field.name.split())
            split = _last_split(words[:-own] if own <= len(words) else words, split)
            words.clear()
            part.field = part.field._replace(split="" if naming.split_of(part.field.name) else split)
            metrics.append(part)
    named = [naming.split_of(part.field.name) for part in metrics if part.field]
    if not split and len(set(named)) == 2 and named[0] and not any(named[1:]):
        for part in metrics[1:]:
            part.field = part.field and part.field._replace(split=named[0])


def _last_split(words: list[str], before: Split) -> Split:
    return next((s for word in reversed(words) if (s := SPLIT_WORDS.get(word.lower().strip("'\"."), ""))), before)
