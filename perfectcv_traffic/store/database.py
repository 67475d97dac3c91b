"""Opening the database: one writer, any number of readers, errors that say what to do."""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from perfectcv_traffic.errors import LockedError, StorageError, TrafficError
from perfectcv_traffic.log.source import file_id_of
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store import private, schema, upserts, witness
from perfectcv_traffic.store.mounts import require_local
from perfectcv_traffic.store.transactions import transaction

__all__ = ["BUSY_TIMEOUT", "reading", "require", "transaction", "writing"]

BUSY_TIMEOUT = 30.0
SWITCH_PAUSE = 0.02
"""Seconds, about, until a switch to the write-ahead log is tried again."""
PATIENCE_MS = 1000
"""How long another program's lock is waited for without a word."""
PAGE_SIZE = 8192
BULK_PAGE_SIZE = 16_384
"""Of a database made for a long log: fewer pages to find, write and copy. To follow a log, which
commits a few rows at a time, smaller ones cost less."""

CACHE_KIB = 16_384
CHECKPOINT_SIZE = 33_554_432
"""Bytes of write-ahead log: each checkpoint writes and syncs the database file."""

BULK_CHECKPOINT_SIZE = 268_435_456
"""The same for a long log, most of which is copied in the background already."""

JOURNAL_LIMIT = 134_217_728
CHECKED_ALWAYS = 67_108_864
CHECKED_AFTER_A_CRASH = 1_073_741_824
"""Bytes up to which a database is checked when opened, and when its last writer did not end."""


def unsaid(_message: str) -> None:
    """Tell nobody."""


@contextmanager
def writing(
    path: Path,
    model: type[TrafficLog] = TrafficLog,
    *,
    in_bulk: bool = False,
    notice: Callable[[str], None] = unsaid,
) -> Iterator[sqlite3.Connection]:
    """A connection that writes; makes the database or brings it up to date first.

    `in_bulk`: many times as much is to be written as fits between two checkpoints. `notice` is
    told when another program has to be waited for.
    """
    require_local(path)
    with naming(path):
        was_left_open = _log_of(path).exists()
        private.claim(path)
        connection = sqlite3.connect(
            path.absolute(),  # SQLite may be built to take a name that begins with file: for a URI
            timeout=BUSY_TIMEOUT,
            isolation_level=None,
        )
        try:
            if path.exists() and path.stat().st_size:
                _tell_if_locked(connection, path, notice)
            _configure(connection, in_bulk=in_bulk)
            witness.verify(connection, path)
            _check(connection, path, was_left_open=was_left_open)
            schema.prepare(connection, model)
            witness.testify(connection, path)
            yield connection
        finally:
            connection.close()


def _tell_if_locked(
    connection: sqlite3.Connection, path: Path, notice: Callable[[str], None]
) -> None:
    """Look whether the write lock is free: SQLite waits for it without a word.

    Not of a new database: its first transaction settles the size of its pages.
    """
    connection.execute(f"PRAGMA busy_timeout = {PATIENCE_MS}")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.DatabaseError as error:
        if is_busy(error):
            notice(
                f"database {path} is locked by another program: waiting {BUSY_TIMEOUT:.0f} s for it"
            )
    finally:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT * 1000:.0f}")


