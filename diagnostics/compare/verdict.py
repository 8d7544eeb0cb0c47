"""From numbers to the words of a verdict, which say how much the evidence can mean."""

from __future__ import annotations

import math
from dataclasses import replace

from trainvitals.diagnostics.compare import seeds
from trainvitals.diagnostics.compare.metrics import label
from trainvitals.diagnostics.compare.model import Row, Tier, Word
from trainvitals.diagnostics.render.words import count, name, number

SAME = 0.005
"""An interval within ±0.5 % of the level is of no practical difference."""
ALPHA = 0.05


def evidence(tier: Tier, first: int, other: int) -> str:
    """What a difference of this tier speaks of; `first` and `other` count runs."""
    return {
        "paired seeds": f"{first} paired seeds: difference of the methods, as far as seeds are all that varied",
        "seeds": f"{first} and {count(other, 'seed')}, not paired: difference of the methods, less sharp than paired",
        "run against seeds": f"one run against {max(first, other)} seeds: whether it lies outside what seeds do",
        "few seeds": f"{first} and {count(other, 'run')}: too few seeds to tell methods apart",
        "paired runs": "one seed, same data order: difference of these two runs, not of the methods",
        "one pair": "one seed: difference of these two runs, not of the methods",
    }[tier]


def worded(row: Row, p_holm: float, reason: str, tier: Tier, named: tuple[str, str], axis: str, told: str) -> Row:
    """The row with its verdict; `reason` says why it has no interval, `named` are both groups, `told` the tier."""
    word = _word(row, p_holm, reason, tier)
    says = _sentence(replace(row, word=word), reason, tier, named, axis, told)
    return replace(row, word=word, p_holm=p_holm, says=says)


def _word(row: Row, p_holm: float, reason: str, tier: Tier) -> Word:
    if reason or row.p != row.p:
        return "inconclusive"
    # What cannot show a difference cannot show that there is none.
    if row.low > -SAME and row.high < SAME and not _is_powerless(row, tier):
        return "same"
    # The interval must agree with the p, which for seeds comes from another test.
    if p_holm < ALPHA and not row.low <= 0 <= row.high:
        return "lower" if row.other < row.first else "higher"
    return "undecided"


def _sentence(row: Row, reason: str, tier: Tier, named: tuple[str, str], axis: str, told: str) -> str:
    first, other = map(name, named)
    where = f"over the last {row.share:.0%} of common {axis}".replace("%", " %")
    what = label(row.metric, row.split)
    if row.word == "inconclusive":
        return f"{what}: inconclusive ({signed(row)}): {reason}"
    if row.word == "same":
        return f"{what}: no practical difference: {signed(row)} {where}, inside ±0.5 % ({told})"
    if row.word == "undecided":
        weak = f"; {_powerless(row.pairs)}" if _is_powerless(row, tier) else ""
        return f"{what}: no difference declared: {signed(row)} {where} ({told}{weak})"
    return f"{what}: {other} {row.word} than {first} by {unsigned(row)} {where} ({told})"


def _is_powerless(row: Row, tier: Tier) -> bool:
    return tier == "paired seeds" and seeds.smallest_p(row.pairs) >= ALPHA


def _powerless(pairs: int) -> str:
    return f"{pairs} seeds never declare one, as the smallest p of {pairs} sign flips is {seeds.smallest_p(pairs):g}"


def signed(row: Row) -> str:
    """The difference with its sign and interval: '+1.3 % ± 0.4 %'."""
    return _amount(row, row.relative, row.other - row.first, "+")


def unsigned(row: Row) -> str:
    """The size of the difference with its interval: '1.3 % ± 0.4 %'."""
    return _amount(row, abs(row.relative), abs(row.other - row.first), "")


def _amount(row: Row, relative: float, absolute: float, sign: str) -> str:
    if relative != relative:
        return f"{absolute:{sign}.4g}"
    half = (row.high - row.low) / 2
    uneven = abs((row.high + row.low) / 2 - row.relative) > 0.1 * half
    if half != half:
        return percent(relative, sign)
    if uneven and sign:
        return f"{percent(relative, sign)} ({percent(row.low, sign)} to {percent(row.high, sign)})"
    return f"{percent(relative, sign)} ± {percent(half)}"


HUGE = 1e7
"""Percents from which on they are written with an exponent."""


def percent(share: float, sign: str = "") -> str:
    """A share as a percentage with enough decimals to be seen: 12 %, 1.3 %, 0.04 %; three digits of 85 700 %."""
    size = abs(share) * 100
    if not math.isfinite(size):
        return number(share)
    if size >= HUGE:
        return f"{share * 100:{sign}.3g} %"
    if size >= 1000:
        return f"{float(f'{share * 100:.3g}'):{sign},.0f} %".replace(",", " ")
    digits = 0 if size >= 100 else 1 if size >= 0.95 or size == 0 else 2
    return f"{share * 100:{sign}.{digits}f} %"
