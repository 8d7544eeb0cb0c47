"""B105: the log says that the run crashed."""

from __future__ import annotations

import re

import numpy as np

from trainvitals.diagnostics.case import Case
from trainvitals.diagnostics.curve import share_done, window
from trainvitals.diagnostics.report import Evidence, Finding, Pass, Severity
from trainvitals.diagnostics.rule import Result, Rule
from trainvitals.parsers.model import Note, Series

CODE, NAME = "B105", "crash"

REMEDIES = (
    (
        r"out of memory|OutOfMemory|CUBLAS_STATUS_ALLOC_FAILED",
        "halve the per-device batch and double the gradient accumulation; gradient checkpointing; shorter sequences",
    ),
    (
        r"nccl|ncclsystemerror|watchdog|collective operation|socket timeout|rendezvous",
        "find the rank that stopped first in the logs of the other processes; then raise the NCCL time-out",
    ),
    (
        r"time limit|preempt|sigterm|signal 15",
        "the scheduler ended the job: resume from the last checkpoint, or ask for more time",
    ),
    (
        r"killed|sigkill|signal 9|exit ?code:? *-9|oom-kill",
        "the host ran out of memory or time: fewer loader workers, more RAM",
    ),
    (r"no space left|disk quota", "free disk space, keep fewer checkpoints"),
    (
        r"diverged|floatingpointerror|nan|infinit",
        "lower the learning rate or lengthen the warm-up, clip the gradient, and resume from a checkpoint before it",
    ),
)
"""What to do about an error whose text matches, first match first."""


def check(case: Case) -> Result:
    """The log ends in a crash, or tells of one.

    What it checks: lines that the readers noted as crashes (traceback, out of memory, NCCL time-out, killed), and lines
    in which the trainer says that training diverged.

    Why it matters: the run has no result beyond its last checkpoint, and will crash again if it is only restarted.

    What to try: the quoted line is the last of the error; its cause stands above it in the file. Out of memory: a
    smaller batch with more accumulation. NCCL: look at the rank that stopped first. Killed: memory of the host, or the
    scheduler's time limit.

    How it decides: by the text; nothing is computed. It fails when no training step is logged after the crash. A crash
    after which the log goes on is a warning: the run was resumed, or the error was caught. A run that had reached its
    last planned step before it crashed is still a crash, and the message says that the training itself had finished.
    Source: the messages of Python, PyTorch, CUDA, NCCL, Slurm and torchrun.

    Blind spots: a process that is killed from outside often leaves no line at all.
    """
    notes = [n for n in case.run.notes if n.kind in ("crash", "diverged")]
    if not notes:
        return Pass(CODE, "no crash in the text of the log")
    last = max(notes, key=lambda n: (n.source, n.line))
    ends = [n for n in notes if n.source == last.source and last.line - n.line <= 200]
    return _finding(case, notes, _telling(ends))


def _telling(notes: list[Note]) -> Note:
    """The note that says most: a known cause before the closing lines of a launcher, else the last one."""
    known = [n for n in notes if any(re.search(p, n.text, re.IGNORECASE) for p, _ in REMEDIES)]
    return (known or notes)[-1]


def _finding(case: Case, notes: list[Note], note: Note) -> Finding:
    goes_on = _goes_on(case, max(notes, key=lambda n: (n.source, n.line)))
    severity: Severity = "warn" if goes_on else "fail"
    text = " ".join(note.text.split())
    ending = "" if not goes_on else "; the log goes on after it"
    remedy = next(
        (r for p, r in REMEDIES if re.search(p, text, re.IGNORECASE)), "read the error in full where it is quoted"
    )
    finished = "" if goes_on else _finished(case)
    cited = [note, *(n for n in notes if n is not note)][:4]
    return Finding(
        CODE,
        NAME,
        severity,
        (),
        f"the run {'says that it diverged' if note.kind == 'diverged' else 'crashed'}"
        f"{window(note.step, note.step)}: {_quoted(text)}{finished}{ending}",
        remedy,
        note.step,
        note.step,
        tuple(Evidence(case.run.sources[n.source].path, n.line, n.text) for n in cited),
        f"{len(notes)} lines of the text name a crash",
    )


def _quoted(text: str, longest: int = 160) -> str:
    return f'"{text if len(text) <= longest else text[: longest - 3] + "..."}"'


def _goes_on(case: Case, note: Note) -> bool:
    """Whether training steps are logged after a note: later in its file, or at later steps elsewhere."""
    train = [s for s in case.raw.series if s.split in ("train", "") and len(s)]
    if any(_after_in_file(s, note) for s in train):
        return True
    elsewhere = [float(s.step[s.source != note.source].max(initial=-np.inf)) for s in train]
    return note.step == note.step and max(elsewhere, default=-np.inf) > note.step


def _after_in_file(series: Series, note: Note) -> bool:
    return bool(((series.source == note.source) & (series.line > note.line)).any())


def _finished(case: Case) -> str:
    loss = case.loss
    summed = next((n for n in ("train_runtime", "train_loss") if n in case.run.summary), "")
    if loss is None or not len(loss):
        return ". No training step had been logged"
    if summed or share_done(case, loss) >= 0.999:
        return f". Training itself had finished{window(*[float(loss.step[-1])] * 2)}"
    return f". Last training step logged: {loss.step[-1]:.9g}" if loss.step[-1] == loss.step[-1] else ""


RULE = Rule(CODE, NAME, "fail", check)
