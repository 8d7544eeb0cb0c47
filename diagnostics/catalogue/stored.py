"""What was said of the runs of a folder, kept on disk for the next start of a server.

A file holds all of a folder for one state of the program and of the settings, which its name tells. It is no pickle:
bytes are checked against a digest, and values against the types of their fields, so that whatever else stands there
costs no more than reading the logs again.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from trainvitals.diagnostics.catalogue import private
from trainvitals.diagnostics.catalogue.entry import Entry, Stamp, changed_at
from trainvitals.diagnostics.catalogue.identity import identity
from trainvitals.diagnostics.catalogue.row import Row
from trainvitals.diagnostics.kept import place
from trainvitals.diagnostics.settings import Settings
from trainvitals.parsers import RunFiles

if TYPE_CHECKING:
    import msgspec

MAGIC = b"trainvitals runs\n"
DIGEST = 32
"""Bytes of the digest of a file, which stands behind the first line."""

COST = 20.0
"""After so many times what writing took, it is worth while again."""

Groups = tuple[tuple[Entry, ...], ...]
Known = dict[RunFiles, tuple[Entry, ...]]

_log = logging.getLogger(__name__)


def usual(environ: Mapping[str, str]) -> Store | None:
    """The user's own store; None where the user wants none, or has no place for one."""
    found = place(environ)
    return Store(found) if found else None


class Store:
    """Keeps entries in this folder, one file for each folder of runs; not for use by several threads at once.

    Where the folder cannot be used, that is logged once, and nothing is kept.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._name = ""
        self._saved: dict[RunFiles, Stamp] = {}
        self._next = 0.0
        self._useless = False

    def load(self, folder: str, settings: Settings, stamps: Mapping[RunFiles, Stamp]) -> Known:
        """What was kept of the runs of a folder whose files still have these stamps."""
        self._name, self._next = identity(folder, settings), 0.0
        found: Known = {}
        for group in filter(None, _decoded(self._read(), self._name)):
            files, stamped = group[0].files, stamps.get(group[0].files)
            if stamped is not None and _fits(group, files, stamped):
                found[files] = tuple(_shared(one, files, stamped) for one in group)
        self._saved = {files: stamps[files] for files in found}
        return found

    def save(self, folder: str, settings: Settings, known: Known) -> None:
        """Keep what lasts of these, if any of it is new; `load` has been called for this folder and these settings."""
        lasting = {files: group for files, group in known.items() if group and all(map(_lasts, group))}
        stamps = {files: group[0].stamp for files, group in lasting.items()}
        began = time.monotonic()
        if not self._is_usable or stamps.items() <= self._saved.items() or began < self._next:
            return
        # Where the program has changed since, processes that were started later have judged by the new one.
        if self._name == identity(folder, settings) and self._write(tuple(lasting.values())):
            ended = time.monotonic()
            self._saved, self._next = stamps, ended + COST * (ended - began)

    @property
    def _is_usable(self) -> bool:
        return bool(self._name) and not self._useless

    def _read(self) -> bytes:
        if not self._is_usable:
            return b""
        try:
            with private.opened(self._place) as kept:
                return private.read(kept, self._name + private.SUFFIX)
        except FileNotFoundError:
            pass
        except OSError as error:
            self._give_up(error)
        return b""

    def _write(self, groups: Groups) -> bool:
        try:
            with private.opened(self._place, make=True) as kept:
                private.write(kept, self._name + private.SUFFIX, *_encoded(groups, self._name))
                private.prune(kept, time.time())
        except OSError as error:
            self._give_up(error)
        return not self._useless

    def _give_up(self, error: OSError) -> None:
        self._useless = True
        _log.warning("%s cannot be used (%s): runs are read anew at each start", self._place, error.strerror)


def _encoded(groups: Groups, name: str) -> tuple[bytes, bytes]:
    """The bytes of a file; without those groups whose paths are no UTF-8."""
    import msgspec

    encoded = []
    for group in groups:
        with suppress(UnicodeEncodeError, OverflowError):
            encoded.append(msgspec.Raw(msgspec.msgpack.encode(group)))
    body = msgspec.msgpack.encode(encoded)
    return MAGIC + _digest(body, name), body


def _decoded(data: bytes, name: str) -> Groups:
    """The entries in the bytes of a file; none unless it is, to the last bit, what was written under this name."""
    import msgspec

    begin = len(MAGIC) + DIGEST
    body = memoryview(data)[begin:]
    if data[:begin] != MAGIC + _digest(body, name):
        return ()
    try:
        return _decoder().decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ()


@cache
def _decoder() -> msgspec.msgpack.Decoder[Groups]:
    import msgspec

    return msgspec.msgpack.Decoder(Groups)


def _digest(body: bytes | memoryview, name: str) -> bytes:
    digest = blake2b(name.encode(), digest_size=DIGEST)
    digest.update(body)
    return digest.digest()


def _lasts(one: Entry) -> bool:
    return one.lasts and isinstance(one.packed, bytes)


def _fits(group: tuple[Entry, ...], files: RunFiles, stamped: Stamp) -> bool:
    changed = changed_at(stamped, files)
    return all(
        (one.files, one.stamp, one.part, one.row.modified) == (files, stamped, part, changed) and _lasts(one)
        for part, one in enumerate(group)
    )


def _shared(one: Entry, files: RunFiles, stamped: Stamp) -> Entry:
    """The entry with those parts that others have, too, held once."""
    settings = tuple((sys.intern(name), sys.intern(value)) for name, value in one.row.settings)
    row: Row = replace(one.row, settings=settings)
    return replace(one, row=row, files=files, stamp=stamped)
