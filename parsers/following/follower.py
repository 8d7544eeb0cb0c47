"""The runs at a path, followed while they are written: new files are found, and each file is read as it grows."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator, Mapping, Sequence

from trainvitals.parsers.discover import SKIPPED_FOLDERS, RunFiles, discover
from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.following.file import FollowedFile
from trainvitals.parsers.following.tail import Stamp, stamp
from trainvitals.parsers.limits import SNIFF_BYTES
from trainvitals.parsers.model import Run
from trainvitals.parsers.reading import Beside, assemble_all, settings_beside
from trainvitals.parsers.text.template import Template


class Follower:
    """Follows the files of a run, or the runs at a path.

    After each `poll`, `runs` are what `read_all` would give of the files as they are then; but a file that has vanished
    keeps what it said, and one that was rotated keeps what the run goes on from.

    `shown_as` gives names to paths that the reader would not know again.

    Attributes:
        path: what is looked at.
        groups: the files of each run, as they are known.
        trouble: why the path cannot be looked at, empty while it can.
    """

    def __init__(
        self,
        what: RunFiles | str | os.PathLike[str],
        *,
        patterns: Sequence[Template] = (),
        shown_as: Mapping[str, str] | None = None,
    ) -> None:
        self._patterns, self._shown_as = tuple(patterns), shown_as or {}
        self._fixed = isinstance(what, RunFiles)
        self.path = what.root if isinstance(what, RunFiles) else os.fspath(what)
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
        self.files = {path: self.files.get(path) or self._file(path) for path in wanted}
        grown = {path for path, file in self.files.items() if file.poll()}
        changed = tuple(
            g for g in self.groups if self._has_new_settings(g) or g not in known or grown.intersection(g.paths)
        )
        kept = frozenset(self.groups).difference(changed)
        self._runs = {group: runs for group, runs in self._runs.items() if group in kept}
        self._beside = {group: found for group, found in self._beside.items() if group in self.groups}
        return changed

    def _file(self, path: str) -> FollowedFile:
        return FollowedFile(path, self._shown_as.get(path), self._patterns)

    @property
    def runs(self) -> tuple[Run, ...]:
        """All runs, by the last `poll`."""
        return tuple(run for group in self.groups for run in self.runs_of(group))

    def runs_of(self, group: RunFiles) -> tuple[Run, ...]:
        """The run of these files, or the several runs that they hold, by the last `poll`."""
        if group not in self._runs:
            parsed = [one for path in group.paths for one in self.files[path].parsed]
            self._runs[group] = assemble_all(group, parsed, self._beside[group][1])
        return self._runs[group]

    def _has_new_settings(self, group: RunFiles) -> bool:
        """Whether a hyperparameter file has changed since it was read; then they are all read again."""
        stamps = tuple(map(stamp, group.sidecars))
        if group in self._beside and (self._beside[group][0] == stamps or not any(stamps)):
            return False  # where all are gone, it is the folder that is gone
        self._beside[group] = (stamps, settings_beside(group))
        return True

    def _discover(self) -> None:
        """Look for runs where the folder has changed. Runs of which every file is gone are kept."""
        if self._fixed:
            return
        listing = dict(_listing(self.path))
        if _unless_known(listing, self.files) == self._listing and not self.trouble:
            return
        try:
            found = discover([self.path])
        except ReadError as error:
            self.trouble = error.reason
            return
        here = {path for group in found for path in group.paths}
        self._listing, self.trouble = _unless_known(listing, here), ""
        self.groups = (*found, *(group for group in self.groups if here.isdisjoint(group.paths)))


def _unless_known(listing: dict[str, int], known: Container[str]) -> dict[str, int]:
    return {path: -1 if path in known else size for path, size in listing.items()}


def _listing(top: str) -> Iterator[tuple[str, int]]:
    """The files at a path, and how much of their beginning there is: a file that was no log may become one."""
    if not os.path.isdir(top):
        yield from ((entry.path, -1) for entry in _entries(os.path.dirname(top) or "."))
        return
    folders = [os.path.normpath(top)]
    while folders:
        for entry in _entries(folders.pop()):
            try:
                if entry.name.startswith("."):
                    continue
                if not entry.is_dir(follow_symlinks=False):
                    yield entry.path, min(entry.stat().st_size, 2 * SNIFF_BYTES)
                elif entry.name not in SKIPPED_FOLDERS:
                    folders.append(entry.path)
            except OSError:
                continue


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []
