"""A database that keeps its summary alone, brought into another.

A summary cannot be taken apart, so a copy of what was merged last is kept for each source, and what
has come since is added. A source that has not grown since, or an older state of it, changes
nothing; one that shares requests with anything else that was merged is refused.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from itertools import starmap

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.store import counted, upserts
from perfectcv_traffic.store.counted import KnownIdError, Span
from perfectcv_traffic.store.merge_base import Merged, Taking
from perfectcv_traffic.store.merge_compare import compare
from perfectcv_traffic.store.merge_news import News
from perfectcv_traffic.store.segments import STRONG_HEAD
from perfectcv_traffic.store.transactions import transaction
from perfectcv_traffic.summary.overview import ROLLUPS
from perfectcv_traffic.summary.tables import TABLES


class Summaries(Taking):
    """A source without rows: what its summary has more than when it was merged last is taken."""

    def run(self) -> Merged:
        """Take it, in one transaction; raises `StorageError` if something would count twice."""
        total = counted.summarised(self.connection, "source")
        with transaction(self.connection):
            has_more, has_less = compare(self.connection, self.source_id)
            if has_less and has_more:
                raise StorageError(_DIVERGED)
            if has_less:  # an older state
                return Merged(0, total)
            before = self.get("requests")
            if has_more:
                self._require_new_logs()
                self._take_ids()
                self._take_tables()
                counted.add(
                    self.connection, total - before, counted.times(self.connection, "source")
                )
                self.set("requests", total)
            self._count_lines()
            self.finish()
        return Merged(total - before, before)

    def _require_new_logs(self) -> None:
        """No log that goes on may be one that was read for another database too."""
        known = self.connection.execute(
            "SELECT s.path, m.path FROM source.log_files s JOIN main.log_files m"
            " ON m.head = s.head AND m.head_length >= :strong AND s.head_length >= :strong"
            " AND m.path NOT LIKE :id || ':%' LEFT JOIN main.log_files own"
            " ON own.path = :id || ':' || s.path AND own.generation = s.generation"
            " WHERE s.lines > coalesce(own.lines, 0) LIMIT 1",
            {"strong": STRONG_HEAD, "id": self.source_id},
        ).fetchone()
        if known:
            raise StorageError(
                f"counts the log {known[0]}, which is counted already as {known[1]}: {_ADVICE}"
            )

    def _take_ids(self) -> None:
        """Take the ids that are counted; those that were merged before must be among them."""
        with closing(self._source_ids()) as spans, closing(self._merged_ids()) as merged:
            if not counted.covers(starmap(Span, spans), starmap(Span, merged)):
                raise StorageError(_DIVERGED)
        self.connection.execute("DELETE FROM main.counted_ids WHERE source = ?", (self.source_id,))
        with closing(self._source_ids()) as spans:  # else an error leaves the source locked
            for first, last in spans:
                self._take_span(Span(first, last))

    def _take_span(self, span: Span) -> None:
        try:
            counted.count_span(self.connection, span, self.source_id)
        except KnownIdError as error:
            raise StorageError(
                f"has requests that are counted already, {error} is one: {_ADVICE}"
            ) from error

    def _source_ids(self) -> sqlite3.Cursor:
        return self.connection.execute("SELECT first, last FROM source.counted_ids ORDER BY first")

    def _merged_ids(self) -> sqlite3.Cursor:
        return self.connection.execute(
            "SELECT first, last FROM main.counted_ids WHERE source = ? ORDER BY first",
            (self.source_id,),
        )

    def _take_tables(self) -> None:
        """Take every table and every roll-up; a roll-up knows names that hours have given up."""
        for table in TABLES:
            for rows in News(self.connection, self.source_id, table).taken():
                upserts.merge_table(self.connection, table, rows)
        for rollup in ROLLUPS:
            for rows in News(self.connection, self.source_id, rollup.table).taken():
                upserts.roll_up(self.connection, rollup, rows)

    def _count_lines(self) -> None:
        self.logs()
        self.connection.execute(
            "UPDATE main.log_files SET stored = (SELECT s.stored FROM temp.merged_logs l"
            " JOIN source.log_files s ON s.id = l.source WHERE l.own = log_files.id)"
            " WHERE id IN (SELECT own FROM temp.merged_logs)"
        )


_DIVERGED = (
    "does not continue what was merged of it: it was copied to another host, or made anew; merge"
    " all databases into a new one"
)
_ADVICE = (
    "a summary cannot be taken apart, so merge only one of the two; if one was made anew from the"
    " same logs, merge all databases into a new one"
)
