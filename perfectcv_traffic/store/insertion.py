"""Everything that is kept of prepared lines, inserted within the caller's transaction."""

from __future__ import annotations

import sqlite3

from perfectcv_traffic.store import counted, upserts
from perfectcv_traffic.store.inserts import Insert
from perfectcv_traffic.store.prepare import Prepared
from perfectcv_traffic.store.schema import NULL_VALUE_LOGS, UUID_LOGINS

_REJECTED_COLUMNS = ("log_file_id", "log_offset", "length", "reason", "raw", "detail")


class Insertion:
    """Inserts prepared lines through one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._has_counted = counted.has_ids(connection)

    def insert(self, log_id: int, batch: Prepared) -> None:
        """Insert rows, what belongs to them, rejects, and add up the summary.

        Raises `sqlite3.IntegrityError` when the `event_id` of a record is stored already,
        `KnownIdError` when it was counted; a binding error for a value that SQLite cannot hold.
        """
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
        for summary in batch.summaries:
            upserts.merge_rows(self._connection, summary)

    def _next_id(self) -> int:
        row = self._connection.execute("SELECT coalesce(max(id), 0) + 1 FROM api_requests")
        return int(row.fetchone()[0])


_INSERT_NULL = Insert("null_value_logs", tuple([*NULL_VALUE_LOGS][1:]))
_INSERT_LOGIN = Insert("uuid_logins", tuple([*UUID_LOGINS][1:]))
_INSERT_REJECT = Insert("rejected_lines", _REJECTED_COLUMNS)
