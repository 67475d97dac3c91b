"""From log files into the database, each whole line exactly once, however often it is run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from perfectcv_traffic.errors import LockedError
from perfectcv_traffic.log import segment
from perfectcv_traffic.log.native import Reject, StoredForm, parser
from perfectcv_traffic.log.segment import Chunk, Identity
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.store.batch import Batch, Committer, Counts, LogFile, OffsetMovedError
from perfectcv_traffic.store.database import writing

Progress = Callable[[int], None]
"""Told the number of bytes taken after each batch."""


def ingest(
    logs: Sequence[Path],
    db: Path,
    *,
    model: type[TrafficLog] = TrafficLog,
    progress: Progress | None = None,
) -> Counts:
    """Store the whole lines of each log that are not stored yet; returns what became of them.

    Raises `LockedError` while another ingester works on the database, `StorageError` for a log or
    database that cannot be used. Stopped at any point, the next call goes on where it ended.
    """
    total = Counts()
    files = [(path, segment.open_log(path)) for path in logs]
    try:
        with _only_ingester(db), writing(db, model) as connection:
            for path, file in files:
                total.add(_Ingester(connection, model, progress).run(path, file))
    finally:
        for _, file in files:
            file.close()
    return total


class _only_ingester:  # noqa: N801 - reads as the context it is
    def __init__(self, db: Path) -> None:
        self._db = db
        self._lock = FileLock(f"{db}.lock", timeout=0)

    def __enter__(self) -> None:
        try:
            self._lock.acquire()
        except Timeout as error:
            raise LockedError(
                f"database {self._db} is being written by another ingester: wait for it to end, "
                "or stop it"
            ) from error

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class _Ingester:
    """Takes one log at a time through one connection."""

    def __init__(
        self, connection: sqlite3.Connection, model: type[TrafficLog], progress: Progress | None
    ) -> None:
        form = StoredForm(model)
        self._connection = connection
        self._committer = Committer(connection, form)
        self._parse = parser(form, Redactor())
        self._progress = progress

    def run(self, path: Path, file: BinaryIO) -> Counts:
        total = Counts()
        while True:
            log, known = self._find(path, file)
            try:
                for chunk in segment.chunks(file, known):
                    batch = self._read(chunk)
                    total.add(self._committer.commit(log, batch, chunk.identity))
                    if self._progress:
                        self._progress(len(chunk.data))
            except OffsetMovedError:
                continue  # somebody else took these lines: look again where we are
            return total

    def _find(self, path: Path, file: BinaryIO) -> tuple[LogFile, Identity | None]:
        """The known segment that this file is, or a new generation of its path."""
        name = str(path.absolute())
        rows = self._connection.execute(
            "SELECT id, path, generation, committed_offset, head_length, head, anchor_length,"
            " anchor FROM log_files ORDER BY path = ? DESC, id DESC",
            (name,),
        )
        generation = 0
        for row_id, row_path, row_generation, *identity in rows.fetchall():
            known = Identity(*identity)
            if segment.matches(file, known):
                return LogFile(row_id, row_path, row_generation, known.offset), known
            if row_path == name:
                generation = max(generation, row_generation)
        return LogFile(0, name, generation + 1, 0), None

    def _read(self, chunk: Chunk) -> Batch:
        batch = Batch()
        offset = chunk.start
        for line in chunk.data[:-1].split(b"\n"):
            batch.lines += 1
            parsed = self._parse(line)
            if isinstance(parsed, Reject):
                batch.rejects.append((offset, len(line), parsed))
            elif parsed is None:
                batch.blank += 1
            else:
                batch.records.append((offset, parsed))
            offset += len(line) + 1
        return batch
