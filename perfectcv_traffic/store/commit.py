"""What makes a batch durable: all of it within one transaction, its own or a `GroupCommit`'s.

Rows, rejects, counters, summary and the log's new offset commit together or not at all. The offset
moves by compare-and-swap: if another ingester took these lines, nothing of the batch remains.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from perfectcv_traffic.log.segment import Identity
from perfectcv_traffic.store import counted, upserts
from perfectcv_traffic.store.batch import Counts, OffsetMovedError
from perfectcv_traffic.store.inserts import Insert
from perfectcv_traffic.store.prepare import Prepared
from perfectcv_traffic.store.schema import (
    NULL_VALUE_LOGS,
    UUID_LOGINS,
    check_version,
)
from perfectcv_traffic.store.segments import Segment
from perfectcv_traffic.store.transactions import transaction

_REJECTED_COLUMNS = ("log_file_id", "log_offset", "length", "reason", "raw", "detail")


class Committer:
    """Stores prepared batches through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._has_counted = counted.has_ids(connection)

    def commit(self, log: Segment, batch: Prepared, identity: Identity) -> Counts:
        """Store a batch in a transaction of its own and move the log's offset.

        Raises what `add` raises.
        """
        with transaction(self._connection):
            check_version(self._connection)
            counts, log_id = self.add(log, batch, identity)
        log.id, log.identity = log_id, identity
        return counts

    def add(self, log: Segment, batch: Prepared, identity: Identity) -> tuple[Counts, int]:
        """Insert a batch and move the log's offset to `identity.offset`, within a transaction.

        Returns what became of its lines, and the id of the log. Raises `OffsetMovedError`;
        `sqlite3.IntegrityError` when the `event_id` of a record is stored already, `KnownIdError`
        when it was counted; a binding error for a value that SQLite cannot hold.
        """
        counts = Counts(
            batch.lines, batch.records, batch.duplicate, len(batch.rejects), batch.blank,
            batch.salvaged,
        )  # fmt: skip
        log_id = self._move_offset(log, counts, identity)
        self.insert(log_id, batch)
        return counts, log_id

    def insert(self, log_id: int, batch: Prepared) -> None:
        """Insert everything of a batch, within the caller's transaction."""
        first_id = self._next_id()
        if batch.counted is not None:
            counted.insert(self._connection, log_id, batch.counted, batch.records)
        for group in batch.groups:
            for sql, values in group.statements(log_id):
                self._connection.execute(sql, values)  # in their order: numbered from `first_id`
        if self._has_counted and batch.groups:
            counted.any_known(self._connection, first_id)
        for insert, rows in ((_INSERT_NULL, batch.nulls), (_INSERT_LOGIN, batch.logins)):
            insert.run(self._connection, [(first_id + row[0], *row[1:]) for row in rows])
        _INSERT_REJECT.run(self._connection, [(log_id, *row) for row in batch.rejects])
        if batch.summary:
            upserts.merge_rows(self._connection, batch.summary)

    def _move_offset(self, log: Segment, counts: Counts, identity: Identity) -> int:
        cursor = self._connection.execute(
            _UPDATE_LOG if log.id else _INSERT_LOG, _log_values(log, counts, identity)
        )
        if cursor.rowcount != 1:
            raise OffsetMovedError(log.path)
        return log.id or int(cursor.lastrowid or 0)

    def _next_id(self) -> int:
        row = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM api_requests")
        return int(row.fetchone()[0])


def _log_values(log: Segment, counts: Counts, identity: Identity) -> Mapping[str, Any]:
    device, inode = log.file_id or (None, None)
    return {
        **identity._asdict(), "id": log.id, "path": log.path, "generation": log.generation,
        "old_offset": log.offset, "lines": counts.lines, "stored": counts.new,
        "rejected": counts.rejected, "blank": counts.blank, "duplicate": counts.duplicate,
        "salvaged": counts.salvaged, "parent": log.parent, "format": log.format,
        "device": device, "inode": inode,
        "updated": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }  # fmt: skip


_INSERT_NULL = Insert("null_value_logs", tuple([*NULL_VALUE_LOGS][1:]))
_INSERT_LOGIN = Insert("uuid_logins", tuple([*UUID_LOGINS][1:]))
_INSERT_REJECT = Insert("rejected_lines", _REJECTED_COLUMNS)

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
