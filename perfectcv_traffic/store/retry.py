"""Rejected lines parsed again, by a program that may have learnt to read them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from perfectcv_traffic.log.formats import Formats, LogFormat
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.record import TrafficLog
from perfectcv_traffic.redaction import Redactor
from perfectcv_traffic.secrecy.names import REDACTED
from perfectcv_traffic.store.batch import Batch
from perfectcv_traffic.store.database import unsaid, writing
from perfectcv_traffic.store.ingest import UPKEEP, only_ingester
from perfectcv_traffic.store.insertion import Insertion
from perfectcv_traffic.store.merge_base import IS_MERGED_LOG
from perfectcv_traffic.store.prepare import Preparer
from perfectcv_traffic.store.refused import without_duplicates
from perfectcv_traffic.store.transactions import transaction

_WHOLE = f"""
    SELECT r.id, r.log_file_id, r.log_offset, r.raw, f.format, f.path
    FROM rejected_lines r JOIN log_files f ON f.id = r.log_file_id
    WHERE length(CAST(r.raw AS BLOB)) = r.length AND r.reason NOT IN ('torn', 'unterminated')
        AND NOT {IS_MERGED_LOG.format("f.path")}
    ORDER BY r.log_file_id, r.log_offset
"""
"""Lines of which everything was kept."""

_OF_MERGED = (
    "SELECT count(*) FROM rejected_lines r JOIN log_files f ON f.id = r.log_file_id"
    f" WHERE {IS_MERGED_LOG.format('f.path')}"
)


class Retried(NamedTuple):
    """What became of the rejected lines."""

    stored: int
    still_rejected: int
    of_merged: int = 0
    """Those of them that came with a merged database, and were not tried."""


class _Line(NamedTuple):
    id: int
    log_id: int
    offset: int
    raw: str
    format: str | None
    path: str


def retry_rejected(
    db: Path,
    log_format: LogFormat | None = None,
    *,
    notice: Callable[[str], None] = unsaid,
) -> Retried:
    """Store what can be read now; each log in one transaction, each line once.

    `log_format` is for logs whose format was not recognised, or changed in the middle; `notice` is
    told who is waited for. Lines that came with a merged database are left alone: they are rejected
    there still, and the next merge would bring them and, once stored there, their rows again.
    """
    form = StoredForm()
    formats = Formats(form, Redactor())
    stored = 0
    with only_ingester(db, advice=UPKEEP), writing(db, notice=notice) as connection:
        by_log: dict[int, list[tuple[_Line, TrafficLog]]] = {}
        for row in connection.execute(_WHOLE).fetchall():
            line = _Line(*row)
            if record := _parsed(line, formats, log_format):
                by_log.setdefault(line.log_id, []).append((line, record))
        preparer, insertion = Preparer(form, formats), Insertion(connection)
        for log_id, found in by_log.items():
            batch = Batch([(line.offset, record) for line, record in found])
            with transaction(connection):
                fresh = without_duplicates(connection, batch)
                insertion.insert(log_id, preparer.prepared(fresh))
                _accept(connection, log_id, [line.id for line, _ in found], fresh.duplicate)
            stored += len(fresh.records)
        left = connection.execute("SELECT count(*) FROM rejected_lines").fetchone()[0]
        of_merged = connection.execute(_OF_MERGED).fetchone()[0]
    return Retried(stored, left, of_merged)


def _parsed(line: _Line, formats: Formats, given: LogFormat | None) -> TrafficLog | None:
    data = line.raw.encode()
    if REDACTED in line.raw:  # no longer what it was
        return None
    known = given or (LogFormat(line.format) if line.format else formats.detect([data]))
    parsed = formats.parser(known).parse(data) if known else None
    if not isinstance(parsed, TrafficLog):
        return None
    parsed.request_id = parsed.request_id or f"{Path(line.path).name}@{line.offset}"
    return parsed


def _accept(connection: sqlite3.Connection, log_id: int, ids: list[int], duplicate: int) -> None:
    """Rejected lines are rejected no more: stored, but for some that were stored already."""
    marks = ", ".join(map(str, ids))
    connection.execute(f"DELETE FROM rejected_lines WHERE id IN ({marks})")
    connection.execute(
        "UPDATE log_files SET stored = stored + ?, duplicate = duplicate + ?,"
        " rejected = rejected - ? WHERE id = ?",
        (len(ids) - duplicate, duplicate, len(ids), log_id),
    )
