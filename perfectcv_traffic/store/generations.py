"""Lines that an earlier generation of a log has already stored.

A log that lost its tail in a power cut, or was edited or put back, begins like the segment that was
read, and then differs. It is read from its beginning; a line is passed over when the same record
is stored at the same offset, or was and is pruned. Comparing the records themselves needs nothing
kept for every row that there is.
"""

from __future__ import annotations

import math
import sqlite3
from typing import Any

from perfectcv_traffic.log.lines import Reject
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store import digests, traces
from perfectcv_traffic.store.batch import Batch

_CHAIN = """
    WITH RECURSIVE earlier(id) AS (
        SELECT ? UNION
        SELECT parent FROM log_files JOIN earlier USING (id) WHERE parent IS NOT NULL
    ) SELECT id FROM earlier
"""


class Generations:
    """The stored lines of a segment and of those that it forked from."""

    def __init__(self, connection: sqlite3.Connection, form: StoredForm, chain: str) -> None:
        """`chain`: the ids of all of them, in SQL."""
        self._connection = connection
        self._form = form
        self._chain = chain
        self._is_indexed = False

    def without_known(self, batch: Batch, start: int, end: int) -> Batch:
        """The batch without lines that are stored already, which count as duplicates."""
        if not self._is_indexed:
            self._index()
        stored, rejected = self._records(start, end), self._rejects(start, end)
        pruned = digests.between(self._connection, self._chain, start, end)
        kept = Batch(
            [
                entry
                for entry in batch.records
                if self._values(entry[1]) not in _at(stored, entry)
                and not (pruned and traces.digest(*entry, self._form) in pruned)
            ],
            [entry for entry in batch.rejects if _raw(entry[2]) not in _at(rejected, entry)],
            batch.lines,
            batch.blank,
            batch.duplicate,
            batch.salvaged,
        )
        passed_over = len(batch.records) - len(kept.records)
        passed_over += len(batch.rejects) - len(kept.rejects)
        kept.duplicate += passed_over
        return kept

    def _index(self) -> None:
        """No index of `api_requests` has the offset: it would cost every row of every log."""
        self._is_indexed = True
        self._connection.execute("DROP TABLE IF EXISTS temp.earlier_lines")
        self._connection.execute(
            "CREATE TEMP TABLE earlier_lines AS SELECT log_offset, id AS request"
            f" FROM api_requests WHERE log_file_id IN ({self._chain})"
        )
        self._connection.execute("CREATE INDEX temp.earlier_offsets ON earlier_lines (log_offset)")

    def _records(self, start: int, end: int) -> dict[int, list[Any]]:
        columns = ", ".join(f"r.{name}" for name in self._form.columns)
        return _by_offset(
            self._connection.execute(
                f"SELECT a.log_offset, {columns} FROM temp.earlier_lines a"
                " JOIN api_requests r ON r.id = a.request"
                " WHERE a.log_offset >= ? AND a.log_offset < ?",
                (start, end),
            )
        )

    def _rejects(self, start: int, end: int) -> dict[int, list[Any]]:
        return _by_offset(
            self._connection.execute(
                f"SELECT log_offset, reason, raw FROM rejected_lines"
                f" WHERE log_file_id IN ({self._chain}) AND log_offset >= ? AND log_offset < ?",
                (start, end),
            )
        )

    def _values(self, record: TrafficLog) -> tuple[Any, ...]:
        return tuple(
            None if isinstance(value, float) and math.isnan(value) else value
            for value in self._form.row(record)
        )


def chain_of(connection: sqlite3.Connection, segment: int) -> tuple[str, int]:
    """The ids of a segment and of those that it forked from, and the end of their lines."""
    ids = ", ".join(str(row[0]) for row in connection.execute(_CHAIN, (segment,)))
    offsets = f"SELECT max(committed_offset) FROM log_files WHERE id IN ({ids})"
    return ids, int(connection.execute(offsets).fetchone()[0])


def _by_offset(rows: sqlite3.Cursor) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for offset, *values in rows:
        found.setdefault(offset, []).append(tuple(values))
    return found


def _at(found: dict[int, list[Any]], entry: tuple[Any, ...]) -> list[Any]:
    return found.get(entry[0], [])


def _raw(reject: Reject) -> tuple[str, str]:
    return reject.reason, reject.raw
