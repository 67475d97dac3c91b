"""`perfectcv-traffic query`: one SQL statement over the database, which it cannot change."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from perfectcv_traffic.cli import interrupts, output
from perfectcv_traffic.cli.options import DEFAULTS, Db, option
from perfectcv_traffic.errors import UsageError

Sql = Annotated[str, typer.Argument(help="A SELECT statement.")]
Format = Annotated[str, option("--format", help="csv or ndjson.", of="query")]

STEPS = 100_000
"""Instructions of SQLite's machine between two looks, a few milliseconds."""
PRIMARY = 0xFF
"""The part of an extended result code that says the kind of error."""

_OF_THE_FILE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOTADB,
    }
)
_READING = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_READ,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)


def query(sql: Sql, db: Db = Path(DEFAULTS.db), format_: Format = "csv") -> None:
    """Print what SQL selects from the database, read-only."""
    from perfectcv_traffic.render.rows import WRITERS
    from perfectcv_traffic.store import database

    if format_ not in WRITERS:
        raise UsageError(f"--format {format_!r}: choose from {', '.join(WRITERS)}")
    with database.reading(db) as connection, _refusing():
        connection.set_authorizer(_only_read)
        # SQLite is in here for as long as it takes: Python sees Ctrl-C only when it is called.
        connection.set_progress_handler(lambda: 0, STEPS)
        cursor = connection.execute(sql)
        if cursor.description is None:
            raise UsageError("the query selects nothing: write a SELECT statement")
        names = [column[0] for column in cursor.description]
        if format_ == "ndjson" and len(set(names)) < len(names):
            raise UsageError("two columns have one name: tell them apart with AS, or use csv")
        output.write(WRITERS[format_](names, cursor))


@contextmanager
def _refusing() -> Iterator[None]:
    """What SQLite says of the statement is the statement's fault, unless the file is damaged."""
    with interrupts.noted() as is_interrupted:
        try:
            yield
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & PRIMARY
            if is_interrupted() or code == sqlite3.SQLITE_INTERRUPT:
                raise KeyboardInterrupt from error
            if code in _OF_THE_FILE:
                raise
            if code == sqlite3.SQLITE_AUTH:
                raise UsageError("query only reads: write a SELECT statement") from error
            raise UsageError(f"the query cannot be run: {error}") from error


def _only_read(action: int, *_details: Any) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY
