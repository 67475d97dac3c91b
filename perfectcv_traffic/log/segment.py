"""A segment: one generation of a log's content, an append-only byte string known by its bytes.

An inode is no identity: a file made after a deletion often gets the one just freed. A segment is
known by its content instead: the hash of its first bytes, and of the bytes just before the offset
up to which it was read. Both are computed from the bytes that were parsed, never by a second read.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import NamedTuple

from perfectcv_traffic.log.source import Source

HEAD_LENGTH = 4096
ANCHOR_LENGTH = 128


class Identity(NamedTuple):
    """What is known of a segment: offset read up to, and content hashes before it."""

    offset: int
    head_length: int
    head: bytes
    anchor_length: int
    anchor: bytes


class Verdict(Enum):
    """What a file is to a known segment."""

    SAME = "the segment, as long as it was read or longer"
    FORKED = "the same beginning, but other bytes before the offset"
    SHORTER = "the same beginning, and not as long as it was read"
    OTHER = "another beginning"


def identity(offset: int, head: bytes, tail: bytes) -> Identity:
    """The identity of a segment that was read up to `offset`."""
    return Identity(offset, len(head), digest(head), len(tail), digest(tail))


def digest(data: bytes) -> bytes:
    """The hash by which content is recognised."""
    return hashlib.sha256(data).digest()


class Comparison:
    """Compares one file with any number of known segments, reading its beginning once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._head = source.read_at(0, HEAD_LENGTH)
        self._digests: dict[int, bytes] = {}

    @property
    def length(self) -> int:
        """Bytes of the beginning that there are to compare."""
        return len(self._head)

    def is_current(self) -> bool:
        """Whether the file still begins as it did: else the bytes compared were of two files."""
        return self._source.read_at(0, len(self._head)) == self._head

    def with_segment(self, known: Identity) -> Verdict:
        """What the file is to this segment."""
        if self._digest(known.head_length) != known.head:
            return Verdict.OTHER
        anchor = self._source.read_at(known.offset - known.anchor_length, known.anchor_length)
        if len(anchor) < known.anchor_length:
            return Verdict.SHORTER
        return Verdict.SAME if digest(anchor) == known.anchor else Verdict.FORKED

    def _digest(self, length: int) -> bytes:
        if length > len(self._head):
            return b""
        if length not in self._digests:
            self._digests[length] = digest(self._head[:length])
        return self._digests[length]
