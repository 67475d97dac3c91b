"""The queries behind the other admin endpoints: nulls, clients, paths and logins."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from perfectcv_traffic.admin.scope import (
    EACH_WINDOW,
    IN_EACH_WINDOW,
    Clause,
    Prefix,
    contains,
    every,
)

NULLS_BY_TIME = "null_value_logs_timestamp_null_type_path"

Rows = list[sqlite3.Row]


class Listing(NamedTuple):
    """A page of rows and the number of all that match."""

    rows: Rows
    total: int


def null_logs(
    connection: sqlite3.Connection,
    prefix: Prefix,
    limit: int,
    offset: int,
    *,
    path: str | None = None,
    null_type: str | None = None,
) -> Listing:
    """Null values found in requests and responses, newest first."""
    clauses = [prefix.outside("path")]
    if path:
        clauses.append(contains("path", path))
    if null_type:
        clauses.append(Clause("null_type = ?", (null_type,)))
    where = every(clauses)
    source = f"FROM null_value_logs INDEXED BY {NULLS_BY_TIME} WHERE {where.sql}"
    total = _value(connection, f"SELECT count(*) {source}", where.values)
    rows = connection.execute(
        "SELECT n.* FROM null_value_logs n WHERE n.id IN (SELECT id"
        f" {source} ORDER BY timestamp DESC, id DESC LIMIT ? OFFSET ?)"
        " ORDER BY n.timestamp DESC, n.id DESC",
        (*where.values, limit, offset),
    )
    return Listing(rows.fetchall(), total)


def url_stats(connection: sqlite3.Connection, prefix: Prefix, limit: int) -> tuple[Rows, int, int]:
    """The most requested paths, the number of different paths, and of requests for them."""
    inside, outside = prefix.inside("path"), prefix.outside("path")
    top = connection.execute(
        "SELECT path, access_count, last_accessed FROM url_access_counts"
        f" WHERE {outside.sql} ORDER BY access_count DESC, id LIMIT ?",
        (*outside.values, limit),
    )
    rows = top.fetchall()
    everything = "SELECT count(*), coalesce(sum(access_count), 0) FROM url_access_counts"
    urls, accesses = connection.execute(everything).fetchone()
    own = connection.execute(f"{everything} WHERE {inside.sql}", inside.values).fetchone()
    return rows, urls - own[0], accesses - own[1]


def clients(
    connection: sqlite3.Connection, prefix: Prefix, limit: int, offset: int, rate_limit: int
) -> Rows:
    """Clients with their requests over all windows, the busiest first."""
    outside = prefix.outside("endpoint")
    return connection.execute(
        "SELECT client_identifier, sum(request_count) AS total_requests,"
        " count(DISTINCT endpoint) AS endpoints_accessed, max(last_request) AS last_request,"
        f" {_BLOCKED} AS is_blocked FROM rate_limit_tracking WHERE {outside.sql}"
        " GROUP BY client_identifier ORDER BY total_requests DESC, client_identifier"
        " LIMIT ? OFFSET ?",
        (rate_limit, rate_limit, *outside.values, limit, offset),
    ).fetchall()


def client_endpoints(
    connection: sqlite3.Connection,
    prefix: Prefix,
    limit: int,
    offset: int,
    *,
    client: str,
    rate_limit: int,
) -> Rows:
    """The endpoints that one client requested, the busiest first."""
    outside = prefix.outside("endpoint")
    return connection.execute(
        f"{EACH_WINDOW} SELECT endpoint, sum(request_count) AS total_requests, count(*) AS windows,"
        f" max(last_request) AS last_request, {_BLOCKED} AS is_blocked FROM {IN_EACH_WINDOW}"
        f" WHERE client_identifier = ? AND ({outside.sql}) GROUP BY endpoint"
        " ORDER BY total_requests DESC, endpoint LIMIT ? OFFSET ?",
        (rate_limit, rate_limit, client, *outside.values, limit, offset),
    ).fetchall()


def logins(
    connection: sqlite3.Connection, limit: int, offset: int, *, uuid: str | None = None
) -> Listing:
    """Login attempts by UUID, newest first."""
    where = Clause("uuid = ?", (uuid,)) if uuid else Clause("1")
    total = _value(connection, f"SELECT count(*) FROM uuid_logins WHERE {where.sql}", where.values)
    rows = connection.execute(
        f"SELECT * FROM uuid_logins WHERE {where.sql} ORDER BY id DESC LIMIT ? OFFSET ?",
        (*where.values, limit, offset),
    )
    return Listing(rows.fetchall(), total)


# The API said so itself (429), or the configured limit is exceeded in a window; 0 configures none.
_BLOCKED = "max(is_blocked OR (? > 0 AND request_count > ?))"


def _value(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> int:
    return int(connection.execute(sql, values).fetchone()[0])
