"""One log as the user names it, and all files that hold its content: live, rotated, compressed.

Nothing is decided by time or by inode: a file is what its bytes say it is, a rotated file is never
finished for good, and a file that lost its name is read to its end.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log import siblings
from perfectcv_traffic.log.reader import Chunk, Reader, ReplacedError
from perfectcv_traffic.log.source import (
    FileId,
    Source,
    file_id_of,
    open_source,
    signature_of,
)
from perfectcv_traffic.store import segments
from perfectcv_traffic.store.batch import Counts, OffsetMovedError
from perfectcv_traffic.store.segments import Segment

QUIET_SECONDS = 60.0
"""A rotated or deleted file that nobody appends to for so long has no half line coming."""

MAX_OPEN = 16
MAX_ATTEMPTS = 5
"""Times a file may turn out to be another one while it is read, before it is left for later."""

RECENT_SECONDS = 3600.0
"""A rotated file that was written to so shortly before the log belongs to what is read first."""

Store = Callable[[Segment, Iterable[Chunk], Counts], None]
"""Stores chunks and adds to the counts; raises `OffsetMovedError`, `StartAgainError`."""

_GONE = (errno.ENOENT, errno.ESTALE, errno.ENOTDIR)


class StartAgainError(Exception):
    """What was read since the last commit is to be read again."""


class UnreadableError(StorageError):
    """A file of the log cannot be read now; all others were."""


@dataclass(slots=True)
class OpenFile:
    """A file that is being read, and where."""

    source: Source
    is_live: bool
    log: Segment | None = None
    reader: Reader | None = None
    signature: str = ""
    """When last read to its end."""
    changed: float = 0.0
    """When it was last seen to change, by the monotonic clock."""

    def forget(self) -> None:
        """Forget which segment it is: its content has to be matched again."""
        self.log = self.reader = None
        self.signature = ""


class Stream:
    """Reads all files of one log, as often as asked."""

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        store: Store,
        *,
        with_rotated: bool = False,
        is_stopping: Callable[[], bool] = lambda: False,
        notice: Callable[[str], None] = lambda _message: None,
    ) -> None:
        self.path = path
        self.total = Counts()
        """What became of the lines that are durable."""
        self.pending = 0
        """Bytes of the live file after its last newline."""
        self._connection = connection
        self._store = store
        self._with_rotated = with_rotated
        self._is_stopping = is_stopping
        self._notice = notice
        self._open: dict[FileId, OpenFile] = {}
        self._done: set[str] = set()

    def register(self) -> int:
        """Before anything is read for the first time: old rotated files are passed over.

        Returns how many. What was rotated a moment ago may have been the log when this was asked.
        """
        if segments.is_known(self._connection, self.path):
            return 0
        passed_over = [] if self._with_rotated else self._signatures()
        segments.register(self._connection, self.path, passed_over)
        return len(passed_over)

    def read(self, *, rotated: bool) -> None:
        """Store every line that is not stored yet; `rotated` looks for rotated files too.

        Raises `UnreadableError`.
        """
        errors: list[UnreadableError] = []
        with _noted(self.path, errors):
            self._open_live()  # so that it cannot slip away, whatever happens to the others
        if rotated:
            self._read_rotated(errors)
        for file in list(self._open.values()):
            with _noted(file.source.path, errors):
                self._read_open(file)
        self._close_finished()
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Release all files."""
        for file in self._open.values():
            file.source.close()
        self._open.clear()

    def _signatures(self) -> list[str]:
        """Of rotated files that are older than the log: by the files' own times, never ours."""
        written = {}
        for path in (self.path, *siblings.rotated(self.path)):
            with contextlib.suppress(OSError):
                written[path] = path.stat().st_mtime, signature_of(path)
        latest = max((time for time, _ in written.values()), default=0.0)
        return [
            signature
            for path, (time, signature) in written.items()
            if path != self.path and latest - time > RECENT_SECONDS
        ]

    def _open_live(self) -> None:
        file_id = file_id_of(self.path)
        for file in self._open.values():
            file.is_live = file.source.file_id == file_id
        if file_id in self._open:
            return
        source = open_source(self.path)
        # The name may lead elsewhere by now; what counts is the file that was opened.
        if source.file_id in self._open:
            source.close()
        else:
            self._open[source.file_id] = OpenFile(source, is_live=True, changed=time.monotonic())

    def _read_open(self, file: OpenFile) -> None:
        signature = file.source.signature()
        if signature == file.signature:
            if not file.is_live and time.monotonic() - file.changed > QUIET_SECONDS:
                self._drain(file, to_its_end=True)
            return
        file.changed = time.monotonic()
        self._drain(file)
        file.signature = signature if file.reader else ""
        if file.is_live and file.reader:
            self.pending = file.reader.pending

    def _drain(self, file: OpenFile, *, to_its_end: bool = False) -> None:
        """Store all whole lines of a file; at its end a half one too, if it will not get longer."""
        attempts = 0
        while attempts < MAX_ATTEMPTS:
            try:
                if file.reader is None and not self._identify(file):
                    return
                if file.reader and file.log:
                    chunks = self._chunks(file.source, file.reader, to_its_end=to_its_end)
                    self._store(file.log, chunks, self.total)
            except StartAgainError:  # at most once for what is read then
                file.forget()
            except (ReplacedError, OffsetMovedError):
                attempts += 1
                file.forget()
            except BaseException:
                file.forget()  # more may have been read of it than is stored
                raise
            else:
                return

    def _chunks(self, source: Source, reader: Reader, *, to_its_end: bool) -> Iterator[Chunk]:
        """What there is to read, but only the next of it once the program is to end."""
        while chunk := reader.next():
            yield chunk
            if self._is_stopping():
                return
        if source.is_damaged:
            self._notice(f"{source.path} is damaged, or still being written: read up to there")
        elif (to_its_end or source.is_final) and (chunk := reader.rest()):
            yield chunk

    def _identify(self, file: OpenFile) -> bool:
        """Find out which segment the file is; False for a copy of what is stored."""
        file.log = segments.match(self._connection, self.path, file.source, is_live=file.is_live)
        if file.log is None:
            return False
        file.log.file_id = file.source.file_id
        file.reader = Reader(file.source, file.log.identity, file.log.compared)
        return True

    def _read_rotated(self, errors: list[UnreadableError]) -> None:
        done: list[str] = []
        for path in siblings.rotated(self.path):
            with _noted(path, errors):
                signature = signature_of(path)
                if signature in self._done or file_id_of(path) in self._open:
                    continue
                if segments.is_done(self._connection, signature):
                    self._done.add(signature)
                elif self._read_once(path, signature):
                    done.append(signature)
        segments.mark_done(self._connection, done)

    def _read_once(self, path: Path, signature: str) -> bool:
        """Read a rotated file; whether nothing of it is left for later."""
        source = open_source(path)
        try:
            file = OpenFile(source, is_live=False)
            self._drain(file)
            if self._is_stopping():  # it may not have been read to its end
                return False
            is_quiet = not source.is_final and _seconds_quiet(path) > QUIET_SECONDS
            if is_quiet and file.reader:
                self._drain(file, to_its_end=True)
            has_rest = file.reader is not None and file.reader.pending > 0
            if is_quiet or source.is_final or not has_rest:  # else looked at again, changed or not
                self._done.add(signature)
            return is_quiet or (source.is_final and not source.is_damaged)
        finally:
            source.close()

    def _close_finished(self) -> None:
        """Close what nobody writes to any more; a rotated name leads to it again if one does."""
        now = time.monotonic()
        rotated = [(key, file) for key, file in self._open.items() if not file.is_live]
        for position, (key, file) in enumerate(rotated):
            is_quiet = now - file.changed > QUIET_SECONDS and file.signature
            if is_quiet or position < len(rotated) - MAX_OPEN:
                file.source.close()
                del self._open[key]


@contextlib.contextmanager
def _noted(path: Path, errors: list[UnreadableError]) -> Iterator[None]:
    """An error of reading is for later: other files may be read meanwhile."""
    try:
        yield
    except OSError as error:
        if error.errno not in _GONE:  # normal for a moment during a rotation
            reason = error.strerror or error
            errors.append(UnreadableError(f"log {path} cannot be read: {reason}"))
            errors[-1].__cause__ = error


def _seconds_quiet(path: Path) -> float:
    """Since when a file was not written to: by the wall clock, there is no other here."""
    return time.time() - path.stat().st_mtime
