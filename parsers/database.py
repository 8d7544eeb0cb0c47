"""SQLite files that nobody vouches for: read from a copy in memory, real tables only, within a budget of time.

Hardened as SQLite advises for untrusted files (https://www.sqlite.org/security.html): the schema is not trusted, cells
are checked, nothing may be called or written, and views, triggers and virtual tables are never touched.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainvitals.parsers.errors import ReadError
from trainvitals.parsers.files import SQLITE, LogFile
from trainvitals.parsers.limits import MAX_DATABASE_SECONDS, MAX_LINE_BYTES

if TYPE_CHECKING:
    import sqlite3

_JOURNAL = slice(18, 20)
"""Bytes of the header that say whether changes go to a write-ahead log, which a copy in memory cannot have."""

_SCHEMA_BYTES = 1 << 20
"""Length of a statement in a schema; real ones are some kilobytes."""

_CELL_BYTES = 16 * MAX_LINE_BYTES
_COLUMNS = 2000
_OPERATIONS = 1000
"""Steps of SQLite's machine between two looks at the clock."""


@dataclass(frozen=True, slots=True)
class Database:
    """An open copy. `tables` maps the name of each real table to its columns."""

    path: str
    tables: dict[str, frozenset[str]]
    _connection: sqlite3.Connection

    def has(self, table: str, *columns: str) -> bool:
        """Whether there is such a table with at least these columns."""
        return table in self.tables and self.tables[table].issuperset(columns)

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """The rows of one of our own queries; values of any type may stand in any column.

        Raises:
            ReadError: the table cannot be read, or not in time.
        """
        with _errors(self.path):
            yield from self._connection.execute(query)


@contextmanager
def opened(file: LogFile) -> Iterator[Database]:
    """The database in the bytes of a file.

    Raises:
        ReadError: damaged, or no database at all.
    """
    import sqlite3

    if not file.data.startswith(SQLITE):
        raise ReadError(file.path, "is no SQLite database")
    connection = sqlite3.connect(":memory:")
    try:
        with _errors(file.path):
            _harden(connection, file.data)
            found = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != ("ok",):
                raise ReadError(
                    file.path, f"is a damaged database, or one that was being written: {found and found[0]}"
                )
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0")
            tables = {str(name): _columns(connection, str(name)) for (name,) in names.fetchall()}
        yield Database(file.path, tables, connection)
    finally:
        connection.close()


def pending(path: str) -> tuple[str, ...]:
    """A sentence if a write-ahead log lies beside a database: its newest values stand there, and only there."""
    log = f"{path}-wal"
    if not (os.path.isfile(log) and os.path.getsize(log)):
        return ()
    return (f"values that stand in {os.path.basename(log)} only were not read; a writer that closes brings them over",)


def _harden(connection: sqlite3.Connection, data: bytes) -> None:
    import sqlite3

    for limit, value in (
        (sqlite3.SQLITE_LIMIT_LENGTH, _CELL_BYTES),
        (sqlite3.SQLITE_LIMIT_SQL_LENGTH, _SCHEMA_BYTES),
        (sqlite3.SQLITE_LIMIT_COLUMN, _COLUMNS),
        (sqlite3.SQLITE_LIMIT_ATTACHED, 0),
        (sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH, 0),
    ):
        connection.setlimit(limit, value)
    deadline = time.monotonic() + MAX_DATABASE_SECONDS
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _OPERATIONS)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    # A copy of the bytes: the file itself is never opened by SQLite, which would also follow a journal beside it.
    logged = data[_JOURNAL] == b"\2\2"
    connection.deserialize(data[: _JOURNAL.start] + b"\1\1" + data[_JOURNAL.stop :] if logged else data)
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", "query_only = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {setting}")
    connection.set_authorizer(_only_reading)


def _only_reading(action: int, first: str | None, *_: str | None) -> int:
    import sqlite3

    reads = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
    asks = action == sqlite3.SQLITE_PRAGMA and first in ("quick_check", "table_xinfo")
    return sqlite3.SQLITE_OK if reads or asks else sqlite3.SQLITE_DENY


def _columns(connection: sqlite3.Connection, table: str) -> frozenset[str]:
    """Columns that hold stored values; computed ones would run what the schema says."""
    quoted = table.replace('"', '""')
    found = connection.execute(f'PRAGMA table_xinfo("{quoted}")').fetchall()
    return frozenset(name for _, name, *_, computed in found if not computed)


@contextmanager
def _errors(path: str) -> Iterator[None]:
    import sqlite3

    try:
        yield
    except (sqlite3.Error, sqlite3.Warning, OverflowError, ValueError) as error:
        slow = isinstance(error, sqlite3.OperationalError) and "interrupted" in str(error)
        reason = f"takes longer than {MAX_DATABASE_SECONDS} seconds to read" if slow else f"cannot be read: {error}"
        raise ReadError(path, f"is an SQLite database that {reason}") from error
