"""Chunks of one log that become durable together.

One transaction for many chunks writes the summary tables once for all of them. A chunk that cannot
be stored as it is takes back the whole group, which is then read again and stored chunk by chunk.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from perfectcv_traffic.log.reader import Chunk
from perfectcv_traffic.store import upserts
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.commit import Committer
from perfectcv_traffic.store.helper import SummaryRows
from perfectcv_traffic.store.prepare import Prepared
from perfectcv_traffic.store.schema import check_version
from perfectcv_traffic.store.segments import Segment

GROUP_SIZE = 33_554_432
"""Bytes after which a group is over: nobody else writes meanwhile, some tenths of a second."""

Progress = Callable[[int], None]
"""Told the number of bytes taken; less than none when they are given back."""


class StartAgainError(Exception):
    """What was taken since the last commit is to be read again."""


class GroupCommit:
    """A transaction that begins with the first chunk."""

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
        self._committer = Committer(connection)
        self.log = log
        self._total = total
        self._progress = progress
        self._committed = committed
        self._before = log.id, log.identity
        self._counts = Counts()
        self.chunks = 0
        self._size = 0

    def add(self, chunk: Chunk, prepared: Prepared) -> None:
        """Insert a chunk; raises what `Committer.add` raises."""
        if not self.chunks:
            self._begin()
        self.chunks += 1
        counts, log_id = self._committer.add(self.log, prepared, chunk.identity)
        self.log.id, self.log.identity = log_id, chunk.identity
        self._counts.add(counts)
        self._size += chunk.size
        self._progress(chunk.size)

    def add_summary(self, rows: SummaryRows) -> None:
        """Merge the summary of chunks that were prepared without one."""
        upserts.merge_rows(self._connection, rows)

    def commit(self) -> None:
        """Make everything durable; the next chunk begins another group."""
        if self.chunks:
            self._connection.execute("COMMIT")
            self._total.add(self._counts)
            self._committed()
        self.chunks = self._size = 0

    def abandon(self) -> None:
        """Take everything back, also what the log is known to be."""
        if not self.chunks:
            return
        if self._connection.in_transaction:  # a full disk or an I/O error may have ended it
            self._connection.execute("ROLLBACK")
        self.log.id, self.log.identity = self._before
        self._progress(-self._size)
        self.chunks = self._size = 0

    def _begin(self) -> None:
        self._before = self.log.id, self.log.identity
        self._counts = Counts()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            check_version(self._connection)
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
