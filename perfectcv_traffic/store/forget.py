"""A client's requests taken away at the client's wish, leaving no bytes of them in the file.

The counts by endpoint, hour, status and path stay: they say of nobody who it was. The tables that
name clients lose the client. Log files are not touched: another database that reads them has the
requests.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from perfectcv_traffic.errors import UsageError
from perfectcv_traffic.record import MASKED_WHOLE
from perfectcv_traffic.store.database import writing
from perfectcv_traffic.store.ingest import only_ingester
from perfectcv_traffic.store.retention import CHUNK, delete_requests
from perfectcv_traffic.store.transactions import transaction

_NAMING_CLIENTS = (
    "rate_limit_tracking",
    "summary_clients",
    "merged_rate_limit_tracking",
    "merged_summary_clients",
)
_WITHHELD = "(deleted at the client's wish)"


def forget(db: Path, clients: Sequence[str]) -> dict[str, int]:
    """Delete all requests of clients, each an address or a masked token; how many of each."""
    if not all(client.strip() for client in clients):  # every rejected line would have it
        raise UsageError("client '': name an address or a masked token")
    if MASKED_WHOLE in clients:
        raise UsageError(f"client {MASKED_WHOLE}: so is every short token and password recorded;"
                         " name the address")  # fmt: skip
    deleted = dict.fromkeys(clients, 0)
    with only_ingester(db), writing(db) as connection:
        # What is deleted is overwritten with zeros, in the file and in what the log takes over.
        connection.execute("PRAGMA secure_delete = ON")
        for client in clients:
            while ids := _requests_of(connection, client):
                with transaction(connection):
                    delete_requests(connection, ids)
                deleted[client] += len(ids)
            with transaction(connection):
                _forget_name(connection, client)
        connection.execute("PRAGMA incremental_vacuum").fetchall()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return deleted


def _requests_of(connection: sqlite3.Connection, client: str) -> list[int]:
    query = "SELECT id FROM api_requests WHERE client_ip = ? OR api_token = ? LIMIT ?"
    return [row[0] for row in connection.execute(query, (client, client, CHUNK))]


def _forget_name(connection: sqlite3.Connection, client: str) -> None:
    for table in _NAMING_CLIENTS:
        connection.execute(f"DELETE FROM {table} WHERE client_identifier = ?", (client,))
    # A rejected line is text nobody could read: it goes where the client may stand in it.
    connection.execute(
        "UPDATE rejected_lines SET raw = ? WHERE instr(raw, ?) > 0", (_WITHHELD, client)
    )
