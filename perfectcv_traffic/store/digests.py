"""Digests of lines that have no row and no id: eight bytes tell one from another."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from typing import Any

LENGTH = 8


def digest(offset: int, row: list[Any]) -> bytes:
    """What tells a record at an offset from another."""
    return hashlib.blake2b(repr((offset, row)).encode(), digest_size=LENGTH).digest()


def insert(connection: sqlite3.Connection, log_id: int, found: Sequence[tuple[int, bytes]]) -> None:
    """Keep the offset and the digest of lines of a log."""
    if found:
        offsets, digests = zip(*found, strict=True)
        connection.execute(
            "INSERT INTO counted_lines (log_file_id, first_offset, last_offset, digests)"
            " VALUES (?, ?, ?, ?)",
            (log_id, min(offsets), max(offsets), b"".join(digests)),
        )


def between(connection: sqlite3.Connection, logs: str, start: int, end: int) -> set[bytes]:
    """Digests kept of lines between two offsets, and of some others, of logs named by their ids."""
    rows = connection.execute(
        f"SELECT digests FROM counted_lines WHERE log_file_id IN ({logs})"
        " AND last_offset >= ? AND first_offset < ?",
        (start, end),
    )
    return {row[n : n + LENGTH] for (row,) in rows for n in range(0, len(row), LENGTH)}
