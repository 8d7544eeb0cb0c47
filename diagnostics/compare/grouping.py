"""Which runs belong together: those that a pattern names, and those whose paths differ in nothing but a seed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.compare.model import Group
from trainvitals.diagnostics.compare.seeds import seed_of, without_seed


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A run to compare, and the path by which it is known: it may tell the seed where the run's name does not."""

    case: Case
    path: str

    @property
    def seed(self) -> str:
        """The seed that its path or its configuration tells."""
        value = self.case.config("seed")
        return seed_of(self.path) or ("" if value is None else str(value))


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The runs of one group."""

    group: Group
    members: tuple[Member, ...]

    @property
    def cases(self) -> tuple[Case, ...]:
        """Their cases, in the same order."""
        return tuple(member.case for member in self.members)


def member(case: Case) -> Member:
    """A run with the path down to its folder or file."""
    source = case.run.sources[0].path if case.run.sources else ""
    folder = os.path.dirname(source)
    known = source if os.path.basename(source) == case.run.name or not folder else folder
    # Several runs of one file are told apart by their names.
    return Member(case, known if case.run.name.endswith(os.path.basename(known)) else f"{known}/{case.run.name}")


def side(name: str, cases: Sequence[Case]) -> Side:
    """A group of these runs, under a name of the caller's."""
    members = tuple(map(member, cases))
    return Side(Group(name, tuple(c.run.name for c in cases), tuple(m.seed for m in members)), members)


def sides(members: Sequence[Member], patterns: Sequence[str] = ()) -> tuple[Side, ...]:
    """The groups, in the order in which their first run was given."""
    keys: dict[str, list[Member]] = {}
    for one in members:
        keys.setdefault(_key(one, patterns), []).append(one)
    return tuple(Side(_group(key, tuple(found), members), tuple(found)) for key, found in keys.items())


def _key(one: Member, patterns: Sequence[str]) -> str:
    names = (one.case.run.name, one.path)
    for pattern in patterns:
        if any(fnmatchcase(name, pattern) for name in names):
            return pattern
    # Without a seed in its path a run is a group of its own, whatever else is called the same.
    return without_seed(one.path) if seed_of(one.path) else f"{one.path}\0{id(one)}"


def _group(key: str, found: tuple[Member, ...], everything: Sequence[Member]) -> Group:
    others = [m.path for m in everything if m not in found]
    name = _short(found[0].path if len(found) == 1 else key, others)
    return Group(name, tuple(m.case.run.name for m in found), tuple(m.seed for m in found))


def _short(path: str, others: Sequence[str]) -> str:
    """The last parts of a path, as many as tell it from the others."""
    parts = path.replace(os.sep, "/").strip("/").split("/")
    for count in range(1, len(parts)):
        tail = "/".join(parts[-count:])
        taken = (known.endswith(f"/{tail}") for other in others for known in (f"/{other}", f"/{without_seed(other)}"))
        if tail.strip("*-_. ") and not any(taken):
            return tail
    return "/".join(parts)
