"""Databases of several hosts brought together, each request once, however often it is done.

Rows of a database only ever get higher ids, so how far a source was taken is one number, kept in
the transaction that takes its rows. A log that both databases have read is known by its content,
and its requests by their own ids. Of a database that keeps no rows, see `merge_summary`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.store import counted, schema, stored, upserts
from perfectcv_traffic.store.database import is_passing, naming, reading, unsaid, writing
from perfectcv_traffic.store.doctor import pruned_rows
from perfectcv_traffic.store.ingest import UPKEEP, only_ingester
from perfectcv_traffic.store.merge_base import Merged, Taking
from perfectcv_traffic.store.merge_same import SameLogs
from perfectcv_traffic.store.merge_summary import Summaries
from perfectcv_traffic.store.transactions import transaction
from perfectcv_traffic.summary.summary import Summary

CHUNK = 5000


def merge(db: Path, source: Path, *, notice: Callable[[str], None] = unsaid) -> Merged:
    """Take every request of `source` that `db` does not have; makes `db` if need be.

    Of a source that keeps no rows its summary is taken. Raises `StorageError` for a source that
    cannot be told from what `db` has. `notice` is told who is waited for.
    """
    if not source.is_file():
        raise StorageError(
            f"database {source} does not exist: name one that perfectcv-traffic ingest has made"
        )
    if db.exists() and db.samefile(source):
        raise StorageError(f"database {db} cannot be merged into itself")
    with reading(source) as other:  # up to date before it is attached
        _require_whole(other, source)
        has_rows = not counted.is_summary(other)
    with (
        only_ingester(db, advice=UPKEEP),
        writing(db, notice=notice) as connection,
        _naming(db, source),
    ):
        connection.execute("ATTACH ? AS source", (os.fsencode(source.absolute()),))
        try:
            if has_rows:
                _require_rows_wanted(connection, db)
            return (_Rows if has_rows else Summaries)(connection).run()
        finally:
            connection.execute("DETACH source")


@contextmanager
def _naming(db: Path, source: Path) -> Iterator[None]:
    """Errors that name the source, but for those of writing: only the database is written."""
    with naming(source):
        try:
            yield
        except sqlite3.DatabaseError as error:
            if not is_passing(error):
                raise
            with naming(db):
                raise


def _require_whole(other: sqlite3.Connection, source: Path) -> None:
    if pruned_rows(other):
        raise StorageError(
            f"database {source} had rows pruned, so its summary cannot be told from its rows: "
            "merge before pruning"
        )
    if counted.summarised(other) and not counted.is_summary(other):
        raise StorageError(
            f"database {source} has requests of some hosts and the summary of others: "
            "merge their own databases"
        )


def _require_rows_wanted(connection: sqlite3.Connection, db: Path) -> None:
    if counted.is_summary_only(connection):
        raise StorageError(
            f"database {db} keeps no requests, the other does: merge both into another --db"
        )


class _Rows(Taking):
    """A source with rows: those are taken that are not known."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._own_columns = ", ".join(schema.take_columns(connection, "source"))
        self._same_logs = SameLogs(connection, self.source_id)

    def run(self) -> Merged:
        new = 0
        while True:
            with transaction(self.connection):
                first, last = self._next_rows()
                if last is None:
                    self.finish()
                    return Merged(new, self._row_count() - new)
                taken = self._take(first, last)
                self.set("rows", last)
            new += taken

    def _row_count(self) -> int:
        query = "SELECT count(*) FROM source.api_requests"
        return int(self.connection.execute(query).fetchone()[0])

    def _next_rows(self) -> tuple[int, int | None]:
        first = self.get("rows")
        query = (
            "SELECT max(id) FROM (SELECT id FROM source.api_requests WHERE id > ?"
            " ORDER BY id LIMIT ?)"
        )
        return first, self.connection.execute(query, (first, CHUNK)).fetchone()[0]

    def _take(self, first: int, last: int) -> int:
        execute = self.connection.execute
        execute("DROP TABLE IF EXISTS temp.fresh")
        offset = execute("SELECT coalesce(max(id), 0) FROM main.api_requests").fetchone()[0]
        logs = self.logs()
        self._same_logs.find_known(first, last)
        execute(
            "CREATE TEMP TABLE fresh AS"
            f" SELECT s.id AS old_id, row_number() OVER (ORDER BY s.id) + {offset} AS new_id"
            " FROM source.api_requests s JOIN temp.merged_logs l ON l.source = s.log_file_id"
            " WHERE s.id > ? AND s.id <= ? AND s.id NOT IN (SELECT id FROM temp.known_rows)"
            " AND NOT EXISTS (SELECT 1 FROM main.api_requests m WHERE m.event_id = s.event_id)"
            f" AND NOT {counted.IS_COUNTED.format('s.event_id')}",
            (first, last),
        )
        execute(
            f"INSERT INTO main.api_requests (id, log_file_id, log_offset, {self._own_columns})"
            f" SELECT f.new_id, l.own, s.log_offset, {_prefixed('s', self._own_columns)}"
            " FROM temp.fresh f JOIN source.api_requests s ON s.id = f.old_id"
            " JOIN temp.merged_logs l ON l.source = s.log_file_id"
        )
        for table, columns in _DETAILS.items():
            execute(
                f"INSERT INTO main.{table} (request_id, {columns})"
                f" SELECT f.new_id, {_prefixed('s', columns)} FROM temp.fresh f"
                f" JOIN source.{table} s ON s.request_id = f.old_id ORDER BY s.id"
            )
        new = int(execute("SELECT count(*) FROM temp.fresh").fetchone()[0])
        self._summarise(offset)
        self._count(logs, offset)
        return new

    def _summarise(self, offset: int) -> None:
        part = Summary()
        for records in stored.batches(self.connection, f"id > {offset}"):
            part.add_all(records)
        upserts.merge(self.connection, part)

    def _count(self, logs: list[int], offset: int) -> None:
        """Lines of each log by what became of them: the rest of a source's lines are known."""
        for own in logs:
            self.connection.execute(
                "UPDATE main.log_files SET stored = stored + (SELECT count(*) FROM"
                " main.api_requests WHERE log_file_id = :own AND id > :offset)"
                " WHERE id = :own",
                {"own": own, "offset": offset},
            )


_DETAILS = {
    "null_value_logs": "timestamp, path, client_ip, null_type, field_name, field_path, context",
    "uuid_logins": "uuid, ip_address, timestamp, user_agent, success",
}


def _prefixed(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{name.strip()}" for name in columns.split(","))
