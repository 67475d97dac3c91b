"""From log files into the database, each whole line exactly once, however often it is run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from perfectcv_traffic.errors import LockedError, StorageError
from perfectcv_traffic.garbage import no_collection
from perfectcv_traffic.log import siblings
from perfectcv_traffic.log.formats import VOTERS, Formats, LogFormat
from perfectcv_traffic.log.lines import LineParser
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.reader import Chunk, LongLine, require_file
from perfectcv_traffic.log.routes import Find
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.store import counted
from perfectcv_traffic.store.batch import Batch, Counts
from perfectcv_traffic.store.checkpoints import in_background
from perfectcv_traffic.store.commit import Committer
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.fallback import without_duplicates, without_unstorable
from perfectcv_traffic.store.fork import Ancestors
from perfectcv_traffic.store.group import GroupCommit, Progress
from perfectcv_traffic.store.helper import Helper, help_with
from perfectcv_traffic.store.pipeline import Pipeline
from perfectcv_traffic.store.prepare import Prepared, Preparer, Task
from perfectcv_traffic.store.segments import Segment
from perfectcv_traffic.store.stream import Stream
from perfectcv_traffic.store.summary_fork import CountedAncestors

GiveWay = Callable[[], None]

Notice = Callable[[str], None]
"""Told what a person may want to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How logs are read."""

    model: type[TrafficLog] = TrafficLog
    log_format: LogFormat | None = None
    """None: found out for each log from its first lines."""
    find_route: Find | None = None
    """The route of a path, for logs that carry none."""
    with_rotated: bool = False
    """Read rotated files from before the first ingest too."""
    summary_only: bool = False
    """Keep what requests add up to, and no rows."""
    wait_for_lock: bool = False
    in_parallel: bool = False
    """Prepare long logs in a second process; it knows no model, routes or redactor but ours."""
    redactor: Redactor = field(default_factory=Redactor)
    is_stopping: Callable[[], bool] = lambda: False
    """Asked between chunks: whether to end soon rather than to read everything."""
    give_way: GiveWay | None = None
    """Called before each bit of work: lets a more urgent process run. None: work is done whole."""
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
        if log.exists() or not siblings.rotated(log):  # else rotated away, and none begun since
            require_file(log)
    total = Counts()
    with (
        only_ingester(db, wait=options.wait_for_lock),
        help_with(logs, wanted=options.in_parallel and not options.summary_only) as helper,
        writing(db, options.model, in_bulk=helper is not None) as connection,
        in_background(db) as checkpoints,
    ):
        ingester = Ingester(connection, options, helper)
        if helper:
            ingester.committed = checkpoints.begin
        for log in logs:
            with ingester.stream(log) as stream, naming_log(log):
                total.add(ingester.catch_up(stream))
        if helper:
            helper.dismiss()
    return total


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
            f"database {db} is being written by another ingester (an API that runs here has its"
            " own): name another database with --db, or stop it"
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

    def __init__(
        self,
        connection: sqlite3.Connection,
        options: Options,
        helper: Helper | None = None,
    ) -> None:
        form = StoredForm(options.model)
        self._connection = connection
        self._options = options
        self._form = form
        counted.require_kind(connection, summary_only=options.summary_only)
        self._committer = Committer(connection)
        self._formats = Formats(form, options.redactor, options.find_route)
        self._preparer = Preparer(form, self._formats, summary_only=options.summary_only)
        self._helper = helper
        self.committed: Callable[[], None] = lambda: None
        """Called after each commit of a `GroupCommit`."""
        self._ancestors: tuple[int, Ancestors | CountedAncestors] | None = None
        self._alone_until: dict[str, int] = {}
        """By the path of a log: the offset up to which its chunks are stored one by one."""

    @contextmanager
    def stream(self, log: Path) -> Iterator[Stream]:
        """A log to be read, registered."""
        stream = Stream(
            log,
            self._connection,
            self.store,
            with_rotated=self._options.with_rotated,
            is_stopping=self._options.is_stopping,
        )
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
        with no_collection():
            total.add(stream.read(rotated=True))
            total.add(stream.read(rotated=True))
        if stream.pending:
            self._options.notice(
                f"{stream.path}: the last line is not finished yet ({stream.pending} bytes)"
            )
        return total

    def store(self, log: Segment, chunks: Iterable[Chunk], total: Counts) -> None:
        """Parse and store chunks.

        Raises `OffsetMovedError`, `StartAgainError`, and what reading raises once all that was
        read is stored.
        """
        group = GroupCommit(self._connection, log, total, self._options.progress, self.committed)
        Pipeline(self, group, self._helper).run(chunks, total)

    def is_alone(self, log: Segment, chunk: Chunk) -> bool:
        """Whether only the database tells what of a chunk is to be stored."""
        is_known = bool(log.parent or log.resembles)
        return is_known or chunk.start < self._alone_until.get(log.path, 0)

    def keep_alone(self, log: Segment, end: int) -> None:
        """From now on store chunks of a log alone, up to an offset."""
        self._alone_until[log.path] = end

    def prepared(self, log: Segment, chunk: Chunk) -> Prepared:
        """What is to be inserted, with the summary."""
        if self._options.give_way and chunk.lines and chunk.is_terminated:
            return self._preparer.prepare_in_steps(self.task(log, chunk), self._options.give_way)
        return self._preparer.prepared(self._parse(log, chunk))

    def store_alone(self, log: Segment, chunk: Chunk) -> Counts:
        """Store the lines that neither this log nor an earlier generation of it has."""
        ancestor, is_sure = log.parent or log.resembles, log.parent is not None
        log.resembles = None
        batch = self._parse(log, chunk)
        if ancestor:
            known = self._without_known(ancestor, batch, chunk)
            batch = known if is_sure else self._with_unmarked(log, batch, known)
        counts = self._commit_carefully(log, batch, chunk)
        self._options.progress(chunk.size)
        return counts

    def _commit_carefully(self, log: Segment, batch: Batch, chunk: Chunk) -> Counts:
        parser = self._formats.parser(self._format(log, chunk))
        storable = without_unstorable(self._form, batch, chunk.line_at, parser.reject)
        batch = without_duplicates(self._connection, storable)
        return self._committer.commit(log, self._preparer.prepared(batch), chunk.identity)

    def _parse(self, log: Segment, chunk: Chunk) -> Batch:
        if chunk.long_line:
            parser = self._formats.parser(self._format(log, chunk))
            return _long_line(chunk.start, chunk.long_line, parser)
        return self._preparer.parse(self.task(log, chunk))

    def task(self, log: Segment, chunk: Chunk) -> Task:
        """The lines of a chunk."""
        return self.heading(log, chunk)._replace(data=chunk.data)

    def heading(self, log: Segment, chunk: Chunk) -> Task:
        """What there is to say of the lines of a chunk, without them."""
        log_format, name = str(self._format(log, chunk)), Path(log.path).name
        return Task(log_format, name, chunk.start, b"", chunk.is_terminated)

    def _format(self, log: Segment, chunk: Chunk) -> LogFormat:
        if log.format is None:
            chosen = self._options.log_format or self._formats.detect(
                chunk.data.split(b"\n", VOTERS)[:VOTERS]
            )
            if chosen is None:  # nothing recognised yet: rejected, and looked at again next time
                return LogFormat.NATIVE
            log.format = chosen
            self._options.notice(f"{log.path}: {chosen} format")
        return LogFormat(log.format)

    def _with_unmarked(self, log: Segment, batch: Batch, known: Batch) -> Batch:
        """Of a log that may be a new one: lines that nothing tells from others are taken as new."""
        kept = {offset for offset, _ in known.records}
        records = [one for one in batch.records if one[0] in kept or not _is_marked(one[1])]
        if more := len(records) - len(known.records):
            self._options.notice(
                f"{log.path}: begun anew, or cut: {more} lines as before, without time or id, are"
                " counted as new"
            )
        return replace(known, records=records, duplicate=known.duplicate - more)

    def _without_known(self, parent: int, batch: Batch, chunk: Chunk) -> Batch:
        if self._ancestors is None or self._ancestors[0] != parent:
            kind = CountedAncestors if self._options.summary_only else Ancestors
            self._ancestors = (parent, kind(self._connection, self._form, parent))
        ancestors = self._ancestors[1]
        if chunk.start >= ancestors.end:
            return batch
        return ancestors.without_known(batch, chunk.start, chunk.identity.offset)


def _is_marked(record: TrafficLog) -> bool:
    """Whether anything tells it from another like it."""
    return bool(record.event_id or record.timestamp)


def _long_line(start: int, line: LongLine, parser: LineParser) -> Batch:
    reject = parser.reject("too_long", line.beginning, f"sha256 {line.sha256}")
    return Batch(rejects=[(start, line.length, reject)], lines=1)
