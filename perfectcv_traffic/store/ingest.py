"""From log files into the database, each whole line exactly once, however often it is run."""

from __future__ import annotations

import gc
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from perfectcv_traffic.errors import LockedError, StorageError
from perfectcv_traffic.log.formats import VOTERS, Formats, LogFormat
from perfectcv_traffic.log.lines import LineParser, Reject, Salvaged
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.reader import Chunk
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.store.batch import Batch, Committer, Counts
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.fork import Ancestors
from perfectcv_traffic.store.segments import LogFile
from perfectcv_traffic.store.stream import Stream

Progress = Callable[[int], None]
"""Told the number of bytes taken after each batch."""

Notice = Callable[[str], None]
"""Told what a person may want to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How logs are read."""

    model: type[TrafficLog] = TrafficLog
    log_format: LogFormat | None = None
    """None: found out for each log from its first lines."""
    with_rotated: bool = False
    """Read rotated files from before the first ingest too."""
    wait_for_lock: bool = False
    redactor: Redactor = field(default_factory=Redactor)
    progress: Progress = lambda _bytes: None
    notice: Notice = lambda _message: None


def ingest(
    logs: Sequence[Path],
    db: Path,
    *,
    model: type[TrafficLog] = TrafficLog,
    progress: Progress | None = None,
    options: Options | None = None,
) -> Counts:
    """Store the whole lines of each log that are not stored yet; returns what became of them.

    Raises `LockedError` while another ingester works on the database, `StorageError` for a log or
    database that cannot be used. Stopped at any point, the next call goes on where it ended.
    """
    options = options or Options(model=model, progress=progress or (lambda _bytes: None))
    for log in logs:
        require(log)
    total = Counts()
    with only_ingester(db, wait=options.wait_for_lock), writing(db, options.model) as connection:
        ingester = Ingester(connection, options)
        for log in logs:
            with ingester.stream(log) as stream, naming_log(log):
                total.add(ingester.catch_up(stream))
    return total


def require(log: Path) -> None:
    """Raise `StorageError` when there is no such log file."""
    if not log.is_file():
        missing = "is not a file" if log.exists() else "does not exist"
        raise StorageError(
            f"log {log} {missing}: record some traffic first (setup_monitoring in the API, "
            "or perfectcv-traffic run), or name another log"
        )


@contextmanager
def naming_log(log: Path) -> Iterator[None]:
    """Errors of reading that name the log."""
    try:
        yield
    except OSError as error:
        raise StorageError(f"log {log} cannot be read: {error.strerror or error}") from error


@contextmanager
def only_ingester(db: Path, *, wait: bool = False) -> Iterator[None]:
    """Nobody else ingests into the database meanwhile; raises `LockedError` if somebody does."""
    lock = FileLock(f"{db}.lock", timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"database {db} is being written by another ingester: wait for it to end, or stop it"
        ) from error
    except OSError as error:
        raise StorageError(
            f"database {db} cannot be locked: {error.strerror}; does its directory exist?"
        ) from error
    try:
        yield
    finally:
        lock.release()


class Ingester:
    """Parses and stores chunks of any log through one connection."""

    def __init__(self, connection: sqlite3.Connection, options: Options) -> None:
        form = StoredForm(options.model)
        self._connection = connection
        self._options = options
        self._form = form
        self._committer = Committer(connection, form)
        self._formats = Formats(form, options.redactor)
        self._ancestors: tuple[int, Ancestors] | None = None

    @contextmanager
    def stream(self, log: Path) -> Iterator[Stream]:
        """A log to be read, registered."""
        stream = Stream(log, self._connection, self.store, with_rotated=self._options.with_rotated)
        try:
            if passed_over := stream.register():
                self._options.notice(
                    f"{log}: {passed_over} rotated files from before are left out; "
                    "--rotated all takes them too"
                )
            yield stream
        finally:
            stream.close()

    def catch_up(self, stream: Stream) -> Counts:
        """Read everything there is; the log may be rotated meanwhile."""
        total = Counts()
        with _no_collection():
            total.add(stream.read(rotated=True))
            total.add(stream.read(rotated=True))
        if stream.pending:
            self._options.notice(
                f"{stream.path}: the last line is not finished yet ({stream.pending} bytes)"
            )
        return total

    def store(self, log: LogFile, chunk: Chunk) -> Counts:
        """Parse and store a chunk; raises `OffsetMovedError`."""
        parser = self._parser(log, chunk)
        batch = _long_line(chunk, parser) if chunk.long_line else self._parse(log, chunk, parser)
        if ancestor := log.parent or log.resembles:
            batch = self._without_known(ancestor, batch, chunk)
            log.resembles = None
        counts = self._committer.commit(log, batch, chunk.identity)
        self._options.progress(chunk.size)
        return counts

    def _parser(self, log: LogFile, chunk: Chunk) -> LineParser:
        if log.format is None:
            chosen = self._options.log_format or self._formats.detect(
                chunk.data.split(b"\n", VOTERS)[:VOTERS]
            )
            if chosen is None:  # nothing recognised yet: rejected, and looked at again next time
                return self._formats.parser(LogFormat.NATIVE)
            log.format = chosen
            self._options.notice(f"{log.path}: {chosen} format")
        return self._formats.parser(LogFormat(log.format))

    def _parse(self, log: LogFile, chunk: Chunk, parser: LineParser) -> Batch:
        batch = Batch()
        offset = chunk.start
        parse = parser.parse
        data = chunk.data[:-1] if chunk.is_terminated else chunk.data
        if not chunk.is_terminated and not parser.is_json:
            # A cut line of text may read as a whole one.
            parse = lambda line: parser.reject("unterminated", line)  # noqa: E731
        records = batch.records
        for line in data.split(b"\n"):
            parsed = parse(line)
            if isinstance(parsed, TrafficLog):
                records.append((offset, parsed))
            elif parsed is None:
                batch.blank += 1
            else:
                _set_aside(batch, offset, len(line), parsed)
            batch.lines += 1
            offset += len(line) + 1
        _refer(batch, Path(log.path).name)
        return batch

    def _without_known(self, parent: int, batch: Batch, chunk: Chunk) -> Batch:
        if self._ancestors is None or self._ancestors[0] != parent:
            self._ancestors = (parent, Ancestors(self._connection, self._form, parent))
        ancestors = self._ancestors[1]
        if chunk.start >= ancestors.end:
            return batch
        return ancestors.without_known(batch, chunk.start, chunk.identity.offset)


def _set_aside(batch: Batch, offset: int, length: int, parsed: Reject | Salvaged) -> None:
    if isinstance(parsed, Salvaged):
        batch.rejects.append((offset, parsed.position, parsed.front))
        batch.records.append((offset + parsed.position, parsed.record))
        batch.salvaged += 1
    else:
        batch.rejects.append((offset, length, parsed))


def _refer(batch: Batch, name: str) -> None:
    """Give records of logs without request ids the place of their line to refer to."""
    for offset, record in batch.records:
        if not record.request_id:
            record.request_id = f"{name}@{offset}"


def _long_line(chunk: Chunk, parser: LineParser) -> Batch:
    assert chunk.long_line is not None
    line = chunk.long_line
    reject = parser.reject("too_long", line.beginning, f"sha256 {line.sha256}")
    return Batch(rejects=[(chunk.start, line.length, reject)], lines=1)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Records hold no cycles: looking for some in every batch costs a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
