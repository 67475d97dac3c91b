"""The witness beside a database: what tells a lost database from one that never was.

SQLite opens a file cut to nothing, or copied without its write-ahead log, as an empty database and
says nothing. The witness holds the database's own id; if the file beside it does not know that id,
nothing is stored until a person has decided.

The database file itself is never opened here: closing such a descriptor drops SQLite's locks.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from pathlib import Path

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.store import private

_EXPLANATION = (
    "# id of the database beside this file; without it a lost database would go unnoticed\n"
)


def witness_path(db: Path) -> Path:
    """Where the witness of a database is."""
    return db.with_name(db.name + ".id")


def verify(connection: sqlite3.Connection, db: Path) -> None:
    """Raise `StorageError` when the database is not the one that was here before."""
    witness = witness_path(db)
    try:
        expected = witness.read_text("utf-8").split()[-1]
    except FileNotFoundError:
        return
    except (OSError, IndexError, UnicodeDecodeError):
        expected = "unreadable"
    if _own_id(connection) != expected:
        raise StorageError(
            f"database {db} is not the one that was here: it was emptied, deleted or replaced; "
            f"put a backup back, or delete {witness} to begin anew from the logs"
        )


def testify(connection: sqlite3.Connection, db: Path) -> None:
    """Write the witness if there is none, giving the database an id first."""
    if _own_id(connection) is None:  # another process may be giving it one too: the first counts
        connection.execute(
            "INSERT INTO store_meta (name, value) VALUES ('id', ?) ON CONFLICT DO NOTHING",
            (str(uuid.uuid4()),),
        )
    if not witness_path(db).exists():
        try:
            _write(witness_path(db), f"{_EXPLANATION}{_own_id(connection)}\n")
        except OSError as error:
            raise StorageError(
                f"database {db}: its witness cannot be written: {error.strerror}"
            ) from error


def _write(witness: Path, text: str) -> None:
    """Whole or not at all, even if the power is cut: an empty one would lock its owner out."""
    draft = witness.with_name(f"{witness.name}.{uuid.uuid4()}")
    with open(draft, "w", encoding="utf-8", opener=private.opener) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(witness)


def _own_id(connection: sqlite3.Connection) -> str | None:
    tables = "SELECT 1 FROM sqlite_master WHERE name = 'store_meta'"
    if connection.execute(tables).fetchone() is None:
        return None
    row = connection.execute("SELECT value FROM store_meta WHERE name = 'id'").fetchone()
    return str(row[0]) if row else None
