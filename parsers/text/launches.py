"""Several launches of one program in one file: which of them is another run, and which resumes or repeats one.

A launch prints its settings before its first row. It is another run where its steps begin again where those of the run
before began, and a setting that both printed differs. The same settings from the first step on are another attempt, and
a later step is a resume, whatever the settings: both belong to the same run.
"""

from __future__ import annotations

from zlib import crc32

from trainvitals.parsers.text.line_format import Context

_ANEW, _FIRST, _LAST = "launched", "first step", "last step"
_THIS, _RUN = "of this launch:", "of the run:"


def opens(context: Context, name: str) -> None:
    """A launch of `name` begins, which has no settings yet."""
    for key in [key for key in context.marks if key.startswith(f"{name} {_THIS}")]:
        del context.marks[key]
    context.marks[f"{name} {_ANEW}"] = 1.0


def says(context: Context, name: str, setting: str, value: str) -> None:
    """The launch that has begun prints one of its settings."""
    context.marks[f"{name} {_THIS}{setting}"] = float(crc32(value.encode()))


def begins_run(context: Context, name: str, step: float) -> bool:
    """Whether a training row begins another run; to be asked once per row."""
    marks = context.marks
    first, last = marks.get(f"{name} {_FIRST}", step), marks.get(f"{name} {_LAST}", step)
    other = bool(marks.pop(f"{name} {_ANEW}", 0.0)) and _settle(marks, name) and step <= first and step < last
    marks[f"{name} {_FIRST}"], marks[f"{name} {_LAST}"] = step if other else min(first, step), step
    return other


def _settle(marks: dict[str, float], name: str) -> bool:
    """Take the settings of this launch for those of the run; whether one of them was another before."""
    this = {key.partition(_THIS)[2]: value for key, value in marks.items() if key.startswith(f"{name} {_THIS}")}
    before = {setting: marks.get(f"{name} {_RUN}{setting}", value) for setting, value in this.items()}
    marks.update({f"{name} {_RUN}{setting}": value for setting, value in this.items()})
    return before != this
