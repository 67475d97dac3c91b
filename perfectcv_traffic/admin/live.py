"""The last minutes, for the dashboard: a series over time, clients near a limit, null hot spots."""

from __future__ import annotations

import json
import re
import sqlite3
from collections import Counter
from typing import Any, NamedTuple

from perfectcv_traffic import client_identifier, ranks
from perfectcv_traffic.admin import moments
from perfectcv_traffic.admin.clients import IN_WINDOWS
from perfectcv_traffic.admin.requests import BY_TIME
from perfectcv_traffic.admin.scope import FAILED_FROM, FAILED_IN_SUMMARY, Prefix
from perfectcv_traffic.admin.windows import RateLimit
from perfectcv_traffic.summary.summary import MAX_DURATION_MS

MOST_ROWS = 20_000
"""Requests looked at; with more the series begins later and says so."""
STEPS = 60
TOP = 10
LOOKED_AT = 2_000
"""Requests, the newest, in whose answers a limit is looked for."""

_P95 = 950
_QUOTA = re.compile(r"[;,]\s*q=([0-9]{1,15})\b")
_NUMBER = re.compile(r"[0-9]{1,15}")
"""More digits are no limit, and thousands of them no number to Python."""
_REMAINING = re.compile(r"[;,]\s*r=([0-9]{1,15})\b")


class _Limit(NamedTuple):
    limit: int
    remaining: int


class _Request(NamedTuple):
    """What the index knows of a request: no row is fetched."""

    id: int
    timestamp: str
    status_code: int | None
    response_time_ms: float | None
    client: str


def live(
    connection: sqlite3.Connection, prefix: Prefix, seconds: int, now: float, rate_limit: RateLimit
) -> dict[str, Any]:
    """What happened in the last `seconds` before `now`."""
    found = _recent(connection, prefix, moments.from_epoch(now - seconds))
    return {
        "window_seconds": seconds,
        "is_complete": len(found) < MOST_ROWS,
        "requests": len(found),
        "requests_per_second": round(len(found) / _covered(found, seconds, now), 3),
        "error_rate": _share(sum(_failed(one.status_code) for one in found), len(found)),
        "p95_response_time_ms": _p95(found),
        "series": _series(found, seconds, now),
        "clients_near_limit": _near_limit(connection, found, now, rate_limit),
        "null_hot_spots": hot_spots(connection, prefix),
    }


def _covered(found: list[_Request], seconds: int, now: float) -> float:
    """The seconds that what was found is of: less than asked for if there was too much of it."""
    if len(found) < MOST_ROWS:
        return seconds
    return max(now - moments.epoch(found[-1].timestamp), 0.001)


def _recent(connection: sqlite3.Connection, prefix: Prefix, since: str) -> list[_Request]:
    """Requests since a time, the newest first."""
    outside = prefix.unmarked("path")
    cursor = connection.cursor()
    cursor.row_factory = None
    rows = cursor.execute(
        "SELECT id, timestamp, status_code, response_time_ms,"
        f" {client_identifier.SQL} FROM api_requests INDEXED BY {BY_TIME}"
        f" WHERE timestamp >= ? AND ({outside.sql}) ORDER BY timestamp DESC LIMIT ?",
        (since, *outside.values, MOST_ROWS),
    )
    return list(map(_Request._make, rows))


def _series(found: list[_Request], seconds: int, now: float) -> list[dict[str, Any]]:
    step = seconds / STEPS
    starts = [moments.from_epoch(now - seconds + index * step) for index in range(STEPS)]
    slots: list[list[_Request]] = [[] for _ in range(STEPS)]
    slot = STEPS - 1
    for request in found:  # the newest first
        while slot and request.timestamp < starts[slot]:
            slot -= 1
        slots[slot].append(request)
    return [
        {
            "start": moments.shown(start),
            "requests": len(inside),
            "by_class": _by_class(inside),
            "p95_response_time_ms": _p95(inside),
        }
        for start, inside in zip(starts, slots, strict=True)
    ]


