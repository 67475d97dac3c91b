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
from dataclasses import dataclass, field
from pathlib import Path

from perfectcv_traffic.errors import LockedError, StorageError, TrafficError
from perfectcv_traffic.garbage import no_collection
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.database import OpenedFile, is_passing, naming, writing
from perfectcv_traffic.store.ingest import Ingester, Options, only_ingester
from perfectcv_traffic.store.stream import Stream, UnreadableError

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
    watch = _Watch(wait, poll, _Patience(), Counts(), options)
    with only_ingester(db, wait=options.wait_for_lock):
        while True:
            try:
                _follow(logs, db, watch)
            except (StorageError, LockedError) as error:
                if not _may_pass(error):
                    raise
                if not _pause(error, watch):
                    return watch.total
            else:
                return watch.total


@dataclass(frozen=True, slots=True)
class _Watch:
    wait: Wait
    poll: float
    patience: _Patience
    total: Counts
    options: Options
    unreadable: dict[Path, str] = field(default_factory=dict)
    """What was said of logs that cannot be read."""


def _follow(logs: Sequence[Path], db: Path, watch: _Watch) -> None:
    """Read again and again through one connection, and the same open files."""
    with writing(db, watch.options.model) as connection, ExitStack() as stack, naming(db):
        if watch.options.give_way:
            connection.set_progress_handler(watch.options.give_way, SQL_STEPS)
        ingester = Ingester(connection, watch.options)
        streams = [stack.enter_context(ingester.stream(log)) for log in logs]
        stack.callback(_count, streams, watch.total)
        file, look_at_rotated = OpenedFile(db), 0.0
        goes_on = True
        while goes_on:
            file.require_same()
            is_due = time.monotonic() >= look_at_rotated
            if is_due:
                look_at_rotated = time.monotonic() + ROTATED_EVERY
            goes_on = _look_patiently(streams, watch, db, rotated=is_due)
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")


def _look_patiently(streams: Sequence[Stream], watch: _Watch, db: Path, *, rotated: bool) -> bool:
    """Look, and wait for the next time; False at the end.

    What may pass is waited for with the files open: one without a name is not found again.
    """
    try:
        with naming(db):
            _look(streams, watch, rotated=rotated)
            if watch.wait(watch.poll):
                return True
            _look(streams, watch, rotated=False)  # written since: its writer may have ended too
            return False
    except (StorageError, LockedError) as error:
        if not _may_pass(error):
            raise
        return _pause(error, watch)


def _count(streams: Sequence[Stream], total: Counts) -> None:
    for stream in streams:
        total.add(stream.total)


def _look(streams: Sequence[Stream], watch: _Watch, *, rotated: bool) -> None:
    with no_collection():
        for stream in streams:
            try:
                stream.read(rotated=rotated)
                if rotated:
                    watch.unreadable.pop(stream.path, None)
            except UnreadableError as error:
                _say_once(stream.path, str(error), watch)
    watch.patience.over()


def _say_once(log: Path, message: str, watch: _Watch) -> None:
    if watch.unreadable.get(log) != message:
        watch.unreadable[log] = message
        watch.options.notice(message)


def _may_pass(error: TrafficError) -> bool:
    cause = error.__cause__
    return isinstance(cause, sqlite3.DatabaseError) and is_passing(cause)


def _pause(error: TrafficError, watch: _Watch) -> bool:
    """Wait for an error to pass, longer each time; False if it is to end instead."""
    patience = watch.patience
    if patience.said != str(error):
        patience.said = str(error)
        watch.options.notice(f"{error} (waiting for it to pass)")
    until = time.monotonic() + patience.wait_longer()
    while time.monotonic() < until:
        if not watch.wait(POLL_SECONDS):
            return False
    return True
