"""The runs at a path, followed while they are written: new files are found, and each file is read as it grows."""

from __future__ import annotations

import os
from collections.abc import Iterator

from trainvitals.parsers.discover import SKIPPED_FOLDERS, RunFiles, discover
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.following.file import FollowedFile
from trainvitals.parsers.following.tail import Stamp, stamp
from trainvitals.parsers.limits import SNIFF_BYTES
from trainvitals.parsers.model import Run
from trainvitals.parsers.reading import Beside, assemble_all, settings_beside


class Follower:
    """Follows the files of a run, or the runs at a path.

    After each `poll`, `runs` are what `read_all` would give of the files as they are then; but a file that has vanished
    keeps what it said, and one that was rotated keeps what the run goes on from.

    Attributes:
        groups: the files of each run, as they are known.
        trouble: why the path cannot be looked at, empty while it can.
    """

    def __init__(self, what: RunFiles | str | os.PathLike[str]) -> None:
        self._path = None if isinstance(what, RunFiles) else os.fspath(what)
        self.groups: tuple[RunFiles, ...] = (what,) if isinstance(what, RunFiles) else ()
        self.trouble = ""
        self.files: dict[str, FollowedFile] = {}
        self._listing: object = None
        self._beside: dict[RunFiles, tuple[tuple[Stamp | None, ...], Beside]] = {}
        self._runs: dict[RunFiles, tuple[Run, ...]] = {}

    def poll(self) -> tuple[RunFiles, ...]:
        """Look for new files and read what was appended to the others; the runs that may say something else now."""
        known = frozenset(self.groups)
        self._discover()
        wanted = dict.fromkeys(path for group in self.groups for path in group.paths)
        self.files = {path: self.files.get(path) or FollowedFile(path) for path in wanted}
        grown = {path for path, file in self.files.items() if file.poll()}
        changed = tuple(g for g in self.groups if g not in known or grown.intersection(g.paths) | self._new_settings(g))
        kept = frozenset(self.groups).difference(changed)
        self._runs = {group: runs for group, runs in self._runs.items() if group in kept}
        self._beside = {group: found for group, found in self._beside.items() if group in self.groups}
        return changed

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, by the last `poll`."""
        return tuple(run for group in self.groups for run in self.runs_of(group))

    def runs_of(self, group: RunFiles) -> tuple[Run, ...]:
        """The run of these files, or the several runs that they hold, by the last `poll`."""
        if group not in self._runs:
            parsed = [one for path in group.paths for one in self.files[path].parsed]
            beside = self._beside[group][1] if group in self._beside else settings_beside(group)
            self._runs[group] = assemble_all(group, parsed, beside)
        return self._runs[group]

    def _new_settings(self, group: RunFiles) -> set[str]:
        """The hyperparameter files that have changed since they were read; they are read again."""
        stamps = tuple(map(stamp, group.sidecars))
        before = self._beside.get(group)
        if before is not None and before[0] == stamps:
            return set()
        if before is not None and all(found is None for found in stamps):
            return set()  # the folder is gone, not the settings
        self._beside[group] = (stamps, settings_beside(group))
        return set(group.sidecars)

    def _discover(self) -> None:
        """Look for runs where the folder has changed. Runs of which every file is gone are kept."""
        if self._path is None:
            return
        listing = frozenset(_listing(self._path, self.files))
        if listing == self._listing and not self.trouble:
            return
        try:
            found = discover([self._path])
        except ReadError as error:
            self.trouble = error.reason
            return
        self._listing, self.trouble = listing, ""
        here = {path for group in found for path in group.paths}
        self.groups = (*found, *(group for group in self.groups if here.isdisjoint(group.paths)))


def _listing(top: str, followed: dict[str, FollowedFile]) -> Iterator[tuple[str, int]]:
    """What tells whether there are other runs: the files, and of those not followed whether their beginning grows."""
    if not os.path.isdir(top):
        folder = os.path.dirname(top) or "."
        yield from ((entry.path, 0) for entry in _entries(folder))
        return
    folders = [top]
    while folders:
        for entry in _entries(folders.pop()):
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    folders += [entry.path] if entry.name not in SKIPPED_FOLDERS else []
                else:
                    is_known = os.path.normpath(entry.path) in followed
                    yield entry.path, 0 if is_known else min(entry.stat().st_size, 2 * SNIFF_BYTES)
            except OSError:
                continue


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
