"""Old requests taken away, in small transactions; what they add up to stays in the summary.

Only the windows of clients, by the hour, go with the requests that they count.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from perfectcv_traffic import timestamps
from perfectcv_traffic.store import counted, traces
from perfectcv_traffic.store.database import naming, reading, unsaid, writing
from perfectcv_traffic.store.ingest import UPKEEP, only_ingester
from perfectcv_traffic.store.transactions import transaction

_HOUR = len("2026-11-21T22")

CHUNK = 5000
"""Rows per transaction: nobody has to wait long for the write lock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """What may stay; None for no limit."""

    before: str | None = None
    """Requests from before this time (as in `timestamp`) go; those of which no time is recorded
    once their log was not written since."""
    rows: int | None = None
    size: int | None = None
    """Bytes of the database."""


def prune(db: Path, retention: Retention, *, notice: Callable[[str], None] = unsaid) -> int:
    """Delete the oldest requests until what is left may stay; returns how many were deleted.

    `notice` is told who is waited for.
    """
    deleted = 0
    with only_ingester(db, advice=UPKEEP), writing(db, notice=notice) as connection:
        if retention.before is not None:
            _delete_windows(connection, retention.before)
        while found := _surplus(connection, retention):
            with transaction(connection):
                delete_requests(connection, [row_id for _, row_id in found])
            _delete_windows(connection, _oldest_time(connection) or found[-1][0])
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            deleted += len(found)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted


def without_time(db: Path) -> int:
    """How many requests are there whose log says no time."""
    with reading(db) as connection, naming(db):
        query = f"SELECT count(*) FROM api_requests WHERE {_HAS_NO_TIME}"
        return int(connection.execute(query).fetchone()[0])


def _delete_windows(connection: sqlite3.Connection, before: str) -> None:
    """Delete the windows of clients that ended before a time, some in each transaction.

    There is one for each client, endpoint and hour: without an end they outgrow the requests.
    """
    query = (
        "DELETE FROM rate_limit_tracking WHERE id IN (SELECT id FROM rate_limit_tracking"
        " WHERE window_start > '' AND window_start < ? LIMIT ?)"
    )
    while connection.execute(query, (before[:_HOUR], CHUNK)).rowcount:
        pass


def _oldest_time(connection: sqlite3.Connection) -> str | None:
    row = connection.execute(_TIMED, (1,)).fetchone()
    return None if row is None else str(row[0])


def _surplus(connection: sqlite3.Connection, retention: Retention) -> list[tuple[str, int]]:
    """Times and ids of the oldest rows that have to go next, not too many at once."""
    if retention.before is not None and (found := _older(connection, retention.before)):
        return found
    count = 0
    if retention.rows is not None:
        rows = connection.execute("SELECT count(*) FROM api_requests").fetchone()[0]
        count = max(0, rows - retention.rows)
    if not count and retention.size is not None and _size(connection) > retention.size:
        count = CHUNK
    return _oldest(connection, min(count, CHUNK)) if count else []


def _older(connection: sqlite3.Connection, before: str) -> list[tuple[str, int]]:
    return [one for one in _oldest(connection, CHUNK) if one[0] < before]


def _oldest(connection: sqlite3.Connection, count: int) -> list[tuple[str, int]]:
    """Times and ids of the oldest rows, whenever they were stored."""
    found = connection.execute(_TIMED, (count,)).fetchall()
    found += connection.execute(_UNTIMED, (count,)).fetchall()
    return sorted(found)[:count]


_TIMED = (
    "SELECT timestamp, id FROM api_requests WHERE timestamp > '' ORDER BY timestamp, id LIMIT ?"
)
_HAS_NO_TIME = "(timestamp IS NULL OR timestamp = '')"
_UNTIMED = (
    "SELECT coalesce(l.updated, ''), r.id FROM api_requests r"
    f" JOIN log_files l ON l.id = r.log_file_id WHERE {_HAS_NO_TIME} ORDER BY 1, 2 LIMIT ?"
)
"""A request whose log says no time was made before its log was read last."""


def _size(connection: sqlite3.Connection) -> int:
    pages: int = connection.execute("PRAGMA page_count").fetchone()[0]
    free: int = connection.execute("PRAGMA freelist_count").fetchone()[0]
    size: int = connection.execute("PRAGMA page_size").fetchone()[0]
    return (pages - free) * size


def delete_requests(connection: sqlite3.Connection, ids: list[int]) -> None:
    """Delete rows of `api_requests` and what refers to them; within a transaction of the caller.

    What tells their lines from new ones stays, see `traces`.
    """
    marks = ", ".join(map(str, ids))
    left = traces.of_rows(connection, marks)
    span = "SELECT min(timestamp), max(timestamp) FROM api_requests"
    taken = connection.execute(f"{span} WHERE id IN ({marks}) AND {timestamps.IS_TIME_SQL}")
    counted.add_times(connection, taken.fetchone())
    connection.execute(
        "UPDATE generated_requests SET is_pruned = 1 WHERE (run_id, request_id) IN"
        f" (SELECT run_id, request_id FROM api_requests WHERE id IN ({marks}))"
    )
    for table in ("null_value_logs", "uuid_logins"):
        connection.execute(f"DELETE FROM {table} WHERE request_id IN ({marks})")
    connection.execute(f"DELETE FROM api_requests WHERE id IN ({marks})")
    left.keep(connection)
    connection.execute(
        "INSERT INTO store_meta (name, value) VALUES ('pruned', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + excluded.value",
        (len(ids),),
    )
