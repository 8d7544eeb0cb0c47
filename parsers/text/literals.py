"""Python literals inside text, read without evaluating anything."""

from __future__ import annotations

import re
from collections.abc import Iterator

from trainvitals.parsers.numbers import number
from trainvitals.parsers.patterns import pattern

_NAMED: dict[str, bool | None] = {
    "None": None,
    "null": None,
    "True": True,
    "true": True,
    "False": False,
    "false": False,
}
_INTEGER = pattern(r"[-+]?\d{1,18}", re.ASCII)
_FLAT_LIST = pattern(r"\[[^\[\](){}]{0,500}\]|\([^\[\](){}]{0,500}\)")
_MAX_TEXT = 500
_STRUCTURE = pattern(r"[,()\[\]{}'\"]")
_OPEN, _CLOSE = "([{", ")]}"
_NAME = pattern(r"\s*+([A-Za-z_]\w*+)\s*+=(?!=)", re.ASCII)


def literal(text: str) -> object:
    """None, a truth value, a number, a flat list of these, or the text itself, unquoted and cut to 500 characters."""
    text = text.strip()
    if text in _NAMED:
        return _NAMED[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    value = number(text)
    if value is not None:
        return value
    if _FLAT_LIST.fullmatch(text):
        return [literal(part) for part in text[1:-1].split(",") if part.strip()]
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return text[:_MAX_TEXT]


def arguments(text: str) -> dict[str, str]:
    """Names and the text of their values in `name=value, name=value)`, up to the bracket that closes the call.

    >>> arguments("lr=0.1, betas=(0.9, 0.99), name='a, b'), other=1")
    {'lr': '0.1', 'betas': '(0.9, 0.99)', 'name': "'a, b'"}
    """
    found = {}
    for part in _parts(text):
        match = _NAME.match(part)
        if match:
            found[match[1]] = part[match.end() :].strip()
    return found


def _parts(text: str) -> Iterator[str]:
    """The text cut at commas that are in no bracket and no quotes."""
    start, depth, quote = 0, 0, ""
    for mark in _STRUCTURE.finditer(text):
        sign, at = mark[0], mark.start()
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
            if depth < 0:
                yield text[start:at]
                return
        elif depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]
