"""How many rows match a filter, as far as the roll-ups know: then none is counted."""

from __future__ import annotations

import sqlite3

from perfectcv_traffic.admin.scope import Clause, Prefix, every
from perfectcv_traffic.record import ADMIN_SCENARIO

_REQUESTS = "SELECT coalesce(sum(requests), 0) FROM summary_endpoints"
_NULLS = "SELECT coalesce(sum(occurrences), 0) FROM summary_null_fields"


def are_whole(connection: sqlite3.Connection) -> bool:
    """Whether the roll-ups count just the requests that are there: none pruned, none sampled."""
    return _counts_all(connection, "api_requests", _REQUESTS)


def by_outcome(connection: sqlite3.Connection, prefix: Prefix, outcome: list[Clause]) -> int:
    """Requests with a method, status or kind of token."""
    route, values = prefix.inside("route")
    where = every([*outcome, Clause(f"scenario <> ? OR NOT ({route})", (ADMIN_SCENARIO, *values))])
    return _value(connection, f"{_REQUESTS} WHERE {where.sql}", where)


def by_token(connection: sqlite3.Connection, prefix: Prefix, masked: str) -> int:
    """Requests with this masked token."""
    where = every([Clause("client_identifier = ?", (masked,)), prefix.outside("endpoint")])
    total = "SELECT coalesce(sum(request_count), 0) FROM rate_limit_tracking"
    return _value(connection, f"{total} WHERE {where.sql}", where)


def nulls(connection: sqlite3.Connection, prefix: Prefix, source: str | None) -> int | None:
    """Null values in requests or responses; None if the roll-ups cannot say."""
    if not _counts_all(connection, "null_value_logs", _NULLS):
        return None
    where = every([prefix.outside("route")] + ([Clause("source = ?", (source,))] if source else []))
    return _value(connection, f"{_NULLS} WHERE {where.sql}", where)


def _counts_all(connection: sqlite3.Connection, table: str, counted: str) -> bool:
    # Ids have no gaps but for what was pruned, which may be anywhere: of a merged database the
    # oldest rows are not those with the lowest ids, and a client's are everywhere.
    sql = (
        f"SELECT coalesce((SELECT max(id) FROM {table}) - (SELECT min(id) FROM {table}) + 1, 0)"
        f" = ({counted}) AND NOT EXISTS (SELECT 1 FROM store_meta WHERE name = 'pruned')"
    )
    return bool(connection.execute(sql).fetchone()[0])


def _value(connection: sqlite3.Connection, sql: str, where: Clause) -> int:
    return int(connection.execute(sql, where.values).fetchone()[0])
