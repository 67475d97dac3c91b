"""Checkpoints while the next rows are inserted: half their time is spent waiting for the disk."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from threading import Thread


class Checkpoints:
    """Copies what was committed from the write-ahead log into the database file, in a thread.

    Such a checkpoint stops nobody, and one that fails only leaves more to do for the next. The log
    begins anew once everything in it was copied, which only the writer's own checkpoint sees to.
    """

    def __init__(self, db: Path) -> None:
        self._db = db
        self._thread: Thread | None = None

    def begin(self) -> None:
        """Copy what was committed so far, unless the last such copying goes on still."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._run, name="perfectcv-traffic-checkpoint")
            self._thread.start()

    def wait(self) -> None:
        """Return when nothing goes on any more."""
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        uri = f"{self._db.absolute().as_uri()}?mode=rw"  # where there is none, none is made
        with (
            contextlib.suppress(sqlite3.Error),
            contextlib.closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


@contextlib.contextmanager
def in_background(db: Path) -> Iterator[Checkpoints]:
    """Checkpoints that are over at the end."""
    checkpoints = Checkpoints(db)
    try:
        yield checkpoints
    finally:
        checkpoints.wait()