def _by_class(found: list[_Request]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for status, count in Counter(one.status_code for one in found).items():
        counts["no response" if status is None else f"{status // 100}xx"] += count
    return dict(counts)


def hot_spots(connection: sqlite3.Connection, prefix: Prefix) -> list[dict[str, Any]]:
    """The fields that were null in the most requests, and how many of these failed."""
    outside = prefix.outside("route")
    rows = connection.execute(
        "SELECT method, route AS endpoint, source, field_path, sum(requests) AS requests,"
        " sum(occurrences) AS occurrences,"
        f" coalesce(sum(CASE WHEN {FAILED_IN_SUMMARY} THEN requests END), 0) AS errors"
        f" FROM summary_null_fields WHERE {outside.sql} GROUP BY method, route, source, field_path"
        " ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT ?",
        (*outside.values, TOP),
    )
    return [dict(row) for row in rows]


def _near_limit(
    connection: sqlite3.Connection, found: list[_Request], now: float, rate_limit: RateLimit
) -> list[dict[str, Any]]:
    """Recent clients by how much of a limit they used: the API's own, else the configured one."""
    announced = _announced_to(connection, found[:LOOKED_AT])
    uses = [_use(client, limit, "announced") for client, limit in announced.items()]
    if rate_limit.most:
        hours = rate_limit.hours_around(moments.from_epoch(now))
        busiest = Counter(one.client for one in found).most_common(TOP)
        uses += [_configured(connection, client, hours, rate_limit.most) for client, _ in busiest]
    return sorted(uses, key=lambda use: (-use["used"], use["client_identifier"]))[:TOP]


def _announced_to(connection: sqlite3.Connection, found: list[_Request]) -> dict[str, _Limit]:
    """The limit that each client was told last."""
    ids = json.dumps([one.id for one in found])
    rows = connection.execute(
        "SELECT id, rate_limit FROM api_requests WHERE id IN (SELECT value FROM json_each(?))"
        " AND rate_limit IS NOT NULL",
        (ids,),
    )
    headers = dict(map(tuple, rows))
    announced: dict[str, _Limit] = {}
    for one in found:  # the newest first
        if one.id in headers and one.client not in announced:
            limit = _announced(headers[one.id])
            if limit:
                announced[one.client] = limit
    return announced


def _configured(
    connection: sqlite3.Connection, client: str, hours: str, most: int
) -> dict[str, Any]:
    used = connection.execute(
        f"SELECT max(requests) FROM (SELECT sum(request_count) AS requests FROM {IN_WINDOWS}"
        " WHERE window_start IN (SELECT value FROM json_each(?)) AND client_identifier = ?"
        " GROUP BY endpoint)",
        (hours, client),
    ).fetchone()[0]
    return _use(client, _Limit(most, max(0, most - (used or 0))), "configured")


def _use(client: str, limit: _Limit, source: str) -> dict[str, Any]:
    return {
        "client_identifier": client,
        "limit": limit.limit,
        "remaining": limit.remaining,
        "used": round(1 - limit.remaining / limit.limit, 4),
        "source": source,
    }


def _announced(headers: str) -> _Limit | None:
    """The limit in a response's headers: RateLimit, RateLimit-Limit or X-RateLimit-Limit."""
    sent: dict[str, str] = json.loads(headers)
    quota = _QUOTA.search(sent.get("ratelimit-policy", ""))
    remaining = _REMAINING.search(sent.get("ratelimit", ""))
    if quota and remaining and int(quota[1]):
        return _Limit(int(quota[1]), min(int(remaining[1]), int(quota[1])))
    for family in ("ratelimit", "x-ratelimit"):
        limit, left = sent.get(f"{family}-limit", ""), sent.get(f"{family}-remaining", "")
        if _NUMBER.fullmatch(limit) and _NUMBER.fullmatch(left) and int(limit):
            return _Limit(int(limit), min(int(left), int(limit)))
    return None


def _p95(found: list[_Request]) -> float | None:
    times = (one.response_time_ms for one in found if one.response_time_ms is not None)
    timed = sorted(time for time in times if 0 <= time <= MAX_DURATION_MS)
    return ranks.quantile(timed, _P95) if timed else None


def _failed(status: int | None) -> bool:
    return status is None or status >= FAILED_FROM


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
