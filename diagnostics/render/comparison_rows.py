"""What all renderings of a comparison share: its tables as rows of text, and its sentences."""

from __future__ import annotations

from collections.abc import Iterator

from trainvitals.diagnostics.compare.metrics import label
from trainvitals.diagnostics.compare.model import Comparison, Group, Pair, Row, Saving
from trainvitals.diagnostics.compare.verdict import percent, signed
from trainvitals.diagnostics.render import words

HEAD = ("metric", "first", "other", "difference", "p (Holm)", "verdict")
WORDS = {
    "lower": "lower",
    "higher": "higher",
    "same": "no practical difference",
    "undecided": "not declared",
    "inconclusive": "inconclusive",
}


def headline(comparison: Comparison) -> str:
    """What was compared, in one line."""
    runs = sum(len(group.runs) for group in comparison.groups)
    grouped = f" in {words.count(len(comparison.groups), 'group')}" if runs != len(comparison.groups) else ""
    by = f", matched by {comparison.axis}" if comparison.axis else ""
    return f"{words.count(runs, 'run')}{grouped}{by}; loss type {comparison.loss_type}"


def why_nothing(comparison: Comparison) -> str:
    """Why no metric could be compared."""
    if len(comparison.groups) < 2:
        return f"all runs are one group, {comparison.groups[0].name}: there is nothing to compare it with"
    return "the runs share no metric over a common range" if comparison.axis else "the runs have no axis in common"


def pair_title(pair: Pair) -> str:
    """Who is compared with whom."""
    return f"{words.name(pair.other)} against {words.name(pair.first)}"


def verdicts(pair: Pair) -> Iterator[str]:
    """The sentences that say something, those about the main metric first; what is inconclusive comes last."""
    said = sorted((row for row in pair.rows), key=lambda row: row.word == "inconclusive")
    for number, row in enumerate(said):
        # Once is enough where the sentences stand below one another.
        yield row.says.replace(f" ({pair.evidence})", "") if number else row.says


def cells(row: Row) -> tuple[str, ...]:
    """One metric as the cells under `HEAD`."""
    return (
        label(row.metric, row.split),
        _level(row.first, row.first_low, row.first_high),
        _level(row.other, row.other_low, row.other_high),
        signed(row),
        "-" if row.p_holm != row.p_holm else "<0.001" if row.p_holm < 0.001 else f"{row.p_holm:.3f}",
        WORDS[row.word],
    )


def _level(mean: float, low: float, high: float) -> str:
    band = f" ({words.number(low)} to {words.number(high)})" if low != high else ""
    return words.number(mean) + band


def saving(one: Saving, pair: Pair, axis: str) -> str:
    """Where both runs reached the same level, in one sentence."""
    sooner = one.ratio < 1
    share = percent(abs(1 - one.ratio))
    comparative = f"{share} {'fewer' if sooner else 'more'} {axis}"
    return (
        f"{label(one.metric, one.split)} {words.number(one.target)}: reached at {words.step(round(one.first_at))} by "
        f"{words.name(pair.first)}, at {words.step(round(one.other_at))} by {words.name(pair.other)}: {comparative} "
        f"(x{one.ratio:.2f}, {one.low:.2f} to {one.high:.2f})"
    )


def how(pair: Pair, axis: str) -> str:
    """How the verdicts came about, in one sentence."""
    if not pair.rows:
        return ""
    row = pair.rows[0]
    place = f"{axis} {words.step(round(row.start))} to {words.step(round(row.end))}"
    if row.blocks:
        noise = f", noise correlates by {row.correlation:.2f}" if row.correlation == row.correlation else ""
        return f"{place}, {row.points} points in {row.blocks} blocks for {label(row.metric, row.split)}{noise}; Holm"
    return f"levels over {place}; sign flips or rearrangements and a BCa bootstrap must agree; Holm"


def group(one: Group) -> str:
    """A group in one line: its name and its runs."""
    if len(one.runs) == 1:
        return words.name(one.name)
    return f"{words.name(one.name)}: {words.count(len(one.runs), 'run')} ({', '.join(map(words.name, one.runs))})"
