"""Following logs: what is written to them is in the database a moment later.

One thread looks at the files every `poll` seconds; file system events would be a hint at most.
What may pass by itself (a locked database, a full disk, a log that cannot be read) is waited out,
and nothing is taken from a log that is not stored.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from perfectcv_traffic.errors import LockedError, StorageError, TrafficError
from perfectcv_traffic.garbage import no_collection
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.database import is_passing, naming, writing
from perfectcv_traffic.store.ingest import Ingester, Options, only_ingester
from perfectcv_traffic.store.stream import Stream

POLL_SECONDS = 0.2
ROTATED_EVERY = 2.0
"""Seconds between looks at rotated files."""

SQL_STEPS = 4000
"""Instructions of SQLite's machine between two points at which it may give way: about 0.1 ms."""

FIRST_RETRY = 1.0
LAST_RETRY = 60.0

Wait = Callable[[float], bool]
"""Waits for some seconds, or less; returns whether to go on."""


@dataclass(slots=True)
class _Patience:
    """How long to wait after another failure, and whether to speak of it again."""

    delay: float = 0.0
    said: str = ""

    def wait_longer(self) -> float:
        self.delay = min(LAST_RETRY, self.delay * 2 or FIRST_RETRY)
        return self.delay

    def over(self) -> None:
        self.delay, self.said = 0.0, ""


def follow(
    logs: Sequence[Path],
    db: Path,
    wait: Wait,
    *,
    options: Options,
    poll: float = POLL_SECONDS,
) -> Counts:
    """Store lines as they are written, until `wait` says to stop; returns what became of them.

    A log need not exist yet. Raises `LockedError` while another ingester works on the database.
    """
    total = Counts()
    patience = _Patience()
    with only_ingester(db, wait=options.wait_for_lock):
        while True:
            try:
                _follow(logs, db, _Watch(wait, poll, patience, total, options))
            except (StorageError, LockedError) as error:
                if not _may_pass(error):
                    raise
                if not _pause(error, patience, wait, options):
                    return total
            else:
                return total


@dataclass(frozen=True, slots=True)
class _Watch:
    wait: Wait
    poll: float
    patience: _Patience
    total: Counts
    options: Options


def _follow(logs: Sequence[Path], db: Path, watch: _Watch) -> None:
    """Read again and again through one connection."""
    with writing(db, watch.options.model) as connection, ExitStack() as stack, naming(db):
        if watch.options.give_way:
            connection.set_progress_handler(watch.options.give_way, SQL_STEPS)
        ingester = Ingester(connection, watch.options)
        streams = [stack.enter_context(ingester.stream(log)) for log in logs]
        look_at_rotated = 0.0
        while True:
            now = time.monotonic()
            is_due = now >= look_at_rotated
            if is_due:
                look_at_rotated = now + ROTATED_EVERY
            with no_collection():
                _look(streams, watch, rotated=is_due)
            if not watch.wait(watch.poll):
                for stream in streams:  # what was written since: its writer may have ended too
                    watch.total.add(stream.read(rotated=False))
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                return


def _look(streams: Sequence[Stream], watch: _Watch, *, rotated: bool) -> None:
    for stream in streams:
        try:
            watch.total.add(stream.read(rotated=rotated))
            watch.patience.over()
        except OSError as error:
            _say(f"log {stream.path} cannot be read: {error.strerror}", watch)


def _say(message: str, watch: _Watch) -> None:
    if watch.patience.said != message:
        watch.patience.said = message
        watch.options.notice(message)


def _may_pass(error: TrafficError) -> bool:
    cause = error.__cause__
    return isinstance(cause, sqlite3.DatabaseError) and is_passing(cause)


def _pause(error: TrafficError, patience: _Patience, wait: Wait, options: Options) -> bool:
    if patience.said != str(error):
        patience.said = str(error)
        options.notice(f"{error} (waiting for it to pass)")
    until = time.monotonic() + patience.wait_longer()
    while time.monotonic() < until:
        if not wait(POLL_SECONDS):
            return False
    return True
