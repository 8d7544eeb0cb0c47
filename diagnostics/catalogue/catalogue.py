"""The runs below a folder as they were found at the last scan; what has not changed is not read again."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from trainvitals.diagnostics.catalogue.entry import Entry, Read, Stamp, opened, stamp, stamp_of
from trainvitals.diagnostics.catalogue.live import Happened, Live
from trainvitals.diagnostics.catalogue.opened import Opened
from trainvitals.diagnostics.catalogue.stored import Store
from trainvitals.diagnostics.catalogue.workers import examine_all
from trainvitals.diagnostics.pipeline import Examined
from trainvitals.diagnostics.processes import Process
from trainvitals.diagnostics.render.words import VERDICTS
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import RunFiles, discover
from trainvitals.parsers.errors import TrainvitalsError

LONG_TO_READ = 1_000_000
"""Points from which on the series of a run are kept when it is judged: whoever opens it would wait for them again."""

LOOK, RESCAN = 2.0, 15.0
"""Seconds at least between two looks at running trainings, and between two looks for new runs beside them."""

MOMENT = 0.5
"""Seconds after a scan in which its table is drawn, which nothing else should delay."""

COST = 20.0
"""The folder is listed again after so many times what listing it took."""


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """What is known at a moment; it compares by identity.

    Attributes:
        entries: the runs by their names, worst first.
        total: groups of files that were found; `read` is how many of them are known by now.
        scanning: more is coming.
        trouble: why the folder, or the settings, cannot be used; empty if they can.
        version: grows with every change.
    """

    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))
    total: int = 0
    read: int = 0
    scanning: bool = False
    trouble: str = ""
    version: int = 0


class Catalogue:
    """Scans in a thread of its own; every method may be called from any thread, and only `load` and `look` read.

    `store` keeps what was said of the runs for the next catalogue of this folder; without it, nothing is kept.
    """

    def __init__(self, folder: str, settings: Callable[[], Settings], store: Store | None = None) -> None:
        self.folder = folder
        self._find_settings = settings
        self._store = store
        self._settings = Settings()
        self._settings_stamp: object = self  # of no settings: those of the first scan are new
        self._lock = threading.RLock()
        self._looking = threading.Lock()
        self._known: dict[RunFiles, tuple[Entry, ...]] = {}
        self._found: tuple[RunFiles, ...] = ()
        self._scan: threading.Thread | None = None
        self._saving: threading.Thread | None = None
        self._listed = threading.Event()
        self._trouble = ""
        self._version = 0
        self._snapshot = Snapshot(version=-1)
        self._opening = threading.Lock()
        self._opened = Opened()
        self._live = Live()
        self._looked = self._scanned = self._cost = 0.0

    def refresh(self, ahead: Sequence[Process] = ()) -> None:
        """Begin to scan, unless a scan is under way; nothing is waited for. `ahead` are workers that run already."""
        with self._lock:
            if self._scan is None or not self._scan.is_alive():
                self._scan = threading.Thread(target=self._rescan, args=(ahead,), daemon=True, name="scan")
                self._scan.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the scan that is under way; whether it is over."""
        scan = self._scan
        if scan is not None:
            scan.join(seconds)
        return scan is not None and not scan.is_alive()

    def wait_for_list(self, seconds: float) -> None:
        """Wait until it is known which runs there are to read."""
        self._listed.wait(seconds)

    def wait_for_disk(self) -> None:
        """Wait until what the last scan has said is kept for the next start."""
        if self._saving:
            self._saving.join()

    @property
    def snapshot(self) -> Snapshot:
        """What is known now."""
        with self._lock:
            scanning = self._scan is not None and self._scan.is_alive()
            if self._snapshot.version != self._version or self._snapshot.scanning != scanning:
                self._snapshot = self._now(scanning)
            return self._snapshot

    @property
    def is_live(self) -> bool:
        """Whether any training may still be running, so that looking again is worth while."""
        return any(Live.may_run(e, time.time()) for e in self.snapshot.entries.values())

    @property
    def happened(self) -> Sequence[Happened]:
        """What looks have told of running trainings: the last of it, oldest first, with numbers that grow."""
        return self._live.happened

    def load(self, name: str) -> Examined | None:
        """A run with its series; None where no run has this name. What was opened last is kept."""
        known = self.snapshot.entries.get(name)
        if known is None:
            return None
        with self._looking:
            followed = self._live.examined(known)
        if followed is not None:
            return _named(followed, name)
        found = self._open(known.files)
        return _named(found[known.part], name) if known.part < len(found) else None

    def look(self) -> None:
        """Read what running trainings have written since the last look; too soon after it, nothing is done."""
        if time.monotonic() < self._looked + LOOK or not self._looking.acquire(blocking=False):
            return
        try:
            self._look()
        finally:
            self._looked = time.monotonic()
            self._looking.release()

    def _look(self) -> None:
        known = self.snapshot
        if known.scanning:
            return
        changed = self._live.look(known.entries.values(), self._settings)
        with self._lock:
            for files, found in changed.items():
                self._known[files] = found
                self._version += 1
        if time.monotonic() > self._scanned + max(RESCAN, COST * self._cost):
            self.refresh()

    def _open(self, files: RunFiles) -> tuple[Examined, ...]:
        """The runs of these files with their series, as they are on disk now."""
        with self._opening:  # two who ask for one run need not both read it
            stamped = stamp(files)
            found = self._opened.get(files, stamped)
            if found is None:
                known = self._known.get(files, ())
                read = opened(files, self._settings, known)
                if any(one.stamp != stamped or one.report is None for one in known):
                    self._deliver(files, read)
                found = _with_series(read)
                self._opened.keep(files, stamped, found)
            return found

    def _rescan(self, ahead: Sequence[Process]) -> None:
        started = time.monotonic()
        try:
            settings = self._find_settings()
            found = discover([self.folder])
        except TrainvitalsError as error:
            with self._lock:
                self._trouble, self._version = str(error), self._version + 1
            self._listed.set()
            return
        stamps = {files: stamp(files) for files in found}
        self._cost = time.monotonic() - started
        decided = stamp_of(settings.origin) if settings.origin else None
        stored = None
        if decided != self._settings_stamp:
            self.wait_for_disk()  # a store is for one thread at a time
            stored = self._store.load(self.folder, settings, stamps) if self._store else {}
            self._settings_stamp = decided
        todo = self._begin(found, stamps, settings, stored)
        size = sum(size for files in todo for _, size, *_ in stamps[files])
        self._listed.set()
        examine_all(todo, size, settings, self._deliver, ahead)
        self._scanned = time.monotonic()
        if self._store:
            with self._lock:
                known = dict(self._known)
            self._saving = threading.Thread(target=self._save, args=(self._saving, settings, known), daemon=True)
            self._saving.start()

    def _save(
        self, before: threading.Thread | None, settings: Settings, known: dict[RunFiles, tuple[Entry, ...]]
    ) -> None:
        """Keep what was said for the next start, when the first table has been drawn."""
        if before:
            before.join()
        time.sleep(MOMENT)
        if self._store:
            self._store.save(self.folder, settings, known)

    def _begin(
        self,
        found: tuple[RunFiles, ...],
        stamps: Mapping[RunFiles, Stamp],
        settings: Settings,
        stored: dict[RunFiles, tuple[Entry, ...]] | None,
    ) -> list[RunFiles]:
        """Forget what is gone, and take what is `stored` for all that was said under other settings: what to read."""
        with self._lock:
            if stored is not None:
                self._known, self._live = stored, Live()
                self._opened.clear()
            news = found != self._found or stored is not None or bool(self._trouble)
            self._settings, self._trouble = settings, ""
            self._known = {files: self._known[files] for files in found if files in self._known}
            self._found, self._version = found, self._version + news
            todo = [files for files in found if not self._is_known(files, stamps[files])]
        # Those that changed last are what somebody is waiting for.
        return sorted(todo, key=lambda files: max((at for _, _, at, _ in stamps[files]), default=0), reverse=True)

    def _is_known(self, files: RunFiles, stamped: Stamp) -> bool:
        known = self._known.get(files)
        return known is not None and (self._live.follows(files) or all(one.stamp == stamped for one in known))

    def _deliver(self, files: RunFiles, read: Read) -> None:
        with self._lock:
            self._known[files] = tuple(one for one, _ in read)
            self._version += 1
        if sum(series.run.points for _, series in read if series is not None) >= LONG_TO_READ:
            self._opened.keep(files, read[0][0].stamp, _with_series(read))

    def _now(self, scanning: bool) -> Snapshot:
        known = [one for files in self._found for one in self._known.get(files, ())]
        ordered = sorted(_with_names_of_their_own(known), key=lambda e: (VERDICTS.index(e.row.verdict), e.row.name))
        read = sum(files in self._known for files in self._found)
        by_name = MappingProxyType({one.row.name: one for one in ordered})
        return Snapshot(by_name, len(self._found), read, scanning, self._trouble, self._version)


def _with_series(read: Read) -> tuple[Examined, ...]:
    return tuple(
        Examined(report, series) for one, series in read if series is not None and (report := one.report) is not None
    )


def _named(examined: Examined, name: str) -> Examined:
    return replace(examined, report=replace(examined.report, run=name))


def _with_names_of_their_own(found: Sequence[Entry]) -> list[Entry]:
    """The entries with a number behind each name that another one has, too: a name stands for one run in a URL."""
    alike: defaultdict[str, list[Entry]] = defaultdict(list)
    for one in found:
        alike[one.row.name].append(one)
    named = []
    for name, several in alike.items():
        named += several[:1]
        for number, one in enumerate(several[1:], start=2):
            free = next(n for i in range(number, number + len(found)) if (n := f"{name} ({i})") not in alike)
            named.append(replace(one, row=replace(one.row, name=free)))
    return named
