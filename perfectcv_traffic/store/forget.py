"""A client's requests taken away at the client's wish, leaving no bytes of them in the file.

The counts by endpoint, hour, status and path stay: they say of nobody who it was. The tables that
name clients lose the client. Log files are not touched: another database that reads them has the
requests.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import MASKED_WHOLE
from perfectcv_traffic.store.database import unsaid, writing
from perfectcv_traffic.store.ingest import UPKEEP, only_ingester
from perfectcv_traffic.store.mentions import mention_of
from perfectcv_traffic.store.retention import CHUNK, delete_requests
from perfectcv_traffic.store.transactions import transaction

_NAMING_CLIENTS = (
    "rate_limit_tracking",
    "summary_clients",
    "merged_rate_limit_tracking",
    "merged_summary_clients",
)
_WITHHELD = "(deleted at the client's wish)"
_STILL_READ = (
    "database {} is being read by another program: until that ends and the database is opened once"
    " more, bytes of what was deleted are left in its files"
)


def forget(
    db: Path, clients: Sequence[str], *, notice: Callable[[str], None] = unsaid
) -> dict[str, int]:
    """Delete all requests of clients, each an address or a masked token; how many of each.

    `notice` is told who is waited for, and what could not be overwritten.
    """
    if not all(client.strip() for client in clients):  # every rejected line would have it
        raise UsageError("client '': name an address or a masked token")
    if MASKED_WHOLE in clients:
        raise UsageError(f"client {MASKED_WHOLE}: so is every short token and password recorded;"
                         " name the address")  # fmt: skip
    deleted = dict.fromkeys(clients, 0)
    with only_ingester(db, advice=UPKEEP), writing(db, notice=notice) as connection:
        # What is deleted is overwritten with zeros, in the file and in what the log takes over.
        connection.execute("PRAGMA secure_delete = ON")
        for client in clients:
            while ids := _requests_of(connection, client):
                with transaction(connection):
                    delete_requests(connection, ids)
                deleted[client] += len(ids)
            with transaction(connection):
                _forget_name(connection, client)
            _withhold_lines(connection, client)
        # Pages that were split long ago keep bytes of rows where nothing is stored any more.
        connection.execute("PRAGMA temp_store = FILE")
        connection.execute("VACUUM")
        if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
            notice(_STILL_READ.format(db))
    return deleted


def _requests_of(connection: sqlite3.Connection, client: str) -> list[int]:
    query = "SELECT id FROM api_requests WHERE client_ip = ? OR api_token = ? LIMIT ?"
    return [row[0] for row in connection.execute(query, (client, client, CHUNK))]


def _forget_name(connection: sqlite3.Connection, client: str) -> None:
    for table in _NAMING_CLIENTS:
        connection.execute(f"DELETE FROM {table} WHERE client_identifier = ?", (client,))


def _withhold_lines(connection: sqlite3.Connection, client: str) -> None:
    """Drop the text of rejected lines, which nobody could read, where it names the client."""
    is_named, last = mention_of(client), 0
    while rows := connection.execute(_LINES, (last, CHUNK)).fetchall():
        last = rows[-1][0]
        named = [(_WITHHELD, number) for number, raw in rows if is_named(raw)]
        with transaction(connection):
            connection.executemany("UPDATE rejected_lines SET raw = ? WHERE id = ?", named)


_LINES = "SELECT id, coalesce(raw, '') FROM rejected_lines WHERE id > ? ORDER BY id LIMIT ?"
