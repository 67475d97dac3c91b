"""A log file as an append-only byte string: what identifies it, and its whole lines from an offset.

An inode is no identity: a file made after a deletion often gets the one just freed. A segment is
known by its content instead: the hash of its first bytes, and of the bytes just before the offset
up to which it was read. Both are computed from the bytes that were parsed, never by a second read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from perfectcv_traffic.errors import StorageError

HEAD_LENGTH = 4096
ANCHOR_LENGTH = 128
CHUNK_SIZE = 262_144


class Identity(NamedTuple):
    """What is known of a segment: offset read up to, and content hashes before it."""

    offset: int
    head_length: int
    head: bytes
    anchor_length: int
    anchor: bytes


class Chunk(NamedTuple):
    """Whole lines of a segment: `start` is the offset of the first, `data` ends in a newline."""

    start: int
    data: bytes
    identity: Identity
    """The segment once these lines are taken."""

    @property
    def end(self) -> int:
        """Offset of the byte after the last line."""
        return self.start + len(self.data)


def open_log(path: Path) -> BinaryIO:
    """Open a log for reading; `StorageError` says why it cannot be read."""
    try:
        if not path.is_file():
            missing = "is not a file" if path.exists() else "does not exist"
            raise StorageError(
                f"log {path} {missing}: record some traffic first (setup_monitoring in the API, "
                "or perfectcv-traffic run), or name another log"
            )
        return path.open("rb")
    except OSError as error:
        raise StorageError(f"log {path} cannot be read: {error.strerror}") from error


def matches(file: BinaryIO, known: Identity) -> bool:
    """Whether the file still is the segment: same first bytes, same bytes before the offset."""
    if os.fstat(file.fileno()).st_size < known.offset:
        return False
    head = _read_at(file, 0, known.head_length)
    anchor = _read_at(file, known.offset - known.anchor_length, known.anchor_length)
    return _hash(head) == known.head and _hash(anchor) == known.anchor


def chunks(file: BinaryIO, known: Identity | None) -> Iterator[Chunk]:
    """Whole lines after the known offset; a last line without its newline is left for later."""
    offset = known.offset if known else 0
    head = _read_at(file, 0, min(HEAD_LENGTH, offset))
    tail = _read_at(file, max(0, offset - ANCHOR_LENGTH), min(ANCHOR_LENGTH, offset))
    while True:
        data = _whole_lines(file, offset)
        if not data:
            return
        start, offset = offset, offset + len(data)
        head = (head + data[: HEAD_LENGTH - len(head)])[:HEAD_LENGTH]
        tail = (tail + data)[-ANCHOR_LENGTH:]
        yield Chunk(start, data, Identity(offset, len(head), _hash(head), len(tail), _hash(tail)))


def _whole_lines(file: BinaryIO, offset: int) -> bytes:
    size = CHUNK_SIZE
    while True:
        data = _read_at(file, offset, size)
        end = data.rfind(b"\n") + 1
        if end or len(data) < size:
            return data[:end]
        size *= 2  # a line longer than the chunk


def _read_at(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
