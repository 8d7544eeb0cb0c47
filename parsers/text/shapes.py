"""The shape of a line: what is left when its numbers and the widths of its gaps are taken away.

Lines of one shape are read in one way, so that what has been found out about the first serves all others.
"""

from __future__ import annotations

import re

from trainvitals.parsers.patterns import pattern

_NUMBERS = pattern(
    r"[-+]?\d++(?:[.,]\d++)*+(?:e[-+]?\d++)?|(?<![A-Za-z_])[-+]?(?:nan|inf(?:inity)?)(?![A-Za-z_])",
    re.IGNORECASE | re.ASCII,
)
_A_NUMBER = pattern(r"(?<!\w)\d|(?<![A-Za-z_])(?:nan|inf)(?![A-Za-z_])", re.IGNORECASE | re.ASCII)


def has_number(line: str) -> bool:
    """Whether anything in a line may be a number; digits inside words are none."""
    return _A_NUMBER.search(line) is not None


def shape_key(line: str) -> str:
    """The same text for all lines that differ by numbers and by the widths of gaps only.

    >>> shape_key("epoch  1 | loss 0.53") == shape_key("epoch 12 | loss  nan")
    True
    """
    return " ".join(_NUMBERS.sub("0", line).split())
