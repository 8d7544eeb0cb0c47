"""Helpers for the tests of console text: read a text, and show its series as plain lists."""

from trainvitals.parsers.files import LogFile
from trainvitals.parsers.formats import console
from trainvitals.parsers.model import Parsed, Series


def read(text: str | bytes) -> Parsed:
    """What the console reader makes of a text."""
    data = text.encode() if isinstance(text, str) else text
    (parsed,) = console.read(LogFile("run.log", data))
    return parsed


def series(parsed: Parsed, metric: str, split: str = "") -> Series:
    """The series of a metric under its logged name."""
    return next(one for one in parsed.series if one.logged_as == metric and one.split == split)


def points(parsed: Parsed, metric: str, split: str = "") -> list[tuple[float, float]]:
    """(step, value) of a metric."""
    one = series(parsed, metric, split)
    return list(zip(one.step.tolist(), one.value.tolist(), strict=True))


def by_epoch(parsed: Parsed, metric: str, split: str = "") -> list[tuple[float, float]]:
    """(epoch, value) of a metric."""
    one = series(parsed, metric, split)
    return list(zip(one.epoch.tolist(), one.value.tolist(), strict=True))


def config(parsed: Parsed) -> dict[str, object]:
    """The hyperparameters without where they were found."""
    return {name: value.value for name, value in parsed.config.items()}
