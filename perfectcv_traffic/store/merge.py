"""Databases of several hosts brought together, each request once, however often it is done.

Rows of a database only ever get higher ids, so how far a source was taken is one number, kept in
the transaction that takes its rows. A log that both databases have read is known by its content,
and its requests by their own ids.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import NamedTuple

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.record import fields
from perfectcv_traffic.store import stored, upserts
from perfectcv_traffic.store.database import naming, reading, writing
from perfectcv_traffic.store.doctor import pruned_rows
from perfectcv_traffic.store.ingest import only_ingester
from perfectcv_traffic.store.schema import DERIVED_COLUMNS, FINDINGS, GENERATED_REQUESTS
from perfectcv_traffic.store.segments import STRONG_HEAD
from perfectcv_traffic.store.transactions import transaction
from perfectcv_traffic.summary import Summary

CHUNK = 5000
_COUNTED = "lines, stored, rejected, blank, duplicate, salvaged"
_LOG = (
    "path, generation, committed_offset, head_length, head, anchor_length, anchor, updated,"
    " format, lines, rejected, blank, salvaged"
)


class Merged(NamedTuple):
    """What was taken from a source."""

    new: int
    duplicate: int


def merge(db: Path, source: Path) -> Merged:
    """Take every request of `source` that `db` does not have; makes `db` if need be."""
    if db.exists() and source.exists() and db.samefile(source):
        raise StorageError(f"database {db} cannot be merged into itself")
    with reading(source) as other:  # up to date before it is attached
        _require_whole(other, source)
    with only_ingester(db), writing(db) as connection, naming(source):
        connection.execute("ATTACH ? AS source", (str(source.absolute()),))
        try:
            return _Merge(connection).run()
        finally:
            connection.execute("DETACH source")


def _require_whole(other: sqlite3.Connection, source: Path) -> None:
    if pruned_rows(other):
        raise StorageError(
            f"database {source} had rows pruned, so its summary cannot be told from its rows: "
            "merge before pruning"
        )


class _Merge:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        row = connection.execute("SELECT value FROM source.store_meta WHERE name = 'id'").fetchone()
        self._source_id = str(row[0])
        own = ", ".join([*(field.name for field in fields()), *DERIVED_COLUMNS])
        self._own_columns = own

    def run(self) -> Merged:
        new, duplicate = 0, 0
        while True:
            with transaction(self._connection):
                first, last = self._next_rows()
                if last is None:
                    self._finish()
                    return Merged(new, duplicate)
                taken, passed_over = self._take(first, last)
                self._set("rows", last)
            new, duplicate = new + taken, duplicate + passed_over

    def _next_rows(self) -> tuple[int, int | None]:
        first = self._get("rows")
        query = (
            "SELECT max(id) FROM (SELECT id FROM source.api_requests WHERE id > ?"
            " ORDER BY id LIMIT ?)"
        )
        return first, self._connection.execute(query, (first, CHUNK)).fetchone()[0]

    def _take(self, first: int, last: int) -> tuple[int, int]:
        execute = self._connection.execute
        execute("DROP TABLE IF EXISTS temp.fresh")
        offset = execute("SELECT coalesce(max(id), 0) FROM main.api_requests").fetchone()[0]
        logs = self._logs()
        execute(
            "CREATE TEMP TABLE fresh AS"
            f" SELECT s.id AS old_id, row_number() OVER (ORDER BY s.id) + {offset} AS new_id"
            " FROM source.api_requests s JOIN temp.merged_logs l ON l.source = s.log_file_id"
            " WHERE s.id > ? AND s.id <= ? AND s.log_offset >= l.known_to"
            " AND NOT EXISTS (SELECT 1 FROM main.api_requests m WHERE m.event_id = s.event_id)",
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
        query = "SELECT count(*) FROM source.api_requests WHERE id > ? AND id <= ?"
        seen = int(execute(query, (first, last)).fetchone()[0])
        self._summarise(offset)
        self._count(logs, offset)
        return new, seen - new

    def _summarise(self, offset: int) -> None:
        part = Summary()
        for records in stored.batches(self._connection, f"id > {offset}"):
            part.add_all(records)
        upserts.merge(self._connection, part)

    def _logs(self) -> list[int]:
        """The own row of each log of the source, and up to where its lines are known anyway."""
        execute = self._connection.execute
        execute("DROP TABLE IF EXISTS temp.merged_logs")
        execute("CREATE TEMP TABLE merged_logs (source INTEGER PRIMARY KEY, own, known_to)")
        own_ids = []
        for row in execute(f"SELECT id, {_LOG} FROM source.log_files").fetchall():
            source_id, path, *values = row
            own, known_to = self._own_log(f"{self._source_id}:{path}", values)
            execute("INSERT INTO merged_logs VALUES (?, ?, ?)", (source_id, own, known_to))
            own_ids.append(own)
        return own_ids

    def _own_log(self, path: str, values: list[object]) -> tuple[int, int]:
        generation, _, head_length, head, *_ = values
        execute = self._connection.execute
        same = execute(
            "SELECT id, committed_offset FROM main.log_files WHERE head = ? AND head_length >= ?"
            " AND path <> ? AND path NOT LIKE ? ORDER BY committed_offset DESC LIMIT 1",
            (head, STRONG_HEAD, path, f"{self._source_id}:%"),
        ).fetchone()
        own = execute(
            "SELECT id FROM main.log_files WHERE path = ? AND generation = ?", (path, generation)
        ).fetchone()
        if own is None:
            marks = ", ".join("?" * (1 + len(values)))
            own = execute(
                f"INSERT INTO main.log_files ({_LOG}, stored, duplicate)"
                f" VALUES ({marks}, 0, 0) RETURNING id",
                (path, *values),
            ).fetchone()
        else:
            names = _LOG.removeprefix("path, ").split(", ")
            assignments = ", ".join(f"{name} = ?" for name in names)
            execute(f"UPDATE main.log_files SET {assignments} WHERE id = ?", (*values, own[0]))
        is_known = same is not None and int(str(head_length)) >= STRONG_HEAD
        return int(own[0]), int(same[1]) if is_known else 0

    def _count(self, logs: list[int], offset: int) -> None:
        """Lines of each log by what became of them: the rest of a source's lines are known."""
        for own in logs:
            self._connection.execute(
                "UPDATE main.log_files SET stored = stored + (SELECT count(*) FROM"
                " main.api_requests WHERE log_file_id = :own AND id > :offset)"
                " WHERE id = :own",
                {"own": own, "offset": offset},
            )

    def _finish(self) -> None:
        """Everything but the requests: small, and known by its own keys or by a number."""
        execute = self._connection.execute
        logs = self._logs()
        for own in logs:
            execute(
                "UPDATE main.log_files SET duplicate = lines - stored - rejected - blank + salvaged"
                " WHERE id = ?",
                (own,),
            )
        execute(
            "INSERT INTO main.rejected_lines (log_file_id, log_offset, length, reason, raw, detail)"
            " SELECT l.own, s.log_offset, s.length, s.reason, s.raw, s.detail"
            " FROM source.rejected_lines s JOIN temp.merged_logs l ON l.source = s.log_file_id"
            " WHERE true ON CONFLICT DO NOTHING"
        )
        generated = ", ".join([*GENERATED_REQUESTS][1:])
        execute(
            f"INSERT INTO main.generated_requests ({generated})"
            f" SELECT {generated} FROM source.generated_requests WHERE true ON CONFLICT DO NOTHING"
        )
        findings = ", ".join([*FINDINGS][1:])
        last = self._get("findings")
        execute(
            f"INSERT INTO main.findings ({findings})"
            f" SELECT {findings} FROM source.findings WHERE id > ?",
            (last,),
        )
        top = execute("SELECT coalesce(max(id), 0) FROM source.findings").fetchone()[0]
        self._set("findings", max(last, top))

    def _get(self, what: str) -> int:
        row = self._connection.execute(
            "SELECT value FROM main.store_meta WHERE name = ?", (self._name(what),)
        ).fetchone()
        return int(row[0]) if row else 0

    def _set(self, what: str, value: int) -> None:
        self._connection.execute(
            "INSERT INTO main.store_meta (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (self._name(what), str(value)),
        )

    def _name(self, what: str) -> str:
        return f"merged {what} of {self._source_id}"


_DETAILS = {
    "null_value_logs": "timestamp, path, client_ip, null_type, field_name, field_path, context",
    "uuid_logins": "uuid, ip_address, timestamp, user_agent, success",
}


def _prefixed(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{name.strip()}" for name in columns.split(","))
