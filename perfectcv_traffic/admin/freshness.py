"""How far the database is behind the log, and a short wait for it to catch up."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from perfectcv_traffic.store.segments import name_of

CATCH_UP_SECONDS = 0.25
_POLL_SECONDS = 0.002


class Freshness:
    """Watches one log and how much of it the ingester has stored."""

    def __init__(
        self, log: Path, flush: Callable[[float], bool], prompt: Callable[[], None]
    ) -> None:
        self._log = log
        self._flush = flush
        self._prompt = prompt
        self._stalled_at: int | None = None
        """The offset at which waiting was in vain: until it moves no other call waits."""

    def catch_up(self, connection: sqlite3.Connection) -> int:
        """Wait until what was logged before this call is stored; the bytes it is still behind."""
        deadline = time.monotonic() + CATCH_UP_SECONDS
        self._flush(CATCH_UP_SECONDS)
        target = self._size()
        first = offset = self._offset(connection)
        if offset < target:
            self._prompt()
        while offset < target and first != self._stalled_at and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            offset = self._offset(connection)
            target = min(target, self._size())  # less when the log is rotated meanwhile
        self._stalled_at = offset if offset < target and offset == first else None
        return max(0, target - offset)

    def behind(self, connection: sqlite3.Connection) -> int:
        """The bytes that the database is behind, without waiting."""
        offset = self._offset(connection)
        return max(0, self._size() - offset)

    def _size(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:  # not there yet, or just rotated away
            return 0

    def _offset(self, connection: sqlite3.Connection) -> int:
        row = connection.execute(
            "SELECT committed_offset FROM log_files WHERE path = ?"
            " ORDER BY generation DESC LIMIT 1",
            (name_of(self._log),),
        ).fetchone()
        # The size is looked at last: the log grows meanwhile, and what is stored with it. An offset
        # beyond it is of a file that was rotated away: of this one nothing is stored.
        return row[0] if row is not None and row[0] <= self._size() else 0
