"""The contract of a format: what each module beside this one provides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from trainvitals.parsers.feed import Follow
from trainvitals.parsers.files import LogFile
from trainvitals.parsers.model import Parsed


@dataclass(frozen=True, slots=True)
class Format:
    """One way in which trainers write logs.

    Attributes:
        name: permanent identifier, as shown in reports and by `trainvitals formats`.
        title: a line for people: which trainer writes it, in which file.
        sample: some lines of it; `detect` must answer this format for them (a test asserts it).
        sniff: how sure it is that a file is of this format, 0 (no) to 1; looks at name, head and tail only.
        read: the whole file; raises `ReadError` only when nothing can be read, counts bad lines otherwise.
        precision: decimal digits that it usually keeps; of two sources of one series the more precise one is taken.
        version: raised when the reader gives other numbers than before, so that caches notice.
        origin: where the lines of the sample were found, for the table of formats: a public repository or issue, or
            "made with <package> <version>".
        reads: what is taken from it besides the metrics, in a few words.
        follow: how a file of it is read while it grows at its end; None for formats that are written anew each time.
        last: asked only where no other format has seen anything of its own.
    """

    name: str
    title: str
    sample: bytes
    sniff: Callable[[LogFile], float]
    read: Callable[[LogFile], tuple[Parsed, ...]]
    precision: int = 6
    version: int = 1
    origin: str = ""
    reads: str = ""
    follow: Follow | None = None
    last: bool = False
