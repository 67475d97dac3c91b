"""Where lines become durable, and the offset up to which their log was read with them.

Rows, rejects, counters, summary and offset commit together or not at all. The offset moves by
compare-and-swap: if another ingester took these lines, nothing of the transaction remains. One
transaction for many chunks of a long log writes the summary tables once for all of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from perfectcv_traffic.log.segment import Identity
from perfectcv_traffic.store.batch import Counts, OffsetMovedError
from perfectcv_traffic.store.insertion import Insertion
from perfectcv_traffic.store.prepare import Prepared
from perfectcv_traffic.store.ready import Ready
from perfectcv_traffic.store.schema import check_version
from perfectcv_traffic.store.segments import Segment
from perfectcv_traffic.timestamps import stamp

Progress = Callable[[int], None]
"""Told the number of bytes taken; less than none when they are given back."""


class Commit:
    """Stores chunks of one log, one transaction after the other; each begins with a chunk."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        log: Segment,
        total: Counts,
        progress: Progress,
        committed: Callable[[], None],
    ) -> None:
        """`total` counts what became of lines that are durable; `committed` is told of more."""
        self._connection = connection
        self._insertion = Insertion(connection)
        self._log = log
        self._total = total
        self._progress = progress
        self._committed = committed
        self._before = log.id, log.identity
        self._counts = Counts()
        self._size = 0
        self._is_open = False

    def add(self, ready: Ready) -> None:
        """Insert a chunk and move the log's offset to its end, in the open transaction.

        Raises `OffsetMovedError`, and what `Insertion.insert` raises.
        """
        self._begin()
        counts = _counts(ready.prepared)
        log_id = self._move_offset(counts, ready.chunk.identity)
        self._insertion.insert(log_id, ready.prepared)
        self._log.id, self._log.identity = log_id, ready.chunk.identity
        self._counts.add(counts)
        self._size += ready.chunk.size
        self._progress(ready.chunk.size)

    def end(self) -> None:
        """Make everything durable; the next chunk begins another transaction."""
        if self._is_open:
            self._connection.execute("COMMIT")
            self._is_open = False
            self._total.add(self._counts)
            self._committed()

    def take_back(self) -> None:
        """Undo what is not durable, also what the log is known to be."""
        if not self._is_open:
            return
        self._is_open = False
        if self._connection.in_transaction:  # a full disk or an I/O error may have ended it
            self._connection.execute("ROLLBACK")
        self._log.id, self._log.identity = self._before
        self._progress(-self._size)

    def _begin(self) -> None:
        if self._is_open:
            return
        self._before = self._log.id, self._log.identity
        self._counts, self._size = Counts(), 0
        self._connection.execute("BEGIN IMMEDIATE")
        self._is_open = True
        check_version(self._connection)

    def _move_offset(self, counts: Counts, identity: Identity) -> int:
        cursor = self._connection.execute(
            _UPDATE_LOG if self._log.id else _INSERT_LOG, _log_values(self._log, counts, identity)
        )
        if cursor.rowcount != 1:
            raise OffsetMovedError(self._log.path)
        return self._log.id or int(cursor.lastrowid or 0)


def _counts(batch: Prepared) -> Counts:
    return Counts(
        batch.lines, batch.records, batch.duplicate, len(batch.rejects), batch.blank,
        batch.salvaged,
    )  # fmt: skip


def _log_values(log: Segment, counts: Counts, identity: Identity) -> Mapping[str, Any]:
    device, inode = log.file_id or (None, None)
    return {
        **identity._asdict(), "id": log.id, "path": log.path, "generation": log.generation,
        "old_offset": log.offset, "lines": counts.lines, "stored": counts.new,
        "rejected": counts.rejected, "blank": counts.blank, "duplicate": counts.duplicate,
        "salvaged": counts.salvaged, "parent": log.parent, "format": log.format,
        "device": device, "inode": inode,
        "updated": stamp(datetime.now(UTC)),
    }  # fmt: skip


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
