"""Whole lines of a segment from an offset on, and the proof that they belong to it.

Every read begins with the bytes before the offset: if those are not what was read last, the file
was replaced or truncated meanwhile, and nothing of it is taken. The same holds for its first bytes,
which are read again after the lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from perfectcv_traffic.errors import StorageError
from perfectcv_traffic.log.segment import (
    ANCHOR_LENGTH,
    HEAD_LENGTH,
    Identity,
    digest,
    identity,
)
from perfectcv_traffic.log.source import Source, open_source

CHUNK_SIZE = 4_194_304
"""Bytes per batch when there are as many; also beyond any line that is kept whole."""

SCAN_SIZE = 1_048_576
LONG_LINE_KEPT = 4096
DATABASE = b"SQLite format 3\0"
"""How a database begins, which is no log."""


class ReplacedError(Exception):
    """The file is no longer the segment that was being read."""


class LongLine(NamedTuple):
    """A line longer than a chunk: never held whole."""

    length: int
    beginning: bytes
    sha256: str


class Chunk(NamedTuple):
    """Whole lines of a segment: `start` is the offset of the first."""

    start: int
    lines: memoryview
    """Part of the block that was read, up to a newline."""
    identity: Identity
    """The segment once these lines are taken."""
    long_line: LongLine | None = None
    """In place of the lines."""
    is_terminated: bool = True
    """False for the rest of a dead segment that has no newline."""

    @property
    def data(self) -> bytes:
        """A copy of the lines."""
        return bytes(self.lines)

    @property
    def size(self) -> int:
        """Bytes that are taken."""
        return self.identity.offset - self.start

    def line_at(self, offset: int) -> bytes:
        """The line that begins at an offset of the segment, without its newline."""
        return bytes(self.lines[offset - self.start :]).partition(b"\n")[0]


class Reader:
    """Reads on in one file; the caller stores each chunk before it asks for the next."""

    def __init__(self, source: Source, known: Identity | None, compared: int = HEAD_LENGTH) -> None:
        """Begin where the segment is known up to; raises `ReplacedError` if it is not that.

        `compared`: bytes of the beginning by which it was found to be none that is known.
        """
        self._source = source
        self._compared = compared
        self.offset = known.offset if known else 0
        self._head = source.read_at(0, min(HEAD_LENGTH, self.offset))
        length = min(ANCHOR_LENGTH, self.offset)
        self._tail = source.read_at(self.offset - length, length)
        self._scan: _LongScan | None = None
        self.pending = 0
        """Bytes after the last newline when last looked."""
        if known and not self._is(known):
            raise ReplacedError(source.path)

    def _is(self, known: Identity) -> bool:
        head = digest(self._head[: known.head_length])
        tail = self._tail[-known.anchor_length :] if known.anchor_length else b""
        return head == known.head and digest(tail) == known.anchor

    def next(self) -> Chunk | None:
        """The next whole lines, None when there are none yet; raises `ReplacedError`."""
        if self._scan:
            return self._scan_on(self._scan)
        block, start = self._read(CHUNK_SIZE)
        end = block.rfind(b"\n", start) + 1
        self.pending = len(block) - max(start, end)
        if end:
            return self._taken(memoryview(block)[start:end])
        if self.pending < CHUNK_SIZE:
            return None
        self._scan = _LongScan(self.offset, block[start:])
        return self._scan_on(self._scan)

    def rest(self) -> Chunk | None:
        """What stands after the last newline of a segment to which nobody will append."""
        if self._scan:
            self.offset = self._scan.start
            return self._long(self._scan, self._scan.position, terminated=False)
        block, start = self._read(CHUNK_SIZE)
        lines = memoryview(block)[start:]
        return self._taken(lines)._replace(is_terminated=False) if lines else None

    def _read(self, length: int) -> tuple[bytes, int]:
        """Bytes at the offset, with the proof that they follow what was read before.

        That comes first; also given is where it ends.
        """
        if self._source.is_final:
            block = self._source.read_at(self.offset, length)
            if self._says_more(block):
                raise ReplacedError(self._source.path)
            return block, 0
        before = len(self._tail)
        block = self._source.read_at(self.offset - before, before + length)
        if block[:before] != self._tail or self._says_more(block):
            raise ReplacedError(self._source.path)
        return block, before

    def _says_more(self, block: bytes) -> bool:
        """Whether there is more of a new segment's beginning now: a copy that was just begun."""
        return self.offset == 0 and self._compared < min(len(block), HEAD_LENGTH)

    def _taken(self, lines: memoryview) -> Chunk:
        start = self.offset
        self._verify_head()
        self._advance(lines, len(lines))
        return Chunk(start, lines, identity(self.offset, self._head, self._tail))

    def _verify_head(self) -> None:
        if self._source.is_final:
            return
        if self._source.read_at(0, len(self._head)) != self._head:
            raise ReplacedError(self._source.path)

    def _advance(self, data: bytes | memoryview, length: int) -> None:
        """Go on by `length` bytes, of which `data` has at least the first and the last."""
        self.offset += length
        self._head += data[: HEAD_LENGTH - len(self._head)]
        self._tail = (self._tail + data[-ANCHOR_LENGTH:])[-ANCHOR_LENGTH:]

    def _scan_on(self, scan: _LongScan) -> Chunk | None:
        while data := self._source.read_at(scan.position, SCAN_SIZE):
            end = data.find(b"\n") + 1
            scan.take(data[:end] if end else data)
            if end:
                return self._long(scan, scan.position, terminated=True)
        self.pending = scan.position - scan.start
        if (size := self._source.size()) is not None and size < scan.position:
            raise ReplacedError(self._source.path)
        return None

    def _long(self, scan: _LongScan, end: int, *, terminated: bool) -> Chunk:
        self._verify_head()
        self._scan = None
        self._advance(scan.beginning + scan.tail, end - scan.start)
        known = identity(self.offset, self._head, self._tail)
        if scan.is_short:  # and terminated or not, it is a line like any other
            return Chunk(end - len(scan.line), memoryview(scan.line), known, None, terminated)
        line = LongLine(end - scan.start - terminated, scan.beginning, scan.sha256.hexdigest())
        return Chunk(scan.start, memoryview(b""), known, line, terminated)


