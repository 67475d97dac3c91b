"""How many requests match a filter, as far as the summary tables know: then no row is counted."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from perfectcv_traffic.admin.gate import SCENARIO
from perfectcv_traffic.admin.scope import (
    EACH_WINDOW,
    IN_EACH_WINDOW,
    Clause,
    Prefix,
    contains,
    every,
)


def by_outcome(connection: sqlite3.Connection, prefix: Prefix, outcome: list[Clause]) -> int | None:
    """Requests with a method, status or kind of token; None if the summary cannot say."""
    route, values = prefix.inside("route")
    ordinary = Clause(f"scenario <> ? OR NOT ({route})", (SCENARIO, *values))
    return _total(connection, "summary_requests", "requests", [*outcome, ordinary])


def by_path(connection: sqlite3.Connection, prefix: Prefix, part: str) -> int | None:
    """Requests for paths that contain the text; None if the summary cannot say."""
    clauses = [contains("path", part), prefix.outside("path")]
    return _total(connection, "url_access_counts", "access_count", clauses)


def by_token(connection: sqlite3.Connection, prefix: Prefix, masked: str) -> int | None:
    """Requests with this masked token; None if the summary cannot say."""
    if not _is_complete(connection):
        return None
    where = every([Clause("client_identifier = ?", (masked,)), prefix.outside("endpoint")])
    total = f"SELECT coalesce(sum(request_count), 0) FROM {IN_EACH_WINDOW} WHERE {where.sql}"
    return int(connection.execute(f"{EACH_WINDOW} {total}", where.values).fetchone()[0])


def _total(
    connection: sqlite3.Connection, table: str, column: str, clauses: Iterable[Clause]
) -> int | None:
    if not _is_complete(connection):
        return None
    where = every(list(clauses))
    sql = f"SELECT coalesce(sum({column}), 0) FROM {table} WHERE {where.sql}"
    return int(connection.execute(sql, where.values).fetchone()[0])


def _is_complete(connection: sqlite3.Connection) -> bool:
    """Whether the summary counts just the rows that are there: none pruned, none sampled."""
    sql = (
        "SELECT coalesce((SELECT max(id) FROM api_requests) - (SELECT min(id) FROM api_requests)"
        " + 1, 0) = (SELECT coalesce(sum(access_count), 0) FROM url_access_counts)"
    )
    return bool(connection.execute(sql).fetchone()[0])
