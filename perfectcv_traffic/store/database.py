"""Opening the database: one writer, any number of readers, errors that say what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from perfectcv_traffic import sketch
from perfectcv_traffic.errors import StorageError, TrafficError
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store import schema

BUSY_TIMEOUT = 30.0


@contextmanager
def writing(path: Path, model: type[TrafficLog] = TrafficLog) -> Iterator[sqlite3.Connection]:
    """A connection that writes; makes the database or brings it up to date first."""
    with _naming(path):
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT, isolation_level=None)
        try:
            # After a power cut the last commits may be gone, rows and offset alike: read again.
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.create_function("merge_sketch", 2, sketch.merge, deterministic=True)
            schema.prepare(connection, model)
            yield connection
        finally:
            connection.close()


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads an existing, current database."""
    if not path.is_file():
        raise StorageError(
            f"database {path} does not exist: run perfectcv-traffic ingest first, or name another "
            "with --db"
        )
    uri = f"{path.absolute().as_uri()}?mode=ro"
    with _naming(path):
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None)
        try:
            if not schema.is_current(connection):
                with writing(path):
                    pass  # brought up to date before it is read
            yield connection
        finally:
            connection.close()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All or nothing, with the write lock from the start: a later upgrade of a read lock fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Errors that name the database and say what to do next."""
    try:
        yield
    except StorageError as error:
        raise StorageError(_named(path, error)) from error
    except sqlite3.DatabaseError as error:
        raise StorageError(f"database {path}: {_advice(error)}") from error


def _named(path: Path, error: TrafficError) -> str:
    message = str(error)
    return message if str(path) in message else f"database {path} {message}"


def _advice(error: sqlite3.DatabaseError) -> str:
    name = getattr(error, "sqlite_errorname", "")
    if name == "SQLITE_NOTADB":
        return "is not an SQLite database: name another file with --db"
    if name.startswith("SQLITE_CORRUPT"):
        return "is damaged: keep it, and rebuild from the logs into another file with --db"
    if name == "SQLITE_CANTOPEN":
        return "cannot be opened: does its directory exist and may it be written?"
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return "may not be written: check its permissions and those of its directory"
    if name == "SQLITE_FULL":
        return "has no room: free some disk space, then ingest again; nothing is lost"
    return str(error)
