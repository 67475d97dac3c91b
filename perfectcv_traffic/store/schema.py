"""The tables of `traffic_monitor.db`, and how an older database becomes a current one."""

from __future__ import annotations

import glob
import sqlite3
import uuid
from collections.abc import Mapping
from pathlib import Path

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.record import TrafficLog, fields
from perfectcv_traffic.store import private
from perfectcv_traffic.store.ddl import add_column
from perfectcv_traffic.store.migrations import MIGRATIONS
from perfectcv_traffic.store.transactions import transaction

APPLICATION_ID = 0x50435654
"""`PCVT`: marks the file as ours in `PRAGMA application_id`."""

VERSION = len(MIGRATIONS)
"""The schema version that this program reads and writes."""

Columns = Mapping[str, str]

NULL_VALUE_LOGS: Columns = {
    "id": "INTEGER",
    "request_id": "INTEGER",
    "timestamp": "TEXT",
    "path": "TEXT",
    "client_ip": "TEXT",
    "null_type": "TEXT",
    "field_name": "TEXT",
    "field_path": "TEXT",
    "context": "TEXT",
}
UUID_LOGINS: Columns = {
    "id": "INTEGER",
    "request_id": "INTEGER",
    "uuid": "TEXT",
    "ip_address": "TEXT",
    "timestamp": "TEXT",
    "user_agent": "TEXT",
    "success": "INTEGER",
}
GENERATED_REQUESTS: Columns = {
    "id": "INTEGER",
    "run_id": "TEXT",
    "request_id": "TEXT",
    "scenario": "TEXT",
    "method": "TEXT",
    "path": "TEXT",
    "expected": "TEXT",
    "status_code": "INTEGER",
    "as_expected": "INTEGER",
    "error": "TEXT",
    "duration_ms": "REAL",
    "is_pruned": "INTEGER",
}
FINDINGS: Columns = {
    "id": "INTEGER",
    "run_id": "TEXT",
    "rule": "TEXT",
    "severity": "TEXT",
    "method": "TEXT",
    "path": "TEXT",
    "pointer": "TEXT",
    "title": "TEXT",
    "expected": "TEXT",
    "observed": "TEXT",
    "evidence": "TEXT",
    "fingerprint": "TEXT",
    "curl": "TEXT",
}
INGEST_COLUMNS: Columns = {"id": "INTEGER", "log_file_id": "INTEGER", "log_offset": "INTEGER"}
"""Columns of `api_requests` before the record's own: where the row came from."""

DERIVED_COLUMNS: Columns = {"has_null_params": "INTEGER", "has_null_response": "INTEGER"}
"""Columns of `api_requests` after the record's own."""


def request_columns(model: type[TrafficLog]) -> dict[str, str]:
    """All columns of `api_requests` with their SQL types."""
    own = {field.name: field.sql_type for field in fields(model)}
    return {**INGEST_COLUMNS, **own, **DERIVED_COLUMNS}


def prepare(connection: sqlite3.Connection, model: type[TrafficLog] = TrafficLog) -> None:
    """Make the tables, or bring those of an older version up to date, a transaction per version.

    Columns of the record that the table lacks are added. A database that has rows is copied first.
    Raises `StorageError` for a file of another application or of a newer version of this one.
    """
    if is_current(connection, model):
        return
    version = _version(connection)
    if 0 < version < VERSION:
        _back_up(connection, version)
    for number, migrate in enumerate(MIGRATIONS, 1):
        with transaction(connection):
            if _version(connection) < number:
                migrate(connection)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {number}")
    with transaction(connection):
        _add_columns(connection, model)


def is_current(connection: sqlite3.Connection, model: type[TrafficLog] = TrafficLog) -> bool:
    """Whether nothing is to be made or added."""
    return _version(connection) == VERSION and _has_columns(connection, model)


def check_version(connection: sqlite3.Connection) -> None:
    """Raise `StorageError` when another program has changed the schema meanwhile."""
    if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
        raise StorageError("was upgraded by another program meanwhile: start again")


def backup_path(db: Path, version: int) -> Path:
    """Where a database is copied to before it is upgraded from a version."""
    return db.with_name(f"{db.name}.version-{version}.backup")


def backups(db: Path) -> list[Path]:
    """The copies of a database that upgrades have left beside it."""
    return sorted(db.parent.glob(f"{glob.escape(db.name)}.version-*.backup"))


def _back_up(connection: sqlite3.Connection, version: int) -> None:
    file = connection.execute("PRAGMA database_list").fetchone()[2]
    if not file:
        return
    copy = backup_path(Path(file), version)
    # Its own name: others may be bringing the database up to date at the same time.
    draft = copy.with_name(f"{copy.name}.{uuid.uuid4()}.unfinished")
    try:
        private.claim(draft)  # SQLite would make it readable for everybody
        connection.execute("VACUUM INTO ?", (str(draft),))
        draft.replace(copy)
    finally:
        draft.unlink(missing_ok=True)


def _version(connection: sqlite3.Connection) -> int:
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    used = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if used and application != APPLICATION_ID:
        raise StorageError("is a database of another application: name another file with --db")
    if version > VERSION:
        raise StorageError(
            f"has schema version {version}, newer than this program's {VERSION}: "
            "upgrade perfectcv-traffic"
        )
    return version


def _has_columns(connection: sqlite3.Connection, model: type[TrafficLog]) -> bool:
    there = {row[1] for row in connection.execute("PRAGMA table_info(api_requests)")}
    return there >= set(request_columns(model))


def take_columns(connection: sqlite3.Connection, other: str) -> list[str]:
    """Columns of requests of an attached database, quoted, but where they came from; all are made.

    Those that a model of the user's has there are columns here from then on. Raises `StorageError`
    for one whose name no field of a record can have.
    """
    known = connection.execute("PRAGMA main.table_info(api_requests)")
    own = {row[1].lower() for row in known}
    found = []
    for _, name, sql_type, *_ in connection.execute(f"PRAGMA {other}.table_info(api_requests)"):
        if not name.isidentifier():
            raise StorageError(f"has a column {name!r} of api_requests that no record has")
        if name.lower() not in own:
            add_column(connection, "api_requests", name, _SQL_TYPES.get(sql_type, "TEXT"))
        if name not in INGEST_COLUMNS:
            found.append(f'"{name}"')
    return found


_SQL_TYPES = {name: name for name in ("TEXT", "INTEGER", "REAL", "BLOB")}


def _add_columns(connection: sqlite3.Connection, model: type[TrafficLog]) -> None:
    there = {row[1] for row in connection.execute("PRAGMA table_info(api_requests)")}
    for name, sql_type in request_columns(model).items():
        if name not in there:
            add_column(connection, "api_requests", name, sql_type)
