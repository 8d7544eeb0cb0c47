"""A page of plain text: glyphs, colours, wrapping, aligned columns and sparklines. Knows nothing of reports."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from trainvitals.diagnostics.render.sanitise import cells, clip
from trainvitals.parsers.patterns import pattern

MIN_COLUMN = 8
"""A column that gives way keeps this many cells."""

MAX_WORD = 24
"""Cells of a word in a table of several columns; nobody reads a longer one."""

_PARTS = pattern(r"\s*[^\s]+")
_PARTS_AT_MARKS = pattern(r"\s*[^\s_]+_?|_")


@dataclass(frozen=True, slots=True)
class Glyphs:
    """What is drawn beside letters and digits."""

    fail: str
    warn: str
    info: str
    passed: str
    unknown: str
    arrow: str
    dot: str
    cut: str
    blocks: str
    not_finite: str

    def icon(self, word: str) -> str:
        """The icon of a verdict or of a severity."""
        icons = {"fail": self.fail, "warn": self.warn, "info": self.info, "pass": self.passed}
        return icons.get(word, self.unknown)


UNICODE = Glyphs("✗", "!", "i", "✓", "?", "→", "·", "…", "▁▂▃▄▅▆▇█", "×")
ASCII = Glyphs("x", "!", "i", "+", "?", "->", "-", "~", "_.:-=*%#", "!")

_COLOURS = {"fail": "1;31", "warn": "1;33", "info": "36", "pass": "1;32", "unknown": "1;35", "bold": "1", "dim": "2"}


@dataclass(frozen=True, slots=True)
class Page:
    """Where text goes: its width in cells, and whether it takes colours and more than ASCII."""

    width: int = 80
    colour: bool = False
    glyphs: Glyphs = UNICODE
    verbose: bool = False

    def paint(self, text: str, kind: str) -> str:
        """The text in the colour of a verdict or severity, `bold` or `dim`."""
        return f"\x1b[{_COLOURS[kind]}m{text}\x1b[0m" if self.colour and text else text

    def clip(self, text: str, width: int) -> str:
        """The text, cut to a width."""
        return clip(text, width, self.glyphs.cut)

    def clip_middle(self, text: str, width: int) -> str:
        """The text without its middle: paths and names differ at both ends."""
        if cells(text) <= width:
            return text
        tail = (width - cells(self.glyphs.cut)) // 2
        return self.clip(text, width - tail) + _last_cells(text, tail)

    def wrap(self, text: str, first: str = "", rest: str | None = None) -> list[str]:
        """Lines no wider than the page, broken at spaces only; a longer word stands alone and whole.

        `first` and `rest` begin the first line and the others.
        """
        rest = " " * cells(first) if rest is None else rest
        lines, line, used, empty = [], first, cells(first), True
        for word in text.split():
            size = cells(word)
            if not empty and used + 1 + size > self.width:
                lines.append(line)
                line, used, empty = rest, cells(rest), True
            line, used = (line + word, used + size) if empty else (f"{line} {word}", used + 1 + size)
            empty = False
        return [*lines, line]

    def columns(
        self, rows: Sequence[Sequence[str]], right: Collection[int] = (), whole: Collection[int] = ()
    ) -> list[str]:
        """Aligned rows. The widest column gives way to the page, except those flush `right` and those kept `whole`."""
        if not rows:
            return []
        widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
        giving = [i for i in range(len(widths)) if i not in right and i not in whole]
        room = self.width - 2 * len(widths)
        while giving and sum(widths) > room and max(widths[i] for i in giving) > MIN_COLUMN:
            widths[max(giving, key=widths.__getitem__)] -= 1
        lines = []
        for row in rows:
            parts = [self._fit(text, widths[i], i in right) for i, text in enumerate(row)]
            lines.append(("  " + "  ".join(parts)).rstrip())
        return lines

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int] = ()) -> list[list[str]]:
        """The lines of the head and of each of the rows, aligned: what is too wide for the page goes on below.

        Numbers, flush `right`, stay on one line; the names above them may be parted at an underscore.
        """
        parted = [[self._words(text, at_marks=i in right) for i, text in enumerate(row)] for row in (head, *rows)]
        least = [max(cells(word) for words in column for word in words) for column in zip(*parted, strict=True)]
        widths = [max(map(cells, column)) for column in zip(head, *rows, strict=True)]
        widths = [max(least[i], min(width, self.width)) for i, width in enumerate(widths)]
        while sum(widths) + 2 * len(widths) > self.width and widths != least:
            # First the names above numbers give way, then words in the rows.
            names = [i for i in right if widths[i] > least[i]]
            widths[max(names or range(len(widths)), key=lambda i: widths[i] - least[i])] -= 1
        return [self._row(row, widths, right) for row in parted]

    def _row(self, row: Sequence[Sequence[str]], widths: Sequence[int], right: Collection[int]) -> list[str]:
        blocks = [_filled(words, width) for words, width in zip(row, widths, strict=True)]
        lines = []
        for parts in zip_longest(*blocks, fillvalue=""):
            fitted = [self._fit(text, widths[i], i in right) for i, text in enumerate(parts)]
            lines.append(("  " + "  ".join(fitted)).rstrip())
        return lines

    def _words(self, text: str, *, at_marks: bool) -> list[str]:
        """Where a text may be parted: at spaces, which begin the next part, and at underscores."""
        parts = (_PARTS_AT_MARKS if at_marks else _PARTS).findall(text) or [""]
        return [self.clip_middle(part, MAX_WORD) for part in parts]

    def _fit(self, text: str, width: int, right: bool) -> str:
        text = self.clip_middle(text, width)
        pad = " " * (width - cells(text))
        return pad + text if right else text + pad

    def spark(self, values: Sequence[float], width: int = 16) -> str:
        """A curve in one line. What is not finite is drawn as such: it must not vanish in a mean."""
        buckets = [values[len(values) * i // width : len(values) * (i + 1) // width] for i in range(width)]
        finite = [v for v in values if math.isfinite(v)]
        if not finite:
            return self.glyphs.not_finite * sum(map(bool, buckets))
        scale = _log_scale(finite)
        middle = sorted(finite)[len(finite) // 2]
        return "".join(self._block(bucket, middle, scale) for bucket in buckets if bucket)

    def _block(self, bucket: Sequence[float], middle: float, scale: tuple[float, float, bool]) -> str:
        if not all(map(math.isfinite, bucket)):
            return self.glyphs.not_finite
        # The value furthest from the middle, so that one spike among many points is seen.
        value = max(bucket, key=lambda v: abs(v / 2 - middle / 2))
        low, high, logarithmic = scale
        value = math.log(value) if logarithmic else value
        span = high / 2 - low / 2  # halved, as the span of finite numbers can overflow
        share = (value / 2 - low / 2) / span if span > 0 else 0.0
        return self.glyphs.blocks[min(int(share * len(self.glyphs.blocks)), len(self.glyphs.blocks) - 1)]


def _filled(words: Sequence[str], width: int) -> list[str]:
    """As many words on each line as there is room for."""
    lines = [""]
    for word in words:
        if lines[-1] and cells(lines[-1] + word) > width:
            lines.append(word.lstrip())
        else:
            lines[-1] += word
    return lines


def _log_scale(finite: Sequence[float]) -> tuple[float, float, bool]:
    """(low, high, logarithmic): positive values over more than a decade would be flat but for their first points."""
    low, high = min(finite), max(finite)
    if low > 0 and high / low > 10:
        return math.log(low), math.log(high), True
    return low, high, False


def _last_cells(text: str, width: int) -> str:
    kept = ""
    for character in reversed(text):
        if cells(character + kept) > width:
            break
        kept = character + kept
    return kept
