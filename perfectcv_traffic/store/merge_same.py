"""Logs that two databases have both read, and which of their lines are the same.

Requests with an id are known by it. Lines of other programs' logs have none: one is known if the
same is stored at the same offset of a log with the same beginning, or was and is pruned. Not all of
such a log is: the logs of two hosts may begin with the same lines, if these tell no time. Where
nothing is left to compare with, because a database without rows was merged, all of it counts as
known up to where it was read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from perfectcv_traffic.log.lines import reference
from perfectcv_traffic.store import digests
from perfectcv_traffic.store.segments import STRONG_HEAD
from perfectcv_traffic.store.traces import COLUMNS, digest_of

Row = tuple[Any, ...]

_LOGS = "SELECT source, path, own, own_path, until FROM temp.same_logs"
_REQUEST_ID = 2 + COLUMNS.index("request_id")
"""The place of the request's id in a row, behind the row's own id and the offset."""


class SameLogs:
    """Compares rows of the database attached as `source` with those of logs that begin alike."""

    def __init__(self, connection: sqlite3.Connection, source_id: str) -> None:
        self._connection = connection
        connection.execute("CREATE TEMP TABLE known_rows (id INTEGER PRIMARY KEY)")
        connection.execute(
            "CREATE TEMP TABLE same_logs AS SELECT s.id AS source, s.path, m.id AS own,"
            " m.path AS own_path, m.committed_offset AS until"
            " FROM source.log_files s JOIN main.log_files m ON m.head = s.head"
            " WHERE s.head_length >= :strong AND m.head_length >= :strong"
            " AND m.path NOT LIKE :id || ':%'",
            {"strong": STRONG_HEAD, "id": source_id},
        )
        connection.execute(
            "CREATE TEMP TABLE same_lines AS SELECT log_file_id, log_offset, id"
            " FROM main.api_requests"
            " WHERE event_id IS NULL AND log_file_id IN (SELECT own FROM temp.same_logs)"
        )
        connection.execute("CREATE INDEX temp.same_offsets ON same_lines (log_file_id, log_offset)")

    def find_known(self, first: int, last: int) -> None:
        """Put the ids of such rows, above `first` to `last`, into `temp.known_rows`."""
        self._connection.execute("DELETE FROM temp.known_rows")
        for source, path, own, own_path, end in self._connection.execute(_LOGS).fetchall():
            rows = self._rows_of_source(source, first, last)
            named = [_named(row, Path(path).name, Path(own_path).name) for row in rows]
            found = self._known(own, named) if self._is_kept(own) else _before(end, named)
            self._connection.executemany("INSERT OR IGNORE INTO temp.known_rows VALUES (?)", found)

    def _is_kept(self, log_id: int) -> bool:
        query = (
            "SELECT EXISTS (SELECT 1 FROM temp.same_lines WHERE log_file_id = :id)"
            " OR EXISTS (SELECT 1 FROM main.counted_lines WHERE log_file_id = :id)"
        )
        return bool(self._connection.execute(query, {"id": log_id}).fetchone()[0])

    def _known(self, own: int, rows: list[Row]) -> Iterator[tuple[int]]:
        if not rows:
            return
        start, end = min(row[1] for row in rows), max(row[1] for row in rows) + 1
        stored = self._stored(own, start, end)
        pruned = digests.between(self._connection, str(own), start, end)
        for number, offset, *values in rows:
            if (offset, *values) in stored or (pruned and digest_of(offset, values) in pruned):
                yield (number,)

    def _rows_of_source(self, log_id: int, first: int, last: int) -> list[Row]:
        return self._connection.execute(
            f"SELECT id, log_offset, {', '.join(COLUMNS)} FROM source.api_requests"
            " WHERE id > ? AND id <= ? AND log_file_id = ? AND event_id IS NULL",
            (first, last, log_id),
        ).fetchall()

    def _stored(self, log_id: int, start: int, end: int) -> set[Row]:
        columns = ", ".join(f"m.{name}" for name in COLUMNS)
        return set(
            self._connection.execute(
                f"SELECT k.log_offset, {columns} FROM temp.same_lines k"
                " JOIN main.api_requests m ON m.id = k.id"
                " WHERE k.log_file_id = ? AND k.log_offset >= ? AND k.log_offset < ?",
                (log_id, start, end),
            )
        )


def _named(row: Row, name: str, own: str) -> Row:
    """A row as it would be here: a request without an id is called after its log."""
    if row[_REQUEST_ID] != reference(name, row[1]):
        return row
    return (*row[:_REQUEST_ID], reference(own, row[1]), *row[_REQUEST_ID + 1 :])


def _before(end: int, rows: list[Row]) -> Iterator[tuple[int]]:
    return ((row[0],) for row in rows if row[1] < end)
