"""What is left of a row that is deleted: what tells its line, if it is read again, from a new one.

A log that lost its tail, or is put back, is read from its beginning once more. Of a record with an
id the id is kept, of any other the digest that `counted` keeps of lines without rows.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from perfectcv_traffic.log.native import NULL, StoredForm
from perfectcv_traffic.record import TrafficLog, fields
from perfectcv_traffic.store import counted, digests

COLUMNS = tuple(field.name for field in fields())
"""Those of every model come first. A line without an id is of another program's log, which has no
more."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Ids, and by log the offset and digest of each row that has none."""

    ids: list[str]
    digests: dict[int, list[tuple[int, bytes]]]

    def keep(self, connection: sqlite3.Connection) -> None:
        """Keep them, once the rows are gone, within the caller's transaction."""
        counted.count(connection, set(self.ids) - counted.known(connection, self.ids))
        for log_id, found in self.digests.items():
            digests.insert(connection, log_id, found)


def of_rows(connection: sqlite3.Connection, ids: str) -> Traces:
    """The traces of rows, their ids as a list in SQL."""
    columns = ", ".join(COLUMNS)
    query = (
        f"SELECT event_id, log_file_id, log_offset, {columns} FROM api_requests WHERE id IN ({ids})"
    )
    event_ids, digests = [], defaultdict(list)
    for event_id, log_id, offset, *values in connection.execute(query):
        if event_id:
            event_ids.append(event_id)
        else:
            digests[log_id].append((offset, digest_of(offset, values)))
    return Traces(event_ids, digests)


def digest(offset: int, record: TrafficLog, form: StoredForm) -> bytes:
    """What is kept of the row of a record that was read at an offset."""
    return digest_of(offset, form.row(record)[: len(COLUMNS)])


def digest_of(offset: int, values: Sequence[Any]) -> bytes:
    """The same of the row itself: its `COLUMNS`."""
    return digests.digest(offset, [NULL if value is None else value for value in values])
