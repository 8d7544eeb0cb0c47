"""Logs that come from nobody's disk: uploaded or pasted. They are read like any others, and leave nothing behind."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace

from trainvitals.diagnostics.pipeline import Examined, examine_runs
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import discover, read_all
from trainvitals.parsers.model import ConfigValue, Run

MOST_FILES, MOST_BYTES = 50, 200 << 20
"""Of one upload."""

LONGEST_NAME = 100
PASTED = "pasted.log"
_UNSAFE = re.compile(r"[^A-Za-z0-9._=-]+", re.ASCII)


class TooMuchError(ValueError):
    """More than is taken at once; says how much that is."""


def examine_files(files: Mapping[str, bytes], settings: Settings | None = None) -> tuple[Examined, ...]:
    """The runs in these files: files that belong together are one run, as they would be in a folder.

    `files` are contents by names; a path in the result is the name of a file, made safe by `safe_names`.

    Raises:
        TooMuchError: too many files, or too many bytes.
    """
    if len(files) > MOST_FILES:
        raise TooMuchError(f"{len(files)} files are more than the {MOST_FILES} that are taken at once")
    if (size := sum(map(len, files.values()))) > MOST_BYTES:
        raise TooMuchError(f"{size >> 20} MiB are more than the {MOST_BYTES >> 20} MiB that are taken at once")
    settings = settings or Settings()
    with tempfile.TemporaryDirectory(prefix="trainvitals-") as folder:
        for name, data in files.items():
            with open(os.path.join(folder, name), "xb") as file:
                file.write(data)
        alone = [os.path.join(folder, name) for name in files] if len(files) == 1 else [folder]
        runs = [run for found in discover(alone) for run in read_all(found, patterns=settings.patterns)]
        runs = [_without_folder(run, folder) for run in runs]
    return tuple(examine_runs(runs, settings))


def safe_names(names: list[str]) -> list[str]:
    """Names under which files can be kept in one folder: nothing of a path, no hidden file, none twice.

    >>> safe_names(["../../etc/passwd", "log.jsonl", "log.jsonl", ".bashrc"])
    ['passwd', 'log.jsonl', '2-log.jsonl', 'bashrc']
    """
    found: list[str] = []
    for name in names:
        last = re.split(r"[/\\]", name)[-1]
        safe = _UNSAFE.sub("_", last).lstrip(".-")[-LONGEST_NAME:] or "log"
        number = 2
        while (one := safe if number == 2 and safe not in found else f"{number}-{safe}") in found:
            number += 1
        found.append(one)
    return found


def _without_folder(run: Run, folder: str) -> Run:
    """The run with the names of its files in place of their paths."""

    def shown(path: str) -> str:
        return os.path.relpath(path, folder) if path else path

    def moved(values: Mapping[str, ConfigValue]) -> dict[str, ConfigValue]:
        return {name: replace(value, path=shown(value.path)) for name, value in values.items()}

    sources = tuple(replace(source, path=shown(source.path)) for source in run.sources)
    # Runs are named after the folder, which has no name of its own.
    name = run.name.removeprefix(folder + os.sep).removeprefix(os.path.basename(folder)).removeprefix(os.sep)
    name = name or (sources[0].path if sources else PASTED)
    return replace(run, name=name, sources=sources, config=moved(run.config), summary=moved(run.summary))
