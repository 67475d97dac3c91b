"""What the database refuses, taken out of a batch: records that it has or cannot hold."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from perfectcv_traffic.log.lines import Reject
from perfectcv_traffic.log.native import StoredForm
from perfectcv_traffic.store import counted
from perfectcv_traffic.store.batch import Batch

LineAt = Callable[[int], bytes]
"""The line that begins at an offset of the log, without its newline."""

UNSTORABLE = (OverflowError, UnicodeEncodeError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


def without_duplicates(connection: sqlite3.Connection, batch: Batch) -> Batch:
    """The batch without records whose `event_id` is stored already: a log copied or restored."""
    wanted = [record.event_id for _, record in batch.records if record.event_id]
    found = connection.execute(
        "SELECT event_id FROM api_requests WHERE event_id IN (SELECT value FROM json_each(?))",
        (json.dumps(wanted),),
    )
    seen = {row[0] for row in found} | counted.known(connection, wanted)
    fresh = []
    for offset, record in batch.records:
        if record.event_id not in seen:
            fresh.append((offset, record))
            seen |= {record.event_id} - {None}
    removed = len(batch.records) - len(fresh)
    return replace(batch, records=fresh, duplicate=batch.duplicate + removed)


def without_unstorable(
    form: StoredForm, batch: Batch, line_at: LineAt, reject: Callable[[str, bytes], Reject]
) -> Batch:
    """The batch with rejects for records that SQLite cannot hold: none of them may stop it."""
    kept = replace(batch, records=[], rejects=[*batch.rejects])
    for offset, record in batch.records:
        if problem := _problem(form.row(record)):
            line = line_at(offset)
            kept.rejects.append((offset, len(line), reject(f"unstorable:{problem}", line)))
        else:
            kept.records.append((offset, record))
    return kept


def _problem(row: list[Any]) -> str | None:
    for value in row:
        if isinstance(value, str):
            try:
                value.encode()
            except UnicodeEncodeError as error:
                return type(error).__name__
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            return "OverflowError"
        elif not isinstance(value, int | float | None):
            return type(value).__name__
    return None
