"""From log files into the database, each whole line exactly once, however often it is run."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from filelock import FileLock, Timeout

from perfectcv_traffic.errors import LockedError, StorageError
from perfectcv_traffic.garbage import no_collection
from perfectcv_traffic.log import siblings
from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.log.reader import Chunk, ReplacedError, require_file
from perfectcv_traffic.log.routes import Find
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.store import counted, private
from perfectcv_traffic.store.batch import Counts
from perfectcv_traffic.store.checkpoints import in_background
from perfectcv_traffic.store.commit import Commit, Progress
from perfectcv_traffic.store.counted import KnownIdError
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.parsing import GiveWay, Notice, Parsing
from perfectcv_traffic.store.prepare import Preparer
from perfectcv_traffic.store.prepare_ahead import Ahead, NotPreparedError
from perfectcv_traffic.store.preparer_process import PreparerProcess, preparing
from perfectcv_traffic.store.ready import Ready
from perfectcv_traffic.store.refused import UNSTORABLE
from perfectcv_traffic.store.segments import Segment
from perfectcv_traffic.store.sifting import Sifting
from perfectcv_traffic.store.stream import StartAgainError, Stream, UnreadableError


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
    unread: list[UnreadableError] = []
    with (
        only_ingester(db, wait=options.wait_for_lock),
        preparing(logs, wanted=options.in_parallel and not options.summary_only) as process,
        writing(
            db, options.model, in_bulk=process is not None, notice=options.notice
        ) as connection,
        in_background(db) as checkpoints,
    ):
        ingester = Ingester(connection, options, process)
        if process:
            ingester.committed = checkpoints.begin
        for log in logs:
            with ingester.stream(log) as stream:
                try:
                    ingester.catch_up(stream)
                except UnreadableError as error:  # the other logs are read all the same
                    unread.append(error)
                total.add(stream.total)
        if process:
            process.dismiss()
    if unread:
        options.notice(f"{db}: {total.new} new from what could be read")
        raise unread[0]
    return total


@contextmanager
def only_ingester(
    db: Path, *, wait: bool = False, advice: str = "name another database with --db, or stop it"
) -> Iterator[None]:
    """Nobody else ingests into the database meanwhile; raises `LockedError` if somebody does.

    `advice` is what is to be done then.
    """
    lock = FileLock(f"{db}.lock", timeout=-1 if wait else 0, mode=private.MODE)
    try:
        lock.acquire()
    except Timeout as error:
        raise LockedError(
            f"database {db} is being written by another ingester (an API that runs here has its"
            f" own): {advice}"
        ) from error
    except OSError as error:
        raise StorageError(
            f"database {db} cannot be locked: {error.strerror}: does its directory exist, and may"
            f" {lock.lock_file} be written?"
        ) from error
    try:
        yield
    finally:
        lock.release()


UPKEEP = "stop it, then do this; what is recorded meanwhile stays in the log and is stored later"
"""What to do about an ingester when the database itself is to be changed."""

CANNOT_STORE = (sqlite3.IntegrityError, KnownIdError, NotPreparedError, *UNSTORABLE)
"""What says that a chunk has to be sifted."""


class Ingester:
    """Brings chunks of any log into the database, through one connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        options: Options,
        process: PreparerProcess | None = None,
    ) -> None:
        self._connection = connection
        self._options = options
        counted.require_kind(connection, summary_only=options.summary_only)
        self.committed: Callable[[], None] = lambda: None
        """Called after each commit."""
        form = StoredForm(options.model)
        formats = Formats(form, options.redactor, options.find_route)
        preparer = Preparer(form, formats, summary_only=options.summary_only)
        self._parsing = Parsing(
            formats,
            preparer,
            given=options.log_format,
            give_way=options.give_way,
            notice=options.notice,
        )
        self._sifting = Sifting(connection, form, self._parsing, preparer, options.notice)
        self._ahead = Ahead(self._parsing, process) if process else None

    @contextmanager
    def stream(self, log: Path) -> Iterator[Stream]:
        """A log to be read, registered."""
        stream = Stream(
            log,
            self._connection,
            self.store,
            with_rotated=self._options.with_rotated,
            is_stopping=self._options.is_stopping,
            notice=self._options.notice,
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

    def catch_up(self, stream: Stream) -> None:
        """Read everything there is; the log may be rotated meanwhile."""
        with no_collection():
            stream.read(rotated=True)
            stream.read(rotated=True)
        if stream.pending:
            self._options.notice(
                f"{stream.path}: the last line is not finished yet ({stream.pending} bytes)"
            )

    def store(self, log: Segment, chunks: Iterable[Chunk], total: Counts) -> None:
        """The way of each chunk: it is made ready, inserted, and committed with the log's offset.

        Raises `OffsetMovedError`, `StartAgainError`, and what reading raises once all that was
        read is stored.
        """
        errors: list[Exception] = []
        commit = Commit(self._connection, log, total, self._options.progress, self.committed)
        with closing(self._ready(log, _until_error(chunks, errors))) as coming:
            try:
                for ready in coming:
                    commit.add(ready)
                    if ready.ends:
                        commit.end()
                    del ready  # some megabytes, before there are as many of the next
            except CANNOT_STORE as error:
                if not self._sifting.insist(log, log.offset):
                    raise
                raise StartAgainError(log.path) from error
            finally:
                commit.take_back()
        if errors:
            raise errors[0]

    def _ready(self, log: Segment, chunks: Iterator[Chunk]) -> Generator[Ready, None, None]:
        """What the transaction of each chunk inserts."""
        for chunk in chunks:
            if self._sifting.is_needed(log, chunk):
                yield Ready(chunk, self._sifting.prepared(log, chunk))
            elif self._ahead:
                yield from self._ahead.ready(log, chain([chunk], chunks))
            else:
                yield Ready(chunk, self._parsing.prepared(log, chunk))


def _until_error(chunks: Iterable[Chunk], errors: list[Exception]) -> Iterator[Chunk]:
    """Chunks, and in place of an error of reading the end."""
    try:
        yield from chunks
    except (ReplacedError, StorageError, OSError) as error:
        errors.append(error)
