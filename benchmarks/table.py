"""The measured ratios as Markdown, and their places in the two READMEs."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Cost, memory_ratio, ratio

HERE = Path(__file__).resolve().parent
MARKED = re.compile(r"(?<=<!-- speed -->\n).*?(?=<!-- /speed -->)", re.DOTALL)
HEADER = (
    "| workload | compared with | CPU time, ratio | at most | memory, ratio | at most | ours, s | theirs, s |",
    "|---|---|---|---|---|---|---|---|",
)
SHORT_HEADER = ("| workload | compared with | CPU time, ratio |", "|---|---|---|")


@dataclass(frozen=True)
class Row:
    """One comparison: our processor time and peak memory over those of another program, and what is promised."""

    workload: str
    other: str
    time: float
    time_target: float | None
    memory: float
    memory_target: float | None
    ours: float
    theirs: float

    @property
    def full(self) -> str:
        """The row of the long table."""
        ratios = (self.time, self.time_target, self.memory, self.memory_target)
        seconds = f"{self.ours:.2f} | {self.theirs:.2f}"
        return f"| {self.workload} | {self.other} | {' | '.join(map(number, ratios))} | {seconds} |"

    @property
    def short(self) -> str:
        """The row of the short table."""
        return f"| {self.workload} | {self.other} | {number(self.time)} |"


def compared(
    workload: str,
    other: str,
    ours: Sequence[Cost],
    theirs: Sequence[Cost],
    targets: tuple[float | None, float | None],
) -> Row:
    """The medians over the rounds; `targets` are those of time and of memory."""
    own = ours[: len(theirs)]
    return Row(
        workload,
        other.replace("_", " "),
        ratio(own, theirs),
        targets[0],
        memory_ratio(own, theirs),
        targets[1],
        min(cost.cpu for cost in ours),
        min(cost.cpu for cost in theirs),
    )


def number(value: float | None) -> str:
    """A ratio for a table."""
    return "" if value is None else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def load() -> str:
    """How busy the machine has been in the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def write(rows: Sequence[Row], rounds: int, size: str, loads: tuple[str, str]) -> None:
    """Put the rows between the marks of both READMEs; the short one has those for which a ratio is promised."""
    told = (
        f"Median of {rounds} round{'s' * (rounds > 1)} at {size}, on {os.cpu_count()} cores, with a load of {loads[0]} "
        f"at the beginning and {loads[1]} at the end; lower is better."
    )
    promised = [row for row in rows if row.time_target is not None]
    _between(HERE / "README.md", told, HEADER, [row.full for row in rows])
    _between(HERE.parent / "README.md", told, SHORT_HEADER, [row.short for row in promised])


def _between(path: Path, told: str, header: Sequence[str], rows: Sequence[str]) -> None:
    text = path.read_text("utf-8")
    block = "\n".join([told, "", *header, *rows, ""])
    changed, found = MARKED.subn(lambda _: block, text)
    if found != 1:
        raise SystemExit(f"{path}: has {found} places for the table")
    path.write_text(changed, "utf-8")
