"""Colours and dashes: the same run looks the same on every page, whatever else is shown beside it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#F0E442")
"""Okabe and Ito's palette: told apart with any colour vision."""

RUN_COLOURS = COLOURS[:7]
"""Without yellow, which is hardly seen on white."""

DASHES = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3))
"""The second channel, for those who do not see colours, and for more runs than there are colours."""

SEVERITY_COLOURS = {"fail": "#D55E00", "warn": "#E69F00", "info": "#56B4E9"}

MEANING_COLOURS = {"good": "#009E73", **SEVERITY_COLOURS, "none": "#888888"}


@dataclass(frozen=True, slots=True)
class Style:
    """How the lines of a run are drawn; `dash` is a pattern of SVG's `stroke-dasharray`."""

    colour: str
    dash: tuple[int, ...]


def styles(runs: Iterable[str]) -> Mapping[str, Style]:
    """The style of every run, by name.

    Pass all runs that there are, never only those that are shown: then a filter changes no colour. The hash of a name
    chooses a place; where it is taken, the next colour that is free, and a new dash only when all colours are taken.
    """
    ordered = sorted(set(runs), key=lambda name: (_hash(name), name))
    found: dict[str, Style] = {}
    for start in range(0, len(ordered), len(RUN_COLOURS)):
        dash = DASHES[start // len(RUN_COLOURS) % len(DASHES)]
        free = list(RUN_COLOURS)
        for name in ordered[start : start + len(RUN_COLOURS)]:
            wish = _hash(name) % len(RUN_COLOURS)
            colour = next(c for c in (*RUN_COLOURS[wish:], *RUN_COLOURS) if c in free)
            free.remove(colour)
            found[name] = Style(colour, dash)
    return found


def apart(style: Style, taken: Collection[str]) -> Style:
    """The style, in the next free colour where its own is `taken` by a run beside it and not all are."""
    wish = RUN_COLOURS.index(style.colour)
    free = (colour for colour in (*RUN_COLOURS[wish:], *RUN_COLOURS[:wish]) if colour not in taken)
    return Style(next(free, style.colour), style.dash)


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).digest())
