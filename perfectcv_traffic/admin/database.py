"""Reading the database from a server: in threads of its own, read-only, within a time limit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from perfectcv_traffic.store import schema

QUERY_SECONDS = 5.0
"""A query that takes longer is given up."""
THREADS = 4
"""Admin requests that read at the same time; the application's own threads are not used."""

_LOCK_SECONDS = 1.0
_CACHE_KIB = 2_048
"""Pages kept while one query runs: with 8 MiB, reading an index whole takes a sixth longer."""
_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock, well under a millisecond."""

Result = TypeVar("Result")


class UnavailableError(Exception):
    """The database cannot answer now; the message says why and what to do."""


class Database:
    """The database as the admin endpoints see it."""

    def __init__(self, path: Path, *, seconds: float = QUERY_SECONDS) -> None:
        self.path = path
        self._seconds = seconds
        self._limiter: anyio.CapacityLimiter | None = None

    async def read(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """The result of a function of a read-only connection; raises `UnavailableError`."""
        if self._limiter is None:  # made here: it belongs to the loop that serves
            self._limiter = anyio.CapacityLimiter(THREADS)
        return await anyio.to_thread.run_sync(self.read_now, query, limiter=self._limiter)

    def read_now(self, query: Callable[[sqlite3.Connection], Result]) -> Result:
        """`read` in the calling thread."""
        if not self.path.is_file():
            raise UnavailableError(f"database {self.path} does not exist yet: nothing is ingested")
        try:
            with self._connection() as connection:
                return query(connection)
        except sqlite3.OperationalError as error:
            raise UnavailableError(self._reason(error)) from error
        except sqlite3.DatabaseError as error:
            raise UnavailableError(f"database {self.path} cannot be read: {error}") from error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        connection = sqlite3.connect(uri, uri=True, timeout=_LOCK_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._check_version(connection)
            deadline = time.monotonic() + self._seconds
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            connection.row_factory = sqlite3.Row
            yield connection
        finally:
            connection.close()

    def _check_version(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        if application != schema.APPLICATION_ID or version != schema.VERSION:
            raise UnavailableError(
                f"database {self.path} is not of this program's version: run perfectcv-traffic "
                "ingest, which brings it up to date"
            )

    def _reason(self, error: sqlite3.OperationalError) -> str:
        if getattr(error, "sqlite_errorname", "") == "SQLITE_INTERRUPT":
            return (
                f"the query took longer than {self._seconds:g} s and was given up: narrow it with "
                "since and until"
            )
        return f"database {self.path} cannot be read now: {error}"
