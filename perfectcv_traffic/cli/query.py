"""`perfectcv-traffic query`: one SQL statement over the database, which it cannot change."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from perfectcv_traffic.cli.options import DEFAULTS, Db, option
from perfectcv_traffic.errors import UsageError

Sql = Annotated[str, typer.Argument(help="A SELECT statement.")]
Format = Annotated[str, option("--format", help="csv or ndjson.", of="query")]

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
    with database.reading(db) as connection:
        connection.set_authorizer(_only_read)
        try:
            cursor = connection.execute(sql)
        except (sqlite3.Error, sqlite3.Warning, ValueError) as error:
            raise UsageError(f"the query cannot be run: {error}") from error
        if cursor.description is None:
            raise UsageError("the query selects nothing: write a SELECT statement")
        names = [column[0] for column in cursor.description]
        for text in WRITERS[format_](names, cursor):
            sys.stdout.write(text)


def _only_read(action: int, *_details: Any) -> int:
    return sqlite3.SQLITE_OK if action in _READING else sqlite3.SQLITE_DENY
