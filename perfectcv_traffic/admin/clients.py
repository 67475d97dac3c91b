"""The queries behind `/admin/rate-limits`: the busiest clients, and the endpoints of one.

The clients come in the order of an index over their totals, so only those of the page are looked
at, however many there are. A client's endpoints are found by hopping from one to the next in an
index, however many windows it was seen in.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from perfectcv_traffic.admin.scope import Prefix
from perfectcv_traffic.admin.windows import RateLimit

_MARGIN = 50
"""Clients looked at beyond the page at first: so many may have called the admin endpoints."""


class Client(NamedTuple):
    """One client over all windows; blocked when it was in the last window it was seen in."""

    client_identifier: str
    total_requests: int
    endpoints_accessed: int
    last_request: str | None
    is_blocked: bool


class ClientEndpoint(NamedTuple):
    """One endpoint that a client requested; blocked when it was in the last window of these."""

    endpoint: str
    total_requests: int
    windows: int
    last_request: str | None
    is_blocked: bool


def busiest(
    connection: sqlite3.Connection, prefix: Prefix, limit: int, offset: int, rate_limit: RateLimit
) -> list[Client]:
    """A page of all clients, those with the most requests first."""
    page = _page(connection, prefix, limit, offset)
    names = [client.client_identifier for client in page]
    counts = _endpoint_counts(connection, prefix, names)
    blocked = _blocked(connection, page, prefix, rate_limit)
    return [
        client._replace(endpoints_accessed=counts[name], is_blocked=name in blocked)
        for name, client in zip(names, page, strict=True)
    ]


def _page(connection: sqlite3.Connection, prefix: Prefix, limit: int, offset: int) -> list[Client]:
    """The clients of a page, without their endpoints; blocked if ever refused.

    Those that called the admin endpoints are counted again without these calls; then they are
    further down, or gone. All others stay in the order of the index, from which only those are
    read that can be on the page: as many before it as there were callers.
    """
    callers = _callers(connection, prefix, offset + limit)
    before = max(0, offset - len(callers))
    # As digits: a name may have U+0000 in it, which ends a text in SQLite's JSON.
    digits = json.dumps([name.encode().hex().upper() for name in callers])
    others = connection.execute(_OTHERS, (digits, limit + offset - before, before))
    found = [(-total, name, last, refused) for name, total, last, refused in others]
    found += _without_admin(connection, callers, prefix)
    return [
        Client(name, -negative, 0, last, is_blocked=bool(refused))
        for negative, name, last, refused in sorted(found)[offset - before :][:limit]
    ]


def _callers(connection: sqlite3.Connection, prefix: Prefix, wanted: int) -> list[str]:
    """Clients that called the admin endpoints, of the busiest so many and themselves."""
    inside = prefix.inside("endpoint")
    count = wanted + _MARGIN
    while True:
        rows = connection.execute(_CALLERS.format(inside.sql), (count, *inside.values)).fetchall()
        # A caller further down than that has at least so many others before it.
        if len(rows) <= count - wanted:
            return [row[0] for row in rows]
        count = wanted + 2 * len(rows)


def _without_admin(
    connection: sqlite3.Connection, names: Iterable[str], prefix: Prefix
) -> Iterator[tuple[int, str, str, int]]:
    """As `_page` sorts them, clients that also made other requests."""
    outside = prefix.outside("endpoint")
    sql = (
        f"SELECT sum(request_count), max(last_request), max(is_blocked) FROM {_OF_CLIENT}"
        f" WHERE client_identifier = ? AND ({outside.sql})"
    )
    for name in names:
        total, last, refused = connection.execute(sql, (name, *outside.values)).fetchone()
        if total:
            yield -total, name, last or "", refused


def _endpoint_counts(
    connection: sqlite3.Connection, prefix: Prefix, names: list[str]
) -> dict[str, int]:
    """How many endpoints each of these clients requested."""
    if not names:
        return {}
    outside, given = prefix.outside("endpoint"), ", ".join(["(?)"] * len(names))
    counted = f"SELECT name, sum({outside.sql}) FROM hop WHERE endpoint IS NOT NULL GROUP BY name"
    found = connection.execute(f"{_ENDPOINTS.format(given)} {counted}", (*names, *outside.values))
    return dict(found.fetchall())


def _blocked(
    connection: sqlite3.Connection, page: Iterable[Client], prefix: Prefix, rate_limit: RateLimit
) -> set[str]:
    """The clients that were blocked in the last window they were seen in.

    Only those are looked up that were refused at some time, or made too many requests in all.
    """
    outside = prefix.outside("endpoint")
    sql = (
        f"SELECT max(blocked) FROM (SELECT {_IS_BLOCKED} AS blocked FROM (SELECT"
        f" sum(request_count) AS requests, max(is_blocked) AS refused FROM {IN_WINDOWS}"
        " WHERE window_start IN (SELECT value FROM json_each(?)) AND client_identifier = ?"
        f" AND ({outside.sql}) GROUP BY endpoint))"
    )
    blocked = set()
    for client in page:
        if not client.is_blocked and not 0 < rate_limit.most < client.total_requests:
            continue
        name, hours = client.client_identifier, rate_limit.hours_around(client.last_request)
        values = (rate_limit.most, rate_limit.most, hours, name, *outside.values)
        if connection.execute(sql, values).fetchone()[0]:
            blocked.add(name)
    return blocked


def endpoints(
    connection: sqlite3.Connection,
    prefix: Prefix,
    limit: int,
    offset: int,
    *,
    client: str,
    rate_limit: RateLimit,
) -> list[ClientEndpoint]:
    """The endpoints that one client requested, the busiest first."""
    outside = prefix.outside("endpoint")
    # With a single max() the other columns are of the row that has it: of the last window.
    rows = connection.execute(
        f"SELECT endpoint, sum(requests), count(*), last, {_IS_BLOCKED}, max(window) FROM (SELECT"
        f" endpoint, {rate_limit.window} AS window, sum(request_count) AS requests,"
        f" max(last_request) AS last, max(is_blocked) AS refused FROM {_OF_CLIENT}"
        f" WHERE client_identifier = ? AND ({outside.sql}) GROUP BY endpoint, 2)"
        " GROUP BY endpoint ORDER BY 2 DESC, 1 LIMIT ? OFFSET ?",
        (rate_limit.most, rate_limit.most, client, *outside.values, limit, offset),
    )
    return [
        ClientEndpoint(name, total, windows, last, is_blocked=bool(blocked))
        for name, total, windows, last, blocked, _ in rows
    ]


IN_WINDOWS = (
    "rate_limit_tracking INDEXED BY rate_limit_tracking_window_start_client_identifier_endpoint"
)
_IS_BLOCKED = "refused OR (? > 0 AND requests > ?)"
"""The API said so itself (429), or the configured limit is exceeded; 0 configures none."""

_OF_CLIENT = "rate_limit_tracking INDEXED BY rate_limit_tracking_client_identifier_endpoint"
_BUSIEST = (
    "FROM summary_clients INDEXED BY summary_clients_request_count_client_identifier"
    "{} ORDER BY request_count DESC, client_identifier LIMIT ?"
)
_CALLERS = (
    f"SELECT client_identifier FROM (SELECT client_identifier {_BUSIEST.format('')}) busiest"
    f" WHERE EXISTS (SELECT 1 FROM {_OF_CLIENT}"
    " WHERE client_identifier = busiest.client_identifier AND ({}))"
)
_OTHERS = (
    "SELECT client_identifier, request_count, last_request, is_blocked "
    + _BUSIEST.format(" WHERE hex(client_identifier) NOT IN (SELECT value FROM json_each(?))")
    + " OFFSET ?"
)
_HOP = f"(SELECT min(endpoint) FROM {_OF_CLIENT} WHERE client_identifier = name AND endpoint {{}})"
_FIRST, _NEXT = _HOP.format(">= ''"), _HOP.format("> hop.endpoint")
_ENDPOINTS = (
    "WITH RECURSIVE clients(name) AS (VALUES {}),"
    f" hop(name, endpoint) AS (SELECT name, {_FIRST} FROM clients"
    f" UNION ALL SELECT name, {_NEXT} FROM hop WHERE endpoint IS NOT NULL)"
)
