"""Which known segment a file is: the rows of `log_files` matched by content."""

from __future__ import annotations

import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perfectcv_traffic.log.reader import ReplacedError
from perfectcv_traffic.log.segment import HEAD_LENGTH, Comparison, Identity, Verdict
from perfectcv_traffic.log.source import FileId, Source
from perfectcv_traffic.store.transactions import transaction

STRONG_HEAD = 1024
"""Bytes of an equal beginning from which on a segment is recognised under any log's name.

Of less than that it is so only in the same file: under a link, or by a path with `..` in it."""

_LEAVES = (
    "SELECT id, path, generation, parent, format, device, inode,"
    " committed_offset, head_length, head, anchor_length, anchor FROM log_files"
    " WHERE id NOT IN (SELECT parent FROM log_files WHERE parent IS NOT NULL)"
    " ORDER BY path = ? DESC, id DESC"
)


@dataclass(slots=True)
class Segment:
    """The row of a segment in `log_files`; id 0 while it has none."""

    id: int
    path: str
    generation: int
    identity: Identity | None = None
    parent: int | None = None
    """The segment whose lines this one repeats up to a point: it lost its tail, or was edited."""
    resembles: int | None = None
    """A segment that it may repeat, for all that can be seen; like `parent`, but not kept."""
    format: str | None = None
    file_id: FileId | None = None
    compared: int = 0
    """Of a new one: bytes of the beginning by which it was told from those that are known."""

    @property
    def offset(self) -> int:
        """Up to where it is stored."""
        return self.identity.offset if self.identity else 0


def match(
    connection: sqlite3.Connection, log: Path, source: Source, *, is_live: bool
) -> Segment | None:
    """The segment that a file is, or a new generation; None for an older copy of a known one.

    Raises `ReplacedError` for a file that became another one meanwhile.
    """
    comparison = Comparison(source)
    name = name_of(log)
    known = [_segment(row) for row in connection.execute(_LEAVES, (name,))]
    found = Segment(0, name, 1 + _last_generation(connection, name), compared=comparison.length)
    is_copy = False
    for candidate in known:
        verdict = _verdict(comparison, candidate, name, source.file_id)
        if verdict is Verdict.SAME:
            return candidate
        if verdict is Verdict.FORKED or (verdict is Verdict.SHORTER and is_live):
            _take_after(found, candidate, source)
        elif verdict is Verdict.SHORTER:
            is_copy = True
        elif is_live and _may_be_cut(candidate, comparison, source):
            found.resembles = found.resembles or candidate.id
    if not (source.is_final or comparison.is_current()):
        raise ReplacedError(source.path)
    return None if is_copy else found


def _take_after(found: Segment, candidate: Segment, source: Source) -> None:
    """Note that a new generation begins as a known segment does.

    One of another log goes on by itself: two hosts of one API may write the same first lines.
    """
    found.format = found.format or candidate.format
    if candidate.path == found.path or candidate.file_id == source.file_id:
        found.parent = found.parent or candidate.id
    else:
        found.resembles = found.resembles or candidate.id


def name_of(log: Path) -> str:
    """What a log is called in the database, which holds no name that is not UTF-8."""
    return os.fsencode(log.absolute()).decode("utf-8", "backslashreplace")


def _verdict(comparison: Comparison, candidate: Segment, name: str, file_id: FileId) -> Verdict:
    known = candidate.identity
    is_named = candidate.path == name or candidate.file_id == file_id
    if known is None or not (is_named or known.head_length >= STRONG_HEAD):
        return Verdict.OTHER
    return comparison.with_segment(known)


def _may_be_cut(candidate: Segment, comparison: Comparison, source: Source) -> bool:
    """Whether the file may be a short segment that lost its tail and went on.

    It may as well be new and have the inode of the old one: each line is compared, so that either
    is right, and the segment stays known, for a copy of it may still turn up.
    """
    known = candidate.identity
    is_short = known is not None and known.head_length < HEAD_LENGTH
    return is_short and comparison.length > 0 and candidate.file_id == source.file_id


def _segment(row: tuple[Any, ...]) -> Segment:
    row_id, path, generation, parent, log_format, device, inode, *known = row
    return Segment(
        row_id, path, generation, Identity(*known), parent, None, log_format, FileId(device, inode)
    )


def _last_generation(connection: sqlite3.Connection, name: str) -> int:
    query = "SELECT coalesce(max(generation), 0) FROM log_files WHERE path = ?"
    return int(connection.execute(query, (name,)).fetchone()[0])


def is_known(connection: sqlite3.Connection, log: Path) -> bool:
    """Whether this log was ever ingested: siblings seen from now on were born after."""
    query = "SELECT 1 FROM log_streams WHERE path = ?"
    return connection.execute(query, (name_of(log),)).fetchone() is not None


def register(connection: sqlite3.Connection, log: Path, passed_over: list[str]) -> None:
    """Remember that this log is ingested from now on, and the signatures not to look at."""
    with transaction(connection):  # a log known without them would have them read as new
        connection.execute(
            "INSERT OR IGNORE INTO log_streams (path, first_seen) VALUES"
            " (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
            (name_of(log),),
        )
        mark_done(connection, passed_over)


def is_done(connection: sqlite3.Connection, signature: str) -> bool:
    """Whether a rotated file was read to its end and has not changed since: saves reading it."""
    query = "SELECT 1 FROM log_files_done WHERE signature = ?"
    return connection.execute(query, (signature,)).fetchone() is not None


def mark_done(connection: sqlite3.Connection, signatures: list[str]) -> None:
    """Remember rotated files that were read to their end."""
    connection.executemany(
        "INSERT OR IGNORE INTO log_files_done (signature) VALUES (?)",
        [(signature,) for signature in signatures],
    )