class OpenedFile:
    """The file of a database that was opened: asked for its name only, never opened itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._id = file_id_of(path)

    def require_same(self) -> None:
        """Raise `StorageError` if the name leads elsewhere: nobody would find what is stored."""
        try:
            is_same = file_id_of(self._path) == self._id
        except FileNotFoundError:
            is_same = False
        if not is_same:
            raise StorageError(
                f"database {self._path} was deleted or replaced while it was in use: start again"
            )


def require_usable(path: Path) -> None:
    """Raise `StorageError` if it could not be written to; makes no database where there is none."""
    if path.exists() or witness.witness_path(path).exists():
        with writing(path):
            return
    require_local(path)
    try:
        tempfile.TemporaryFile(dir=path.absolute().parent).close()
    except OSError as error:
        raise StorageError(f"database {path} {CANNOT_OPEN}") from error


def _distrust(connection: sqlite3.Connection) -> None:
    # The file may come from elsewhere: its views and triggers may call harmless functions only.
    connection.execute("PRAGMA trusted_schema = OFF")


def _configure(connection: sqlite3.Connection, *, in_bulk: bool) -> None:
    _distrust(connection)
    # These two only matter before there is anything in the file.
    connection.execute(f"PRAGMA page_size = {BULK_PAGE_SIZE if in_bulk else PAGE_SIZE}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _switch_to_wal(connection)
    # After a power cut the last commits may be gone, rows and offset alike: read again.
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    page_size = connection.execute("PRAGMA page_size").fetchone()[0]
    most = BULK_CHECKPOINT_SIZE if in_bulk else CHECKPOINT_SIZE
    connection.execute(f"PRAGMA wal_autocheckpoint = {most // page_size}")
    connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}")
    upserts.prepare(connection)


def _switch_to_wal(connection: sqlite3.Connection) -> None:
    """Two that switch at the same time hinder each other, and SQLite lets neither of them wait."""
    end = time.monotonic() + BUSY_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= end:
                raise
            time.sleep(SWITCH_PAUSE * (0.5 + random.random()))
        else:
            return


def _check(connection: sqlite3.Connection, path: Path, *, was_left_open: bool) -> None:
    """Look for damage, as thoroughly as the size allows; `doctor --deep` looks everywhere."""
    size = path.stat().st_size  # asks for its name: opening it would drop SQLite's locks
    if size > (CHECKED_AFTER_A_CRASH if was_left_open else CHECKED_ALWAYS):
        return
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise StorageError(f"database {path} {DAMAGED} ({found})")


def _log_of(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def require(path: Path) -> None:
    """Raise `StorageError` when there is no such database; opening it would make one."""
    if not path.is_file():
        raise StorageError(
            f"database {path} does not exist: run perfectcv-traffic ingest first, or name another "
            "with --db"
        )


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads an existing, current database."""
    require(path)
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with naming(path):
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
        try:
            _distrust(connection)
            if not schema.is_current(connection):
                with writing(path):
                    pass  # brought up to date before it is read
            yield connection
        finally:
            connection.close()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors that name the database and say what to do next."""
    try:
        yield
    except StorageError as error:
        raise StorageError(_named(path, error)) from error
    except sqlite3.DatabaseError as error:
        if is_busy(error):
            raise LockedError(f"database {path} {BUSY}") from error
        raise StorageError(f"database {path} {_advice(error)}") from error


def is_busy(error: sqlite3.DatabaseError) -> bool:
    """Whether somebody else holds the write lock."""
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_passing(error: sqlite3.DatabaseError) -> bool:
    """Whether it may go away by itself: locked, no room, a device that fails now and then."""
    return is_busy(error) or _name(error).startswith(("SQLITE_FULL", "SQLITE_IOERR"))


CANNOT_OPEN = "cannot be opened: does its directory exist and may it be written?"
BUSY = "is locked by another program: wait for it to end, or stop it"
DAMAGED = (
    "is damaged: keep all its files, try sqlite3 OLD .recover, or ingest the logs into another "
    "file with --db"
)


def _named(path: Path, error: TrafficError) -> str:
    message = str(error)
    if message.startswith(("log ", "database ")):
        return message
    return f"database {path} {message}"


def _name(error: sqlite3.DatabaseError) -> str:
    return getattr(error, "sqlite_errorname", "")


_ADVICE = {
    "SQLITE_NOTADB": "is not an SQLite database: name another file with --db",
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_CANTOPEN": CANNOT_OPEN,
    "SQLITE_READONLY": "may not be written: check its permissions and those of its directory",
    "SQLITE_PERM": "may not be written: check its permissions and those of its directory",
    "SQLITE_FULL": "has no room: free some disk space, then try again; nothing is lost",
    # of a disk without any room as well: its -shm has none
    "SQLITE_IOERR": "cannot be read or written ({}): is its disk full, or failing?",
}
"""By what SQLite calls an error, or by how that begins."""


def _advice(error: sqlite3.DatabaseError) -> str:
    name = _name(error)
    found = (advice for prefix, advice in _ADVICE.items() if name.startswith(prefix))
    return next(found, "cannot be used: {}").format(error)
