"""Recognises lines that look like metrics, to tell which of them no line format has understood."""

from __future__ import annotations

import re

from trainvitals.parsers.patterns import pattern

_LOOKED_AT = 4096
"""Characters of a line that are looked at."""

# A damaged number counts too: that the line could not be read is what is to be told.
_PAIR = pattern(
    r"(?<![\w/.-])([A-Za-z_][\w/.-]*+)[\"']?(?:\s?[:=]\s*+[\"']?[-+]?(?:\.?\d|(?:nan|inf)\b)|\s[-+]?\d+\.\d)",
    re.IGNORECASE | re.ASCII,
)
_NO_LOSS = pattern(r"scale|coef|weight|type|window|fn|lambda|alpha|fact|every|steps?$|free|name", re.IGNORECASE)
_PROGRESS = frozenset({"step", "iter", "iteration", "epoch", "global_step"})
_COUNTING = ("tep", "iter", "poch")
_CALL = pattern(r"(?!(?:Epoch|Iter)\()[A-Z]\w{0,60}\([a-z_]")
"""`LoraConfig(r=16, ...)`: a configuration, however many numbers it has. OpenMMLab's `Epoch(train)` is none."""

NEEDLE = "oss"


def looks_like_metrics(text: str) -> bool:
    """Whether a line has a loss with a number, or three `name: number` pairs of which one counts steps."""
    text = text[:_LOOKED_AT]
    if NEEDLE not in text and not any(word in text for word in _COUNTING):
        return False
    if _CALL.search(text):
        return False
    names = [name.lower() for name in _PAIR.findall(text)]
    if any("loss" in name and not _NO_LOSS.search(name) for name in names):
        return True
    return len(names) >= 3 and not _PROGRESS.isdisjoint(names)
