"""Lines of a log as text with their numbers: nothing in them acts on a browser or a terminal; secrets are hidden."""

from __future__ import annotations

from collections.abc import Sequence

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.sanitise import line_without_secrets, terminal
from trainvitals.parsers.excerpt import Excerpt, Line

MOST_CELLS = 1000
ARROW, BAR = "\u25b6", "\u2502"


def text(found: Excerpt, line: int) -> str:
    """The lines with their numbers, an arrow at the cited one."""
    width = len(str(found.lines[-1].number)) if found.lines else 0
    return "\n".join(row for each in found.lines for row in _rows(each, width, cited=each.number == line))


def quote(place: str, line: Line) -> str:
    """One line behind the place where it stands; of a progress bar its last state."""
    return f"{terminal(place)} {BAR} {_shown(line.texts[-1])}"


def _rows(line: Line, width: int, *, cited: bool) -> Sequence[str]:
    arrow = ARROW if cited else " "
    hidden = [f"({words.count(line.hidden, 'earlier state')} of this line)"] if line.hidden else []
    # Of a progress bar the last state is the line, but where a finding cites it all that is kept.
    states = [*hidden, *line.texts] if cited else line.texts[-1:]
    return [f"{arrow} {line.number if i == 0 else '':>{width}} {BAR} {_shown(s)}" for i, s in enumerate(states)]


def _shown(state: str) -> str:
    return terminal(line_without_secrets(state.expandtabs(4)), limit=MOST_CELLS)
