"""The queries behind the admin endpoints of nulls, paths and logins."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, NamedTuple

from perfectcv_traffic.admin import totals
from perfectcv_traffic.admin.scope import Clause, Prefix, contains, every

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
    where = every([*_nulls(path, null_type), prefix.outside("path")])
    source = f"FROM null_value_logs INDEXED BY {NULLS_BY_TIME} WHERE {where.sql}"
    total = None if path else totals.nulls(connection, prefix, _SOURCES.get(null_type or ""))
    if total is None:
        total = _value(connection, f"SELECT count(*) {source}", where.values)
    rows = connection.execute(
        f"SELECT * FROM null_value_logs WHERE id IN (SELECT id {source}"
        " ORDER BY timestamp DESC LIMIT ? OFFSET ?) ORDER BY timestamp DESC, id DESC",
        (*where.values, limit, offset),
    )
    return Listing(rows.fetchall(), total)


_SOURCES = {"request_parameter": "request", "response_field": "response"}


def _nulls(path: str | None, null_type: str | None) -> list[Clause]:
    clauses = [Clause("null_type = ?", (null_type,))] if null_type else []
    return [*clauses, contains("path", path)] if path else clauses


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


def logins(
    connection: sqlite3.Connection, limit: int, offset: int, *, uuid: str | None = None
) -> Listing:
    """Login attempts by UUID, newest first."""
    where = Clause("uuid = ?", (uuid,)) if uuid else Clause("1")
    index = "uuid_logins_uuid" if uuid else "uuid_logins_timestamp"
    total = _value(connection, f"SELECT count(*) FROM uuid_logins WHERE {where.sql}", where.values)
    rows = connection.execute(
        f"SELECT * FROM uuid_logins INDEXED BY {index} WHERE {where.sql}"
        " ORDER BY timestamp DESC, id DESC LIMIT ? OFFSET ?",
        (*where.values, limit, offset),
    )
    return Listing(rows.fetchall(), total)


def _value(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> int:
    return int(connection.execute(sql, values).fetchone()[0])
