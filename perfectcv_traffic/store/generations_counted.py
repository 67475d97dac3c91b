"""Lines that an earlier generation of a log has already counted, in a database without rows."""

from __future__ import annotations

import sqlite3

from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.store import digests
from perfectcv_traffic.store.batch import Batch


class CountedGenerations:
    """The counted lines of a segment and of those that it forked from."""

    def __init__(self, connection: sqlite3.Connection, form: StoredForm, chain: str) -> None:
        """`chain`: the ids of all of them, in SQL."""
        self._connection = connection
        self._form = form
        self._chain = chain

    def without_known(self, batch: Batch, start: int, end: int) -> Batch:
        """The batch without lines that were counted, as far as no id tells."""
        known = digests.between(self._connection, self._chain, start, end)
        rejected = self._rejected(start, end)
        kept = Batch(
            lines=batch.lines,
            blank=batch.blank,
            duplicate=batch.duplicate,
            salvaged=batch.salvaged,
        )
        kept.records = [
            (offset, record)
            for offset, record in batch.records
            if record.event_id or digests.digest(offset, self._form.row(record)) not in known
        ]
        kept.rejects = [one for one in batch.rejects if (one[0], one[2].reason) not in rejected]
        kept.duplicate += len(batch.records) - len(kept.records)
        kept.duplicate += len(batch.rejects) - len(kept.rejects)
        return kept

    def _rejected(self, start: int, end: int) -> set[tuple[int, str]]:
        rows = self._connection.execute(
            f"SELECT log_offset, reason FROM rejected_lines WHERE log_file_id IN ({self._chain})"
            " AND log_offset >= ? AND log_offset < ?",
            (start, end),
        )
        return set(rows)
