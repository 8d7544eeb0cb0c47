"""What a generated run is an example of: a healthy shape, or a fault with the rules that name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from curves import Rng
from logs import Log


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of healthy run.

    Attributes:
        name: in words, as the table shows it.
        make: a run of about `n` logged rows.
        shortest: fewest rows at which the shape means anything.
    """

    name: str
    make: Callable[[Rng, int], Log]
    shortest: int = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of sick run.

    Attributes:
        name: in words, as the table shows it.
        codes: the rules of trainvitals that name it; any of them counts.
        make: a run of about `n` logged rows.
        shortest: fewest rows from which a careful reader of the log could tell; recall counts from there.
        peers: words of which one stands in the finding of another program that names it; none: it has no such check.
        info: the finding is a note and no alarm, so that it counts at any severity.
    """

    name: str
    codes: tuple[str, ...]
    make: Callable[[Rng, int], Log]
    shortest: int = 100
    peers: tuple[str, ...] = ()
    info: bool = False

    @property
    def family(self) -> str:
        """The letter of the rules' family."""
        return self.codes[0][0]
