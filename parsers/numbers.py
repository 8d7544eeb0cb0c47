"""Text to numbers, strictly: what `float` accepts beyond ASCII decimals (`1_000`, Arabic digits) is no log value."""

from __future__ import annotations

import re

from trainvitals.parsers.patterns import pattern

NUMBER = r"[-+]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][-+]?\d++)?|[-+]?(?:nan|inf(?:inity)?)"
"""A decimal number or a non-finite literal. Use with re.ASCII and re.IGNORECASE.

Linear on any input: no digit is given back, so that a million of them before a letter are looked at once.
"""

MAX_DURATION = 64
"""Characters of a duration; longer text is none, and would be searched from each of its digits on."""

_NUMBER = pattern(NUMBER, re.ASCII | re.IGNORECASE)
_FRACTION = pattern(r"\s*(\d+)\s*/\s*(\d+)\s*", re.ASCII)
_UNITS = pattern(r"(\d+(?:\.\d+)?)\s*(days?|d|h|min|m|s)\b,?\s*", re.ASCII)
_CLOCK = pattern(r"(?:(\d+) days?, )?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)", re.ASCII)
_UNIT_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


def number(text: str) -> float | None:
    """The value of an ASCII decimal number, `nan` or `inf`; None for anything else. Overflow gives an infinity."""
    text = text.strip(" ")
    return float(text) if _NUMBER.fullmatch(text) else None


def fraction(text: str) -> tuple[float, float] | None:
    """`"120/3000"` as (120.0, 3000.0)."""
    match = _FRACTION.fullmatch(text)
    return (float(match[1]), float(match[2])) if match else None


def duration(text: str) -> float | None:
    """Seconds of `"3h 35m 58s"`, `"49m 19s"`, `"0:03:41"` or `"1 day, 0:08:23"`; None for anything else."""
    if len(text) > MAX_DURATION:
        return None
    clock = _CLOCK.fullmatch(text.strip())
    if clock:
        days, hours, minutes, seconds = (float(part or 0) for part in clock.groups())
        return days * 86400 + hours * 3600 + minutes * 60 + seconds
    parts = list(_UNITS.finditer(text.strip()))
    if not parts or "".join(p[0] for p in parts) != text.strip():
        return None
    return sum(float(p[1]) * _UNIT_SECONDS[p[2][0]] for p in parts)
