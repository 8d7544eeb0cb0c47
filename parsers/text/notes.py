"""Lines that are no numbers but mean something: crashes, overflows, generations that did not stop."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from trainvitals.parsers.limits import MAX_NOTES
from trainvitals.parsers.model import Note, NoteKind
from trainvitals.parsers.patterns import pattern
from trainvitals.parsers.text.line_format import Context

MAX_TEXT = 300
"""Characters of a line that a note quotes."""

TRACEBACK = "Traceback (most recent call last)"

# What happened, a substring that such a line holds, and the rest of what makes it certain. Sentences that only warn of
# running out of memory, and settings that name NCCL, are none of these.
_SIGNS: tuple[tuple[NoteKind, str, str], ...] = (
    ("max_len", "without EOS", r"(?<![\"'])reached max_?len\w* without EOS"),
    ("overflow", "radient overflow", r"[Gg]radient overflow"),
    ("overflow", "verflow detected", r"[Oo]verflow detected"),
    ("overflow", "OVERFLOW!", r"OVERFLOW!"),
    ("overflow", "loss scale to", r"loss scale to:? *[\d.]"),
    ("diverged", "has diverged", r"has diverged"),
    ("crash", "out of memory", r"(?:CUDA|HIP|XPU|MPS backend|DefaultCPUAllocator).{0,40}out of memory"),
    ("crash", "OutOfMemoryError", r"OutOfMemoryError:"),
    ("crash", "egmentation fault", r"Segmentation fault"),
    ("crash", "Bus error", r"Bus error"),
    ("crash", "Killed", r"(?:^|[\s:])Killed(?:\s*$| {2,}|\s+python|\s+torchrun)"),
    ("crash", "SIGKILL", r"[Ss]ignal 9 \(SIGKILL\)"),
    ("crash", "oom", r"oom[-_ ]kill"),
    ("crash", "CANCELLED", r"CANCELLED AT .{0,40}"),
    ("crash", "ollective operation timeout", r"Watchdog caught collective operation timeout"),
    ("crash", "NCCL", r"NCCL (?:operation )?time(?:d )?out|ncclSystemError|NCCL error|NCCL communicator was aborted"),
    ("crash", "DataLoader worker", r"DataLoader worker.{0,60}(?:is killed by signal|exited unexpectedly)"),
    ("crash", "CUDA error:", r"CUDA error: (?:an illegal|device-side assert|unspecified launch|uncorrectable)"),
    ("crash", "terminate called", r"^terminate called after throwing"),
    ("crash", "No space left on device", r"\[Errno 28\] No space left on device"),
    ("crash", "ChildFailedError", r"ChildFailedError:"),
)
SIGNS = tuple((kind, needle, pattern(words)) for kind, needle, words in _SIGNS)
NEEDLES = (TRACEBACK, *dict.fromkeys(needle for _, needle, _ in _SIGNS))

_EXCEPTION = pattern(r"[A-Za-z_][\w.]*+(?::|\Z)")
_MAX_TRACEBACK = 2000


@dataclass(slots=True)
class _Traceback:
    """A traceback that is being read: where it began, and what stands before each of its lines (a rank)."""

    prefix: str
    line: int


class Notes:
    """Collects the notes of a file, line by line."""

    def __init__(self) -> None:
        self.found: list[Note] = []
        self.dropped = 0
        """Notes beyond `MAX_NOTES`."""
        self._open: _Traceback | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> Notes:
        """Notes that go on by themselves; those that were found never change."""
        twin = Notes()
        twin.found, twin.dropped, twin._open = list(self.found), self.dropped, copy.copy(self._open)
        return twin

    @property
    def in_traceback(self) -> bool:
        """Whether the last line was in a traceback, so that the next line has to be shown as well."""
        return self._open is not None

    def read(self, text: str, context: Context) -> bool:
        """Take a line that holds one of `NEEDLES` or is in a traceback; whether it meant something."""
        if self._open is not None and self._in_traceback(text, context):
            return True
        start = text.find(TRACEBACK)
        if start >= 0:
            # One that is still open belongs to another process: the two are told as one.
            self._open = self._open or _Traceback(text[:start].strip() if start < 40 else "", context.line)
            return True
        kind = sign_of(text)
        if kind is not None:
            self._add(kind, text, context.line, context)
        return kind is not None

    def finish(self, context: Context) -> tuple[Note, ...]:
        """All notes; a traceback that the end of the file cut off is one."""
        self._close("", context)
        return tuple(self.found)

    def _in_traceback(self, text: str, context: Context) -> bool:
        assert self._open is not None
        if context.line - self._open.line > _MAX_TRACEBACK:
            self._close("", context)
            return False
        own = text.strip().startswith(self._open.prefix)
        body = text.lstrip().removeprefix(self._open.prefix).removeprefix(" ") if self._open.prefix else text
        if own and (not body.strip() or body[0].isspace()):
            return True
        if own and TRACEBACK not in body and _EXCEPTION.match(body.strip()):
            self._close(body.strip(), context)
            return True
        return False

    def _close(self, last: str, context: Context) -> None:
        if self._open is None:
            return
        text = last or f"{TRACEBACK}: cut off before its last line"
        kind: NoteKind = "diverged" if sign_of(last) == "diverged" else "crash"
        self._add(kind, text, context.line if last else self._open.line, context)
        self._open = None

    def _add(self, kind: NoteKind, text: str, line: int, context: Context) -> None:
        if len(self.found) >= MAX_NOTES:
            self.dropped += 1
        else:
            self.found.append(Note(kind, text.strip()[:MAX_TEXT], 0, line, context.step, context.epoch))


def sign_of(text: str) -> NoteKind | None:
    """What a line means; None for all others."""
    return next((kind for kind, needle, sign in SIGNS if needle in text and sign.search(text)), None)
