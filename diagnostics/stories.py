"""One cause, one finding: which finding explains which, so that an event is told once, with its cause first.

A gradient that explodes, the spike, the divergence and the NaN that follow are one story; a loss that is logged in
another unit is no divergence as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trainvitals.diagnostics.report import SEVERITIES, Finding, worst

When = Literal["any", "since", "from"]
"""When a consequence belongs to a cause: `any` time; if it lasts until after the cause begins (`since`); if it also
begins no earlier (`from`)."""


@dataclass(frozen=True, slots=True)
class Link:
    """A cause and what follows from it.

    `real` is False where the consequence is an artefact: a curve that only looks so because of how it was logged. A
    cause takes on the severity of its real consequences.
    """

    cause: str
    effects: tuple[str, ...]
    when: When = "since"
    real: bool = True
    unless_info: bool = False
    """A cause that is for information only explains nothing."""


LINKS = (
    Link(
        "B102",
        ("B101", "S102", "S103", "S108", "L101", "L102", "L103", "L104", "L105", "V101", "V102", "B106", "T101"),
        when="any",
        real=False,
    ),
    Link(
        "S102",
        ("S101", "L101", "L102", "L103", "L104", "L105", "L107", "V101", "V102", "V103", "G101", "G102", "B106"),
        real=False,
    ),
    Link("S101", ("L106", "L107", "V102", "V103", "G103"), when="any", real=False),
    Link("S103", ("L104", "L105", "B106"), when="any", real=False),
    Link("S108", ("L102", "L104", "L105", "B106"), when="any", real=False),
    Link("O103", ("O102", "L103", "L104", "G101"), when="since"),
    Link("O101", ("N102", "N104", "L101", "L102", "L108", "G102")),
    Link("O102", ("G101", "L103", "L104", "L105", "N101", "N102")),
    Link("N103", ("N101", "N102", "L103", "L104", "G101")),
    Link("G101", ("N101", "N102", "L103", "L104", "G103")),
    Link("L104", ("L103", "N101", "N102", "V101"), unless_info=True),
    Link("L103", ("N101", "N102", "L101", "L102", "V101", "V102", "W101"), when="from"),
    Link("N101", ("N102", "N104", "L101", "L102", "L103", "L104", "G101", "G102", "V101", "V104"), when="from"),
    Link("N102", ("N104", "L101", "L102", "L103", "L104", "G102", "V103", "V104")),
    Link("N104", ("L101", "L102", "L108", "G102", "V104")),
    Link("G102", ("L101", "L102", "L108")),
    Link("L108", ("L101", "L102", "L105")),
    Link("L101", ("L102", "V104", "W101"), when="any"),
    Link("R102", ("R101", "R103"), when="any"),
    Link("V101", ("V102", "W101"), when="any"),
    Link("B105", ("B104",), when="any"),
)
"""Earlier links win: what is wrong with the log, then with the settings, then with the numbers, then with the model."""


def tell(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings that stand for themselves, with those that they explain as their consequences, ranked.

    A consequence of a consequence belongs to the first cause. Most severe first, then the earliest, then in the order
    given.
    """
    links = [_link_of(finding, findings) for finding in findings]
    followers: dict[int, list[tuple[Finding, bool]]] = {}
    for index, finding in enumerate(findings):
        root, real = _root(index, links)
        if root != index:
            followers.setdefault(root, []).append((finding, real))
    told = [_with(f, followers.get(i, [])) for i, f in enumerate(findings) if _root(i, links)[0] == i]
    return tuple(sorted(told, key=lambda f: (SEVERITIES.index(f.severity), _begin(f))))


def _link_of(finding: Finding, findings: Sequence[Finding]) -> tuple[int, bool] | None:
    """Index of the finding that explains this one, and whether this one is a real consequence."""
    for link in LINKS:
        if finding.code in link.effects:
            for index, cause in enumerate(findings):
                if cause.code == link.cause and _belongs(finding, cause, link):
                    return index, link.real
    return None


def _belongs(finding: Finding, cause: Finding, link: Link) -> bool:
    if link.unless_info and cause.severity == "info":
        return False
    # A comparison with NaN, where the log has no steps, is False: then the code alone decides.
    if link.when != "any" and finding.step_end < cause.step_start:
        return False
    return not (link.when == "from" and finding.step_start < cause.step_start)


def _root(index: int, links: Sequence[tuple[int, bool] | None]) -> tuple[int, bool]:
    """The first cause of a finding, and whether all on the way to it is real. In a circle the first one listed."""
    path, real = [index], True
    while (link := links[path[-1]]) is not None:
        if link[0] in path:
            return min(path[path.index(link[0]) :]), real
        path.append(link[0])
        real = real and link[1]
    return path[-1], real


def _with(finding: Finding, followers: Sequence[tuple[Finding, bool]]) -> Finding:
    if not followers:
        return finding
    # What only looks so is no alarm of its own.
    ordered = sorted((f if real else f.at("info") for f, real in followers), key=_begin)
    severity = worst((finding, *(f for f, real in followers if real)))
    return replace(finding, severity=severity or finding.severity, consequences=tuple(ordered))


def _begin(finding: Finding) -> float:
    start = finding.step_start
    return start if start == start else float("inf")
