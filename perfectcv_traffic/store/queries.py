"""What is read from the database: summary tables, recorder health, reconciliation."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from perfectcv_traffic import timestamps
from perfectcv_traffic.store import counted
from perfectcv_traffic.store.database import transaction
from perfectcv_traffic.store.schema import GENERATED_REQUESTS
from perfectcv_traffic.summary.overview import CLIENT_TOTALS, ROLLUPS
from perfectcv_traffic.summary.tables import CLIENTS, TABLES, Row, Table

TOP_CLIENTS = 1000

_IN_A_BUCKET = (
    "id >> 12 IN (WITH RECURSIVE bucket(number) AS ("
    "SELECT (SELECT min(id) FROM api_requests) >> 12 UNION ALL SELECT number + 1 FROM bucket"
    " WHERE number < (SELECT max(id) FROM api_requests) >> 12) SELECT number FROM bucket)"
)
HAS_REQUEST_ID = f"{_IN_A_BUCKET} AND request_id = ?"
"""The condition by which rows of `api_requests` are found by their request id: the index has the
ids of 4096 successive rows side by side, so each such bucket is looked into."""
REQUEST_ID_BEGINS = f"{_IN_A_BUCKET} AND request_id >= ?1 AND request_id < ?1 || char(1114111)"
"""The same for those whose request id begins so."""


@dataclass(frozen=True, slots=True)
class LineCounts:
    """What became of all lines of all logs so far."""

    lines: int
    stored: int
    duplicate: int
    rejected: int
    blank: int


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Requests of one `generate` run: sent, and found again in the database."""

    sent: int
    ingested: int
    unexpected: int = 0
    """Stored under the run's name although it never sent them."""
    pruned: int = 0
    """Stored once, and taken away since."""

    @property
    def lost(self) -> int:
        """Requests that were answered or attempted and have never been in a row."""
        return self.sent - self.ingested - self.pruned


def summary_rows(connection: sqlite3.Connection) -> dict[str, Iterable[Row]]:
    """Rows of every summary table, in the shape of `Summary.rows`."""
    return {
        table.name: connection.execute(f"SELECT {', '.join(table.columns)} FROM {table.name}")
        for table in TABLES
    }


def overview_rows(connection: sqlite3.Connection) -> dict[str, Iterable[Row]]:
    """Rows of every roll-up, without the rank: all of the log, whatever its length.

    Shaped as the summary table each comes from, less the keys that it leaves out; of the clients,
    only those with most requests.
    """
    rows: dict[str, Iterable[Row]] = {}
    for rollup in ROLLUPS:
        columns = ", ".join(name for name in rollup.table.columns if name != "rank")
        order = f" ORDER BY request_count DESC, client_identifier LIMIT {TOP_CLIENTS}"
        most = order if rollup is CLIENT_TOTALS else ""
        rows[rollup.table.name] = connection.execute(
            f"SELECT {columns} FROM {rollup.table.name}{most}"
        )
    return rows


def client_count(connection: sqlite3.Connection) -> int:
    """How many clients there were."""
    count: int = connection.execute("SELECT count(*) FROM summary_clients").fetchone()[0]
    return count


def client_windows(connection: sqlite3.Connection, clients: Sequence[str]) -> list[Row]:
    """The hours of some clients, in the shape of `tables.CLIENTS`, each client's together."""
    return connection.execute(
        f"SELECT {', '.join(CLIENTS.columns)} FROM json_each(?)"
        " CROSS JOIN rate_limit_tracking ON client_identifier = json_each.value",
        (json.dumps(list(clients)),),
    ).fetchall()


def cells(connection: sqlite3.Connection, table: Table) -> list[Row]:
    """The columns of a table, or of a part of it, of every row."""
    return connection.execute(f"SELECT {', '.join(table.columns)} FROM {table.name}").fetchall()


def top_urls(connection: sqlite3.Connection, limit: int) -> list[tuple[str, int, str]]:
    """Path, accesses and last access of the paths that were asked for most."""
    return connection.execute(
        "SELECT path, access_count, last_accessed FROM url_access_counts"
        " ORDER BY access_count DESC, path LIMIT ?",
        (limit,),
    ).fetchall()


def line_counts(connection: sqlite3.Connection) -> LineCounts:
    """Lines of all logs by what became of them."""
    columns = ("lines", "stored", "duplicate", "rejected", "blank")
    sums = ", ".join(f"coalesce(sum({name}), 0)" for name in columns)
    return LineCounts(*connection.execute(f"SELECT {sums} FROM log_files").fetchone())


def time_range(connection: sqlite3.Connection) -> tuple[str | None, str | None]:
    """Times of the first and the last request."""
    first, last = connection.execute(
        f"SELECT (SELECT min(timestamp) FROM api_requests WHERE {timestamps.IS_TIME_SQL}),"
        f" (SELECT max(timestamp) FROM api_requests WHERE {timestamps.IS_TIME_SQL})"
    ).fetchone()
    times = [one for one in (first, last, *counted.times(connection)) if one is not None]
    return min(times, default=None), max(times, default=None)


def store_generated(connection: sqlite3.Connection, rows: Iterable[Sequence[object]]) -> None:
    """Keep what `generate` sent: rows in the order of `GENERATED_REQUESTS`, from the run's id on
    to how long each took."""
    columns = [*GENERATED_REQUESTS][1:-1]
    marks = ", ".join("?" * len(columns))
    with transaction(connection):
        connection.executemany(
            f"INSERT INTO generated_requests ({', '.join(columns)}) VALUES ({marks})", rows
        )


def reconcile(connection: sqlite3.Connection, run_id: str) -> Reconciliation:
    """How many requests of a run were sent, how many of them are stored, and how many others."""
    sent, ingested, pruned = connection.execute(_SENT + " WHERE g.run_id = ?", (run_id,)).fetchone()
    (unexpected,) = connection.execute(_UNEXPECTED + " WHERE r.run_id = ?", (run_id,)).fetchone()
    return Reconciliation(sent, ingested, unexpected, pruned)


def runs(connection: sqlite3.Connection) -> list[tuple[str, int, int, int, int]]:
    """Each run of `generate`, oldest first: its id, and the figures of `Reconciliation`."""
    names = connection.execute(
        "SELECT run_id FROM generated_requests GROUP BY run_id ORDER BY min(id)"
    ).fetchall()
    found = ((name, reconcile(connection, name)) for (name,) in names)
    return [(name, one.sent, one.ingested, one.unexpected, one.pruned) for name, one in found]


_SENT: Final = (
    "SELECT count(*), count(DISTINCT r.request_id),"
    " count(*) FILTER (WHERE g.is_pruned AND r.request_id IS NULL) FROM generated_requests g"
    " LEFT JOIN api_requests r ON r.request_id = g.request_id AND r.run_id = g.run_id"
)
_UNEXPECTED: Final = (
    "SELECT count(*) - count(g.request_id) FROM api_requests r"
    " LEFT JOIN generated_requests g ON g.request_id = r.request_id AND g.run_id = r.run_id"
)
