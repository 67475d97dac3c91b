"""How far ingest is: what is stored of each log, what is behind, what was rejected."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path

import msgspec

from perfectcv_traffic.store.database import reading


class LogStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One segment of a log."""

    path: str
    generation: int
    format: str | None
    committed_offset: int
    behind_bytes: int | None
    """Bytes of the live file that are not stored yet; None for what is no longer live."""
    lines: int
    stored: int
    duplicate: int
    rejected: int
    blank: int
    updated: str | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """The state of ingest."""

    logs: list[LogStatus]
    rejected_by_reason: dict[str, int]


def status(db: Path) -> Status:
    """What the database knows of its logs."""
    with reading(db) as connection:
        return Status(logs=_logs(connection), rejected_by_reason=_reasons(connection))


def _reasons(connection: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT reason, count(*) FROM rejected_lines GROUP BY reason ORDER BY 2 DESC, 1"
    return dict(connection.execute(query).fetchall())


def _logs(connection: sqlite3.Connection) -> list[LogStatus]:
    names = (
        "path", "generation", "format", "committed_offset", "lines", "stored", "duplicate",
        "rejected", "blank", "updated", "device", "inode",
    )  # fmt: skip
    found = []
    query = f"SELECT {', '.join(names)} FROM log_files ORDER BY path, generation"
    for row in connection.execute(query):
        *values, device, inode = row
        known = dict(zip(names, values, strict=False))
        behind = _behind(known["path"], known["committed_offset"], (device, inode))
        found.append(LogStatus(**known, behind_bytes=behind))
    return found


def _behind(path: str, offset: int, file_id: tuple[int, int]) -> int | None:
    with suppress(OSError):
        live = Path(path).stat()
        if (live.st_dev, live.st_ino) == file_id:
            return max(0, live.st_size - offset)
    return None
