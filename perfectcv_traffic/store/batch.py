"""One batch of lines, and the single transaction that makes it durable.

Rows, rejects, counters, summary and the log's new offset commit together or not at all. The offset
moves by compare-and-swap: if another ingester took these lines, nothing of the batch remains.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from perfectcv_traffic.log.lines import Reject
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.segment import Identity
from perfectcv_traffic.record import NullDetail, TrafficLog
from perfectcv_traffic.store import upserts
from perfectcv_traffic.store.database import transaction
from perfectcv_traffic.store.schema import (
    DERIVED_COLUMNS,
    INGEST_COLUMNS,
    NULL_VALUE_LOGS,
    UUID_LOGINS,
    check_version,
)
from perfectcv_traffic.store.segments import LogFile
from perfectcv_traffic.summary import Summary

_BAD_REQUEST = 400
_REJECTED_COLUMNS = ("log_file_id", "log_offset", "length", "reason", "raw", "detail")
_UNSTORABLE = (OverflowError, UnicodeEncodeError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


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
    duplicate: int = 0
    """Lines of which an earlier generation of the log has the record already."""
    salvaged: int = 0
    """Torn lines: each is a reject and a record."""


@dataclass(slots=True)
class Counts:
    """What became of the lines of a log.

    `new + duplicate + rejected + blank - salvaged` is `lines`: a torn line is rejected, and the
    whole record at its end is new.
    """

    lines: int = 0
    new: int = 0
    duplicate: int = 0
    rejected: int = 0
    blank: int = 0
    salvaged: int = 0

    def add(self, other: Counts) -> None:
        """Add another count to this one."""
        self.lines += other.lines
        self.new += other.new
        self.duplicate += other.duplicate
        self.rejected += other.rejected
        self.blank += other.blank
        self.salvaged += other.salvaged


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
            return self._commit(log, batch, identity)
        except sqlite3.IntegrityError:
            return self._commit(log, self._without_duplicates(batch), identity)
        except _UNSTORABLE:
            return self.commit(log, self._without_unstorable(batch), identity)

    def _commit(self, log: LogFile, batch: Batch, identity: Identity) -> Counts:
        counts = Counts(
            batch.lines,
            len(batch.records),
            batch.duplicate,
            len(batch.rejects),
            batch.blank,
            batch.salvaged,
        )
        with transaction(self._connection):
            check_version(self._connection)
            log_id = self._move_offset(log, counts, identity)
            self._insert_records(log_id, self._next_id(), batch)
            self._insert_rejects(log_id, batch)
            self._merge_summary(batch)
        log.id, log.identity = log_id, identity
        return counts

    def _move_offset(self, log: LogFile, counts: Counts, identity: Identity) -> int:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        device, inode = log.file_id or (None, None)
        values = {
            **identity._asdict(), "id": log.id, "path": log.path, "generation": log.generation,
            "old_offset": log.offset, "lines": counts.lines, "stored": counts.new,
            "rejected": counts.rejected, "blank": counts.blank, "duplicate": counts.duplicate,
            "salvaged": counts.salvaged, "updated": now, "parent": log.parent,
            "format": log.format, "device": device, "inode": inode,
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
        to_row = self._form.row
        for row_id, (offset, record) in enumerate(batch.records, first_id):
            in_params = record.null_params_count > 0
            in_response = record.null_response_count > 0
            # A bool binds many times slower than an int.
            rows.append((row_id, log_id, offset, *to_row(record), int(in_params), int(in_response)))
            if in_params or in_response:
                nulls += _null_rows(row_id, record)
            if record.login_uuid is not None:
                logins.append(_login_row(row_id, record))
        self._connection.executemany(self._insert_request, rows)
        self._connection.executemany(_insert("null_value_logs", [*NULL_VALUE_LOGS][1:]), nulls)
        self._connection.executemany(_insert("uuid_logins", [*UUID_LOGINS][1:]), logins)

    def _insert_rejects(self, log_id: int, batch: Batch) -> None:
        rows = ((log_id, offset, length, *reject) for offset, length, reject in batch.rejects)
        self._connection.executemany(_insert("rejected_lines", _REJECTED_COLUMNS), rows)

    def _merge_summary(self, batch: Batch) -> None:
        summary = Summary()
        for _, record in batch.records:
            summary.add(record)
        upserts.merge(self._connection, summary)

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
        removed = len(batch.records) - len(fresh)
        return replace(batch, records=fresh, duplicate=batch.duplicate + removed)

    def _without_unstorable(self, batch: Batch) -> Batch:
        """Records that SQLite cannot hold become rejects, so that none of them stops a batch."""
        kept = replace(batch, records=[], rejects=[*batch.rejects])
        for offset, record in batch.records:
            if problem := _unstorable(self._form.row(record)):
                raw = json.dumps(record.request_id)
                kept.rejects.append((offset, len(raw), Reject(f"unstorable:{problem}", raw)))
            else:
                kept.records.append((offset, record))
        if len(kept.records) == len(batch.records):
            raise sqlite3.DataError("a record cannot be stored, and none of them shows why")
        return kept


def _unstorable(row: list[Any]) -> str | None:
    for value in row:
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as error:
                return type(error).__name__
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            return "OverflowError"
        elif not isinstance(value, int | float | None):
            return type(value).__name__
    return None


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
    "blank": ":blank", "duplicate": ":duplicate", "salvaged": ":salvaged", "updated": ":updated",
    "parent": ":parent", "format": ":format", "device": ":device", "inode": ":inode",
}  # fmt: skip
_COUNTED = ("lines", "stored", "rejected", "blank", "duplicate", "salvaged")
_INSERT_LOG = (
    f"INSERT INTO log_files ({', '.join(_LOG_COLUMNS)})"
    f" VALUES ({', '.join(_LOG_COLUMNS.values())}) ON CONFLICT DO NOTHING"
)
_UPDATE_LOG = (
    "UPDATE log_files SET "
    + ", ".join(
        f"{name} = {name} + {value}" if name in _COUNTED else f"{name} = {value}"
        for name, value in _LOG_COLUMNS.items()
        if name not in ("path", "generation", "parent")
    )
    + " WHERE id = :id AND committed_offset = :old_offset"
)
