"""How a file would be read, for a terminal: what `formats --test` prints."""

from __future__ import annotations

from collections.abc import Iterator

from trainvitals.diagnostics.render import words
from trainvitals.diagnostics.render.page import Page
from trainvitals.diagnostics.render.sanitise import for_terminal
from trainvitals.parsers.trial import Trial

SHOWN_OTHERS = 4
SHOWN_COLUMNS = 30


def render(trial: Trial, page: Page) -> str:
    """The whole of a trial; every text of the file is made inert first."""
    return "\n".join(_lines(for_terminal(trial), page)) + "\n"


def _lines(trial: Trial, page: Page) -> Iterator[str]:
    source = trial.source
    yield page.paint(source.path, "bold")
    if source.error:
        yield from page.wrap(source.error, "  cannot be read: ", "    ")
    else:
        yield from page.wrap(f"read as {source.format}: {_counts(trial)}", "  ", "    ")
    others = [f"{name} {score:.2f}" for name, score in trial.sure[: SHOWN_OTHERS + 1]]
    if others:
        yield from page.wrap(", ".join(others), "  how sure the formats are (0 to 1): ", "    ")
    for problem in source.problems:
        yield from page.wrap(problem, "  ", "    ")
    yield from _columns(trial, page)
    for layout in source.learnt:
        yield page.clip(f"  learnt: {layout}", page.width)
    yield from _examples(trial, page)


def _counts(trial: Trial) -> str:
    source = trial.source
    told = [
        words.count(source.lines, "line"),
        f"{trial.rows_read:,}".replace(",", " ") + " with values",
        words.count(source.points, "value"),
        f"{source.unread_lines:,}".replace(",", " ") + " that look like metrics and are not understood",
    ]
    return ", ".join(told)


def _columns(trial: Trial, page: Page) -> Iterator[str]:
    named = [f"{name} [{split}]" if split else name for name, split, _ in trial.columns]
    shown = [f"{label} ({points})" for label, (_, _, points) in zip(named, trial.columns, strict=True)][:SHOWN_COLUMNS]
    if shown:
        more = f" and {len(named) - len(shown)} more" if len(named) > len(shown) else ""
        yield from page.wrap(", ".join(shown) + more, "  metrics (values): ", "    ")


def _examples(trial: Trial, page: Page) -> Iterator[str]:
    if trial.taken:
        yield page.paint("  understood, one of each kind", "bold")
    for one in trial.taken:
        yield page.clip(f"    line {one.line}: {one.text}" if one.text else f"    record {one.line}", page.width)
        yield from page.wrap(", ".join(f"{name} {_number(value)}" for name, value in one.values), "      ")
    unread = [one for one in trial.source.unread_examples if not one.why]
    if unread:
        yield page.paint("  not understood", "bold")
    for line in unread:
        yield page.clip(f"    line {line.line}: {line.text}", page.width)
    if trial.source.doubtful:
        yield page.paint("  doubtful, and nothing is taken from such lines", "bold")
    for line in trial.source.doubtful:
        yield page.clip(f"    line {line.line}: {line.text}", page.width)
        yield from page.wrap(line.why, "      ")


def _number(value: float) -> str:
    """All digits of a value as read."""
    return str(int(value)) if value == value // 1 and abs(value) < 2**53 else repr(value)
