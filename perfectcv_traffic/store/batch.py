"""One batch of lines, and the single transaction that makes it durable.

Rows, rejects, counters, summary and the log's new offset commit together or not at all. The offset
moves by compare-and-swap: if another ingester took these lines, nothing of the batch remains.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from perfectcv_traffic.log.native import Reject, StoredForm
from perfectcv_traffic.log.segment import Identity
from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.store.database import transaction
from perfectcv_traffic.store.schema import (
    DERIVED_COLUMNS,
    INGEST_COLUMNS,
    NULL_VALUE_LOGS,
    REJECTED_LINES,
    UUID_LOGINS,
)
from perfectcv_traffic.summary import TABLES, Summary, Table

_BAD_REQUEST = 400


class OffsetMovedError(Exception):
    """Another ingester committed these lines first."""


@dataclass(slots=True)
class Batch:
    """Lines parsed and not yet stored, each with its offset in the log."""

    records: list[tuple[int, TrafficLog]] = field(default_factory=list)
    rejects: list[tuple[int, int, Reject]] = field(default_factory=list)
    """Offset, length in bytes, reject."""
    lines: int = 0
    blank: int = 0


@dataclass(slots=True)
class Counts:
    """What became of the lines of a log; the kinds add up to `lines`."""

    lines: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    blank: int = 0

    def add(self, other: Counts) -> None:
        """Add another count to this one."""
        self.lines += other.lines
        self.new += other.new
        self.duplicate += other.duplicate
        self.rejected += other.rejected
        self.blank += other.blank


@dataclass(slots=True)
class LogFile:
    """The row of a log in `log_files`; id 0 while it has none."""

    id: int
    path: str
    generation: int
    offset: int


class Committer:
    """Stores batches through one connection."""

    def __init__(self, connection: sqlite3.Connection, form: StoredForm) -> None:
        self._connection = connection
        self._form = form
        columns = (*INGEST_COLUMNS, *form.columns, *DERIVED_COLUMNS)
        self._insert_request = _insert("api_requests", columns)

    def commit(self, log: LogFile, batch: Batch, identity: Identity) -> Counts:
        """Store a batch and move the log's offset to `identity.offset`; raises `OffsetMovedError`.

        A record whose `event_id` is stored already (a log copied or restored) counts as duplicate.
        """
        try:
            return self._commit(log, batch, identity, duplicates=0)
        except sqlite3.IntegrityError:
            known = self._without_duplicates(batch)
            removed = len(batch.records) - len(known.records)
            return self._commit(log, known, identity, duplicates=removed)

    def _commit(self, log: LogFile, batch: Batch, identity: Identity, duplicates: int) -> Counts:
        counts = Counts(
            batch.lines, len(batch.records), duplicates, len(batch.rejects), batch.blank
        )
        log_id = log.id
        with transaction(self._connection):
            log_id = self._move_offset(log, counts, identity)
            first_id = self._next_id()
            self._insert_records(log_id, first_id, batch)
            self._insert_rejects(log_id, batch)
            self._merge_summary(batch)
        log.id, log.offset = log_id, identity.offset
        return counts

    def _move_offset(self, log: LogFile, counts: Counts, identity: Identity) -> int:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        values = {
            **identity._asdict(), "id": log.id, "path": log.path, "generation": log.generation,
            "old_offset": log.offset, "lines": counts.lines, "stored": counts.new,
            "rejected": counts.rejected, "blank": counts.blank, "duplicate": counts.duplicate,
            "updated": now,
        }  # fmt: skip
        cursor = self._connection.execute(_UPDATE_LOG if log.id else _INSERT_LOG, values)
        if cursor.rowcount != 1:
            raise OffsetMovedError(log.path)
        return log.id or int(cursor.lastrowid or 0)

    def _next_id(self) -> int:
        row = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM api_requests")
        return int(row.fetchone()[0])

    def _insert_records(self, log_id: int, first_id: int, batch: Batch) -> None:
        rows, nulls, logins = [], [], []
        for row_id, (offset, record) in enumerate(batch.records, first_id):
            null_params, null_response = (
                record.null_params_count > 0,
                record.null_response_count > 0,
            )
            own = self._form.row(record)
            rows.append((row_id, log_id, offset, *own, null_params, null_response))
            if null_params or null_response:
                nulls += _null_rows(row_id, record)
            if record.login_uuid is not None:
                logins.append(_login_row(row_id, record))
        self._connection.executemany(self._insert_request, rows)
        self._connection.executemany(_insert("null_value_logs", [*NULL_VALUE_LOGS][1:]), nulls)
        self._connection.executemany(_insert("uuid_logins", [*UUID_LOGINS][1:]), logins)

    def _insert_rejects(self, log_id: int, batch: Batch) -> None:
        rows = ((log_id, offset, length, *reject) for offset, length, reject in batch.rejects)
        self._connection.executemany(_insert("rejected_lines", [*REJECTED_LINES][1:]), rows)

    def _merge_summary(self, batch: Batch) -> None:
        summary = Summary()
        for _, record in batch.records:
            summary.add(record)
        for table in TABLES:
            self._connection.executemany(_UPSERTS[table.name], summary.rows(table))

    def _without_duplicates(self, batch: Batch) -> Batch:
        wanted = [record.event_id for _, record in batch.records if record.event_id]
        found = self._connection.execute(
            "SELECT event_id FROM api_requests WHERE event_id IN (SELECT value FROM json_each(?))",
            (json.dumps(wanted),),
        )
        seen = {row[0] for row in found}
        fresh = []
        for offset, record in batch.records:
            if record.event_id not in seen:
                fresh.append((offset, record))
                seen |= {record.event_id} - {None}
        return Batch(fresh, batch.rejects, batch.lines, batch.blank)


def _null_rows(row_id: int, record: TrafficLog) -> list[tuple[Any, ...]]:
    found = [("request_parameter", detail) for detail in record.null_params_details]
    found += [("response_field", detail) for detail in record.null_response_details]
    origin = (row_id, record.timestamp, record.path, record.client_ip)
    return [
        (*origin, null_type, detail.field_name, detail.field_path, _context(detail))
        for null_type, detail in found
    ]


def _context(detail: NullDetail) -> str:
    context = {"location": detail.location, "field": detail.field_name, "path": detail.field_path}
    return json.dumps({**context, "value": None, "kind": detail.kind}, ensure_ascii=False)


def _login_row(row_id: int, record: TrafficLog) -> tuple[Any, ...]:
    success = record.status_code is not None and record.status_code < _BAD_REQUEST
    return (
        row_id, record.login_uuid, record.client_ip, record.timestamp, record.user_agent, success,
    )  # fmt: skip


def _insert(table: str, columns: Any) -> str:
    names = list(columns)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"


_LOG_COLUMNS = {
    "path": ":path", "generation": ":generation", "committed_offset": ":offset",
    "head_length": ":head_length", "head": ":head", "anchor_length": ":anchor_length",
    "anchor": ":anchor", "lines": ":lines", "stored": ":stored", "rejected": ":rejected",
    "blank": ":blank", "duplicate": ":duplicate", "updated": ":updated",
}  # fmt: skip
_COUNTED = ("lines", "stored", "rejected", "blank", "duplicate")
_INSERT_LOG = (
    f"INSERT INTO log_files ({', '.join(_LOG_COLUMNS)})"
    f" VALUES ({', '.join(_LOG_COLUMNS.values())}) ON CONFLICT DO NOTHING"
)
_UPDATE_LOG = (
    "UPDATE log_files SET "
    + ", ".join(
        f"{name} = {name} + {value}" if name in _COUNTED else f"{name} = {value}"
        for name, value in _LOG_COLUMNS.items()
    )
    + " WHERE id = :id AND committed_offset = :old_offset"
)

_MERGES = {
    "sum": "{0} = {0} + excluded.{0}",
    "min": "{0} = min({0}, excluded.{0})",
    "max": "{0} = max({0}, excluded.{0})",
    "sketch": "{0} = merge_sketch({0}, excluded.{0})",
}


def _upsert(table: Table) -> str:
    keys = ", ".join(column.name for column in table.keys)
    merged = ", ".join(_MERGES[m.merge].format(m.name) for m in table.measures if m.merge)
    return f"{_insert(table.name, table.columns)} ON CONFLICT ({keys}) DO UPDATE SET {merged}"


_UPSERTS = {table.name: _upsert(table) for table in TABLES}
