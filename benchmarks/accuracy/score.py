"""Counts what was named and what was alarmed, with intervals, as Markdown tables."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from corpus import Planted
from kinds import Fault
from tools import OURS, Finding

Said = Mapping[str, Mapping[str, tuple[Finding, ...]]]
"""Program -> name of the run -> findings."""
Z = 1.96


def interval(hits: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (E. B. Wilson, 1927)."""
    if of == 0:
        return 0.0, 1.0
    share = hits / of
    middle = (share + Z * Z / (2 * of)) / (1 + Z * Z / of)
    half = Z / (1 + Z * Z / of) * math.sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def share(hits: int, of: int) -> str:
    """`57/60 (86-98 %)`."""
    low, high = interval(hits, of)
    return f"{hits}/{of} ({100 * low:.0f}-{100 * high:.0f} %)"


def names(program: str, fault: Fault, findings: Iterable[Finding]) -> bool:
    """Whether one of the findings names the fault: by its code, or for other programs by a word of their check."""
    if program == OURS:
        return any(f.check in fault.codes and (f.alarm or fault.info) for f in findings)
    return any(word in f"{f.check} {f.text}".lower() for f in findings if f.alarm or fault.info for word in fault.peers)


def alarms(findings: Iterable[Finding]) -> bool:
    """Whether a run was alarmed at all."""
    return any(f.alarm for f in findings)


def overview(runs: Sequence[Planted], said: Said) -> str:
    """One row per program: faults named, faults with any alarm, false alarms."""
    rows = []
    sick = [run for run in runs if isinstance(run.kind, Fault)]
    healthy = [run for run in runs if not isinstance(run.kind, Fault)]
    for program, found in said.items():
        named = sum(names(program, run.kind, found.get(run.name, ())) for run in sick if isinstance(run.kind, Fault))
        alarmed = [run for run in sick if isinstance(run.kind, Fault) and not run.kind.info]
        any_alarm = sum(alarms(found.get(run.name, ())) for run in alarmed)
        false = sum(alarms(found.get(run.name, ())) for run in healthy)
        rows.append((program, share(named, len(sick)), share(any_alarm, len(alarmed)), share(false, len(healthy))))
    return markdown(("program", "faults named", "faults with any alarm", "false alarms on healthy runs"), rows)


def per_kind(runs: Sequence[Planted], said: Said, faults: bool) -> str:
    """One row per fault (named by each program) or per healthy shape (false alarms of each)."""
    groups: dict[str, list[Planted]] = defaultdict(list)
    for run in runs:
        if isinstance(run.kind, Fault) is faults:
            groups[run.kind.name].append(run)
    rows = []
    for name, members in groups.items():
        kind = members[0].kind
        codes = [", ".join(kind.codes)] if isinstance(kind, Fault) else []
        rows.append((name, *codes, *(_cell(program, members, found) for program, found in said.items())))
    return markdown(("fault", "rule", *said) if faults else ("healthy shape", *said), rows)


def _cell(program: str, members: Sequence[Planted], said: Mapping[str, tuple[Finding, ...]]) -> str:
    kind = members[0].kind
    if not isinstance(kind, Fault):
        return f"{sum(alarms(said.get(run.name, ())) for run in members)}/{len(members)}"
    if program != OURS and not kind.peers:
        return "-"
    return f"{sum(names(program, kind, said.get(run.name, ())) for run in members)}/{len(members)}"


def families(runs: Sequence[Planted], said: Said) -> str:
    """One row per family of rules: the share that trainvitals named."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for run in runs:
        if isinstance(run.kind, Fault):
            groups[run.kind.family].append(names(OURS, run.kind, said[OURS][run.name]))
    return markdown(("family", "named"), [(name, share(sum(hits), len(hits))) for name, hits in sorted(groups.items())])


def by_length(runs: Sequence[Planted], said: Said) -> str:
    """One row per fault, one column per length: the share that trainvitals named."""
    lengths = sorted({run.rows for run in runs})
    groups: dict[tuple[str, int], list[bool]] = defaultdict(list)
    for run in runs:
        if isinstance(run.kind, Fault):
            groups[run.kind.name, run.rows].append(names(OURS, run.kind, said[OURS][run.name]))
    faults = list(dict.fromkeys(name for name, _ in groups))
    rows = [(name, *(_percent(groups.get((name, length), [])) for length in lengths)) for name in faults]
    return markdown(("fault", *(f"{length:,} rows" for length in lengths)), rows)


def unalarmed_by_length(runs: Sequence[Planted], said: Said) -> str:
    """False alarms on the healthy shapes at each length: what the recall beside them costs."""
    groups: dict[int, list[bool]] = defaultdict(list)
    for run in runs:
        if not isinstance(run.kind, Fault):
            groups[run.rows].append(alarms(said[OURS][run.name]))
    lengths = sorted(groups)
    row = ("all healthy shapes", *(share(sum(groups[length]), len(groups[length])) for length in lengths))
    return markdown(("false alarms", *(f"{length:,} rows" for length in lengths)), [row])


def _percent(hits: Sequence[bool]) -> str:
    return f"{100 * sum(hits) / len(hits):.0f} %" if hits else ""


def misses(runs: Sequence[Planted], said: Said) -> str:
    """Every run on which trainvitals was wrong: what it is, how long, what was said instead."""
    lines = []
    for run in runs:
        found = said[OURS][run.name]
        codes = " ".join(f.check for f in found if f.alarm) or "nothing"
        if isinstance(run.kind, Fault) and not names(OURS, run.kind, found):
            lines.append(f"- {run.kind.name}, {run.rows:,} rows ({run.name}): not named; said {codes}")
        elif not isinstance(run.kind, Fault) and alarms(found):
            lines.append(f"- healthy: {run.kind.name}, {run.rows:,} rows ({run.name}): false alarm {codes}")
    return "\n".join(lines) + "\n" if lines else "none\n"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"
