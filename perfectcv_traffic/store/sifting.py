"""Chunks of which the database may have some lines already, or cannot hold some.

Only a look into the database tells what of them is new, so what comes before such a chunk has to be
committed. They are the first ones of what is read: a log that was cut or begun anew, up to where
its earlier generation ends, and what could not be stored as it is, read again.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace

from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.reader import Chunk
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.store.batch import Batch
from perfectcv_traffic.store.counted import is_summary_only
from perfectcv_traffic.store.generations import Generations, chain_of
from perfectcv_traffic.store.generations_counted import CountedGenerations
from perfectcv_traffic.store.parsing import Notice, Parsing
from perfectcv_traffic.store.prepare import Prepared, Preparer
from perfectcv_traffic.store.refused import without_duplicates, without_unstorable
from perfectcv_traffic.store.segments import Segment

SIFTED = 33_554_432
"""Bytes that are sifted from a chunk on that could not be stored as it is."""


class Sifting:
    """Prepares of chunks what the database lacks and can hold."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        form: StoredForm,
        parsing: Parsing,
        preparer: Preparer,
        notice: Notice,
    ) -> None:
        self._connection = connection
        self._form = form
        self._parsing = parsing
        self._preparer = preparer
        self._notice = notice
        self._kind = CountedGenerations if is_summary_only(connection) else Generations
        self._earlier: tuple[str, int, Generations | CountedGenerations] | None = None
        self._until: dict[str, int] = {}
        """By the path of a log: the offset up to which all chunks are sifted."""

    def is_needed(self, log: Segment, chunk: Chunk) -> bool:
        """Whether a chunk has to be sifted; if not, none that follows it has to be."""
        if chunk.start < self._until.get(log.path, 0):
            return True
        earlier = log.parent or log.resembles
        return earlier is not None and chunk.start < chain_of(self._connection, earlier)[1]

    def insist(self, log: Segment, start: int) -> bool:
        """Sift a log as far as a chunk that begins at an offset, and on; False if that is so."""
        if start < self._until.get(log.path, 0):
            return False
        self._until[log.path] = start + SIFTED
        return True

    def prepared(self, log: Segment, chunk: Chunk) -> Prepared:
        """What is to be inserted of a chunk, with the summary; all before it is committed."""
        batch = self._new(log, chunk, self._parsing.batch(log, chunk))
        parser = self._parsing.parser(log, chunk)
        storable = without_unstorable(self._form, batch, chunk.line_at, parser.reject)
        return self._preparer.prepared(without_duplicates(self._connection, storable))

    def _new(self, log: Segment, chunk: Chunk, batch: Batch) -> Batch:
        """The lines that no earlier generation of the log has."""
        earlier, is_sure = log.parent or log.resembles, log.parent is not None
        if earlier is None:
            return batch
        chain, end = chain_of(self._connection, earlier)
        if chunk.start >= end:
            return batch
        fresh = self._generations(chain, end).without_known(
            batch, chunk.start, chunk.identity.offset
        )
        return fresh if is_sure else self._with_unmarked(log, batch, fresh)

    def _generations(self, chain: str, end: int) -> Generations | CountedGenerations:
        if self._earlier is None or self._earlier[:2] != (chain, end):
            self._earlier = chain, end, self._kind(self._connection, self._form, chain)
        return self._earlier[2]

    def _with_unmarked(self, log: Segment, batch: Batch, fresh: Batch) -> Batch:
        """Of a log that may be a new one: lines that nothing tells from others are taken as new."""
        kept = {offset for offset, _ in fresh.records}
        records = [one for one in batch.records if one[0] in kept or not _is_marked(one[1])]
        if more := len(records) - len(fresh.records):
            self._notice(
                f"{log.path}: begun anew, or cut: {more} lines as before, without time or id, are"
                " counted as new"
            )
        return replace(fresh, records=records, duplicate=fresh.duplicate - more)


def _is_marked(record: TrafficLog) -> bool:
    """Whether anything tells it from another like it."""
    return bool(record.event_id or record.timestamp)
