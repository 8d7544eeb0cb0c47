"""Progress bars as tqdm draws them: `Train:  10%|█   | 12/120 [00:01<00:09, 11.9it/s, loss=2.05]`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.blocks import NESTED

MARK = "%|"
"""What every progress bar of known length contains."""

# Bars that count in thousands ("1.2k/3.4M") are no training loops, and not matched.
_COUNT = pattern(r"\s*+(\d{1,15})/(\d{1,15}) \[", re.ASCII)
# Some writers leave the speed out.
_TIMING = pattern(r"[\d:?]++<[\d:?]++, *+(?:[^,\]=]*+(?:, *+|(?=\])|\Z))?", re.ASCII)
_RANK = pattern(r"^(?:\[?(?:rank|default)?\d{1,6}\]?:\s*+)++")
_EVALUATION = pattern(r"(?<![a-z])(?:val|eval|test|dev\b|predict|generat)", re.IGNORECASE)
_TRAINING = pattern(r"train|epoch|step|iter|tun(?:e|ing)|optimi|progress", re.IGNORECASE)
_OTHER_UNIT = pattern(r" ?(?:ex(?:amples)?|files?|tok(?:ens)?|[kMG]?i?B)/s")

_SHOWN = pattern(
    r"(?:^|[\s|,;:)\]-])((?:train(?:ing)?[ _])?loss)[ :=]{1,3}"
    r"([-+]?\d{1,18}(?:\.\d{1,18})?(?:e[-+]?\d{1,3})?|nan|inf)$",
    re.IGNORECASE | re.ASCII,
)
"""A loss at the end of a description, where `set_description` put it: `Epoch 3 | loss: 0.41:  45%|`."""

_CELLS = pattern(r" *+\S++(?: {2,}+\S++){2}")
"""The row of a table that ends in a bar: no description."""

_DESCRIPTION_LENGTH = 60

Role = Literal["train", "eval", "other"]


class Bar(NamedTuple):
    """One refresh of a progress bar.

    `inside` is what stands in its square brackets, with the closing one: time, speed and, from `postfix_at` on, what
    the writer added. `nested` tells whether the bar stands below another one.
    """

    n: int
    total: int
    description: str
    inside: str
    postfix_at: int
    role: Role
    nested: bool = False

    @property
    def postfix(self) -> str:
        """What the writer added behind the speed."""
        return self.inside[self.postfix_at :].removesuffix("]")

    @property
    def trains(self) -> bool:
        """Whether this can be the bar of the training loop: not another loop's by its words, nor below another bar."""
        return self.role == "train" and not self.nested


def pieces(text: str) -> Iterator[str | Bar]:
    """The bars of a piece of text and what stands before, between and after them, in order; blank text is left out."""
    start = 0
    mark = text.find(MARK)
    while mark >= 0:
        edge = text.find("|", mark + 2)
        count = _COUNT.match(text, edge + 1) if edge >= 0 else None
        if count is None:
            mark = text.find(MARK, mark + 2)
            continue
        before = text[start:mark].rstrip("0123456789").rstrip(" :")
        if (
            len(before) > _DESCRIPTION_LENGTH
            or "{" in before
            or ("|" in before and not _SHOWN.search(before))
            or ("   " in before and _CELLS.match(before))
        ):
            yield before
        close = text.find("]", count.end())
        start = close + 1 if close >= 0 else len(text)
        yield _bar(count, before, text[count.end() : start], text.startswith(NESTED, start))
        mark = text.find(MARK, start)
    rest = text[start:]
    if rest and not rest.isspace():
        yield rest


def _bar(count: re.Match[str], before: str, inside: str, nested: bool) -> Bar:
    description = _description(before[-_DESCRIPTION_LENGTH:]) if before else ""
    timing = _TIMING.match(inside)
    end = timing.end() if timing else len(inside)
    shown = _SHOWN.search(description) if "oss" in description and end + 2 > len(inside) else None
    if shown:
        # As if it had been put behind the speed.
        description = description[: shown.start()].rstrip(" |,;:-[(")
        end = len(inside.removesuffix("]")) + 2
        inside = f"{inside.removesuffix(']')}, {shown[1].replace(' ', '_')}={shown[2]}]"
    role = _role(description) if description else _role_by_unit(inside)
    return Bar(int(count[1]), int(count[2]), description, inside, end, role, nested)


@lru_cache(maxsize=256)
def _description(before: str) -> str:
    return _RANK.sub("", before.rpartition("}")[2].strip())


@lru_cache(maxsize=256)
def _role(description: str) -> Role:
    if _EVALUATION.search(description):
        return "eval"
    return "train" if _TRAINING.search(description) else "other"


def _role_by_unit(inside: str) -> Role:
    return "other" if "it" not in inside and _OTHER_UNIT.search(inside) else "train"
