"""One file of a run that is followed: what it says so far, whatever happens to it on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import PICKLES, LogFile, open_log, open_regular, peek
from trainvitals.parsers.following.growing import Growing, WholeOnly
from trainvitals.parsers.following.tail import Tail, stamp
from trainvitals.parsers.formats import ranked
from trainvitals.parsers.limits import MAX_FILE_BYTES
from trainvitals.parsers.model import Parsed, Source
from trainvitals.parsers.reading import read_log
from trainvitals.parsers.text.template import Template

ROTATED = "this part stood in the file before it was rotated or cut"
GONE = "the file is gone, or cannot be read any more"
FULL = f"the file has reached the limit of {MAX_FILE_BYTES} bytes, and what follows is not read"
JOURNAL = "-wal"
"""A database writes to a file of this suffix before it writes to its own."""


class FollowedFile:
    """Answers what `read_file` would, from what is appended; what is no log of lines or records is read whole.

    A file that vanishes keeps what it said. One that is rotated or cut begins anew: what stood in it before stays, as a
    part of its own, if the steps of the new lines lie behind it, and is dropped if they begin again.
    """

    def __init__(self, path: str, shown_as: str | None = None, patterns: Sequence[Template] = ()) -> None:
        self.path, self._name, self._patterns = path, shown_as or path, tuple(patterns)
        self.tail = Tail(path)
        self._growing: Growing | None = None
        self._stamps: object = None
        self._now: tuple[Parsed, ...] = ()
        self._earlier: tuple[Parsed, ...] = ()
        self._cut: Parsed | None = None
        """What stood in the file before it began anew, while nothing has shown yet whether the run goes on."""
        self._failure = ""

    @property
    def parsed(self) -> tuple[Parsed, ...]:
        """What the file says, and what it said before it was rotated."""
        before = (*self._earlier, *([self._cut] if self._cut else ()))
        told = [f"{GONE}: {self._failure}"] if self._failure else [FULL] if self.tail.is_full else []
        return (*before, *(_with_problems(one, told) for one in self._now))

    def poll(self) -> bool:
        """Read what has come; whether `parsed` may say something else than before."""
        stamps = (stamp(self.path), stamp(self.path + JOURNAL))
        rests = stamps == self._stamps and not self._failure
        if rests and (self._growing is None or self._growing.is_settled):
            return False
        self._stamps, before = stamps, [one.source for one in self._now]
        try:
            self._say(self._grown(rests=rests) or read_log(self._whole(), self._patterns))
        except ReadError as error:
            if self._now and not _opens(self.path):
                return self._lost(error.reason)
            self._say((Parsed(Source(self._name, "", error=error.reason)),))
        self._failure = ""
        return not rests or before != [one.source for one in self._now]

    def _whole(self) -> LogFile:
        return replace(open_log(self.path), path=self._name)

    def _grown(self, *, rests: bool) -> tuple[Parsed, ...] | None:
        """What the file says, by what was appended; None where it has to be read whole."""
        if self._growing is None:
            if not self._may_grow():
                return None
            self.tail.begin_anew()
            self._growing = Growing(self._name, self._again, self._patterns)
        elif self.tail.look() == "anew":
            self._set_aside()
            self._growing = Growing(self._name, self._again, self._patterns)
        try:
            for piece in self.tail.pieces():
                self._growing.take(piece)
            return self._growing.answer(settle=rests)
        except WholeOnly:
            self._growing = None
            return None

    def _may_grow(self) -> bool:
        if self.path.lower().endswith(PICKLES):
            return False
        found = ranked(replace(peek(self.path), path=self._name), self._patterns)
        return bool(found) and found[0][1].follow is not None

    def _again(self) -> Iterator[bytes]:
        self.tail.begin_anew()
        return self.tail.pieces()

    def _set_aside(self) -> None:
        if len(self._now) == 1 and self._now[0].series:
            self._cut = _with_problems(self._now[0], [ROTATED])

    def _say(self, parsed: tuple[Parsed, ...]) -> None:
        self._now = parsed
        if self._cut is not None and (goes_on := _goes_on(self._cut, parsed)) is not None:
            self._earlier = (*self._earlier, self._cut) if goes_on else ()
            self._cut = None

    def _lost(self, reason: str) -> bool:
        """Keep what was read before; whether that has to be told."""
        changed, self._failure = self._failure != reason, reason
        return changed


def _opens(path: str) -> bool:
    try:
        with open_regular(path):
            return True
    except ReadError:
        return False


def _with_problems(parsed: Parsed, sentences: Sequence[str]) -> Parsed:
    if not sentences:
        return parsed
    return replace(parsed, source=replace(parsed.source, problems=(*parsed.source.problems, *sentences)))


def _goes_on(before: Parsed, after: Sequence[Parsed]) -> bool | None:
    """Whether all of the new points lie behind all of the old ones; None while there are none to tell by."""
    for axis in ("step", "epoch"):
        old, new = (
            np.concatenate([np.empty(0), *(getattr(series, axis) for one in found for series in one.series)])
            for found in ((before,), after)
        )
        old, new = old[np.isfinite(old)], new[np.isfinite(new)]
        if old.size and new.size:
            return bool(new.min() > old.max())
    return False if any(one.series for one in after) else None