class _LongScan:
    """How far a line without an end has been looked through; its end may not be written yet."""

    def __init__(self, start: int, data: bytes) -> None:
        self.start = start
        self.position = start
        self.beginning = data[:LONG_LINE_KEPT]
        self.tail = b""
        self.sha256 = hashlib.sha256()
        self.line = b""
        """What follows the NULs that copytruncate leaves to a writer that does not append."""
        self.is_short = True
        """Whether that is the whole line."""
        self.take(data)

    def take(self, data: bytes) -> None:
        text = data if self.line else data.lstrip(b"\0")
        self.is_short = self.is_short and len(self.line) + len(text) <= CHUNK_SIZE
        self.line = self.line + text if self.is_short else b""
        self.position += len(data)
        self.tail = (self.tail + data[-ANCHOR_LENGTH:])[-ANCHOR_LENGTH:]
        self.sha256.update(data.removesuffix(b"\n"))


def chunks_of(log: Path) -> Iterator[Chunk]:
    """Whole lines of a log from its beginning; `StorageError` says why it cannot be read."""
    try:
        require_file(log)
        source = open_source(log)
        try:
            yield from iter(Reader(source, None).next, None)
        finally:
            source.close()
    except OSError as error:
        raise StorageError(f"log {log} cannot be read: {error.strerror or error}") from error


def _refuse_database(log: Path) -> None:
    with suppress(OSError), log.open("rb") as file:  # what cannot be read is told when it is read
        if file.read(len(DATABASE)) == DATABASE:
            raise StorageError(f"log {log} is a database: give it with --db {log}")


def require_file(log: Path) -> None:
    """Raise `StorageError` when there is no such log file.

    A pipe is none: what was read from it cannot be read again after a kill, nor told from what was
    stored before.
    """
    if log.is_file():
        _refuse_database(log)
        return
    if str(log) == "-" or log.is_fifo():
        raise StorageError(
            f"log {log} is a pipe, which cannot be read twice: write it to a file and name that,"
            " say COMMAND > access.log; compressed files are read as they are"
        )
    if log.is_dir():
        raise StorageError(f"log {log} is a directory: name the log file in it")
    missing = "is not a file" if log.exists() else "does not exist"
    raise StorageError(
        f"log {log} {missing}: record some traffic first (setup_monitoring in the API, "
        "or perfectcv-traffic run), or name another log"
    )
