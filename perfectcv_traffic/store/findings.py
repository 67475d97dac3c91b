"""Findings of `generate`, kept beside what it sent."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from perfectcv_traffic.store.database import transaction

COLUMNS = (
    "run_id",
    "rule",
    "severity",
    "method",
    "path",
    "pointer",
    "title",
    "expected",
    "observed",
    "evidence",
    "fingerprint",
    "curl",
)


def store_findings(connection: sqlite3.Connection, rows: Iterable[Sequence[object]]) -> None:
    """Keep the findings of a run: rows in the order of `COLUMNS`."""
    marks = ", ".join("?" * len(COLUMNS))
    with transaction(connection):
        connection.executemany(
            f"INSERT INTO findings ({', '.join(COLUMNS)}) VALUES ({marks})", rows
        )
