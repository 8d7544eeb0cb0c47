"""Walks through one JSON document member by member: every value has its line, and a torn end costs little."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from trainvitals.parsers.patterns import pattern

_SPACE = pattern(r"[ \t\r\n]*")


class Scanner:
    """A position in a JSON text.

    `members` and `elements` hand over control before each value: the caller takes it, by `value` or by a nested walk.
    All methods raise `json.JSONDecodeError` at a syntax error; `value` may raise `RecursionError`.
    """

    def __init__(self, text: str) -> None:
        self.text, self._at = text, 0
        self._decoder = json.JSONDecoder()
        self._counted, self._line = 0, 1

    @property
    def line(self) -> int:
        """1-based line of the next value."""
        self._skip()
        self._line += self.text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def next_is(self, character: str) -> bool:
        """Whether the next character, after white space, is this one."""
        self._skip()
        return self.text.startswith(character, self._at)

    def value(self) -> Any:
        """The value that starts here."""
        self._skip()
        found, self._at = self._decoder.raw_decode(self.text, self._at)
        return found

    def members(self) -> Iterator[str]:
        """The keys of the object that starts here."""
        self._expect("{")
        more = not self.next_is("}")
        while more:
            if not self.next_is('"'):
                raise json.JSONDecodeError("expected a key", self.text, self._at)
            key = self.value()
            self._expect(":")
            yield key
            more = self._takes(",")
        self._expect("}")

    def elements(self) -> Iterator[int]:
        """The lines of the elements of the array that starts here."""
        self._expect("[")
        more = not self.next_is("]")
        while more:
            yield self.line
            more = self._takes(",")
        self._expect("]")

    def end(self) -> None:
        """Assert that nothing but white space (or padding with NUL) follows."""
        self._skip()
        if self.text[self._at :].strip("\0 \t\r\n"):
            raise json.JSONDecodeError("unexpected text after the document", self.text, self._at)

    def _skip(self) -> None:
        match = _SPACE.match(self.text, self._at)
        assert match
        self._at = match.end()

    def _takes(self, character: str) -> bool:
        found = self.next_is(character)
        self._at += found
        return found

    def _expect(self, character: str) -> None:
        if not self._takes(character):
            raise json.JSONDecodeError(f"expected {character!r}", self.text, self._at)
