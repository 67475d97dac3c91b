"""The last minutes, for the dashboard: a series over time, clients near a limit, null hot spots."""

from __future__ import annotations

import json
import math
import re
import sqlite3
from collections import Counter
from typing import Any, NamedTuple

from perfectcv_traffic.admin import moments
from perfectcv_traffic.admin.scope import Prefix

MOST_ROWS = 20_000
"""Requests looked at; with more the series begins later and says so."""
STEPS = 60
TOP = 10

_ERROR = 400
_P95 = 0.95
_QUOTA = re.compile(r"[;,]\s*q=(\d+)")
_REMAINING = re.compile(r"[;,]\s*r=(\d+)")


class _Limit(NamedTuple):
    limit: int
    remaining: int


def live(
    connection: sqlite3.Connection, prefix: Prefix, seconds: int, now: float, rate_limit: int
) -> dict[str, Any]:
    """What happened in the last `seconds` before `now`."""
    outside = prefix.unmarked("path")
    rows = connection.execute(
        "SELECT timestamp, status_code, token_validity, response_time_ms, api_token, client_ip,"
        f" rate_limit FROM api_requests WHERE timestamp >= ? AND ({outside.sql})"
        " ORDER BY timestamp DESC LIMIT ?",
        (moments.from_epoch(now - seconds), *outside.values, MOST_ROWS),
    ).fetchall()
    return {
        "window_seconds": seconds,
        "is_complete": len(rows) < MOST_ROWS,
        "requests": len(rows),
        "requests_per_second": round(len(rows) / seconds, 3),
        "error_rate": _share(sum(map(_failed, rows)), len(rows)),
        "p95_response_time_ms": _p95([row["response_time_ms"] for row in rows]),
        "series": _series(rows, seconds, now),
        "clients_near_limit": _near_limit(connection, rows, now, rate_limit),
        "null_hot_spots": hot_spots(connection, prefix),
    }


def _series(rows: list[sqlite3.Row], seconds: int, now: float) -> list[dict[str, Any]]:
    step = seconds / STEPS
    start = now - seconds
    slots: list[list[sqlite3.Row]] = [[] for _ in range(STEPS)]
    for row in rows:
        slot = int((moments.epoch(row["timestamp"]) - start) / step)
        slots[max(0, min(slot, STEPS - 1))].append(row)
    return [
        {
            "start": moments.shown(moments.from_epoch(start + index * step)),
            "requests": len(found),
            "by_class": dict(Counter(_status_class(row["status_code"]) for row in found)),
            "p95_response_time_ms": _p95([row["response_time_ms"] for row in found]),
        }
        for index, found in enumerate(slots)
    ]


def hot_spots(connection: sqlite3.Connection, prefix: Prefix) -> list[dict[str, Any]]:
    """The fields that were null in the most requests, and how many of these failed."""
    outside = prefix.outside("route")
    rows = connection.execute(
        "SELECT method, route AS endpoint, source, field_path, sum(requests) AS requests,"
        " sum(occurrences) AS occurrences,"
        " coalesce(sum(CASE WHEN status_code >= 400 THEN requests END), 0) AS errors"
        f" FROM summary_nulls WHERE {outside.sql} GROUP BY method, route, source, field_path"
        " ORDER BY 5 DESC, 1, 2, 3, 4 LIMIT ?",
        (*outside.values, TOP),
    )
    return [dict(row) for row in rows]


def _near_limit(
    connection: sqlite3.Connection, rows: list[sqlite3.Row], now: float, rate_limit: int
) -> list[dict[str, Any]]:
    """Recent clients by how much of a limit they used: the API's own, else the configured one."""
    busiest = Counter(row["api_token"] or row["client_ip"] or "unknown" for row in rows)
    announced: dict[str, _Limit] = {}
    for row in rows:  # the newest first
        client = row["api_token"] or row["client_ip"] or "unknown"
        limit = client not in announced and row["rate_limit"] and _announced(row["rate_limit"])
        if limit:
            announced[client] = limit
    found = [_use(client, limit, "announced") for client, limit in announced.items()]
    if rate_limit:
        hour = moments.from_epoch(now)[:13]
        for client, _ in busiest.most_common(TOP):
            used = connection.execute(
                "SELECT max(request_count) FROM rate_limit_tracking"
                " WHERE client_identifier = ? AND window_start = ?",
                (client, hour),
            ).fetchone()[0]
            left = max(0, rate_limit - (used or 0))
            found.append(_use(client, _Limit(rate_limit, left), "configured"))
    return sorted(found, key=lambda use: (-use["used"], use["client_identifier"]))[:TOP]


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
        if limit.isdecimal() and left.isdecimal() and int(limit):
            return _Limit(int(limit), min(int(left), int(limit)))
    return None


def _p95(durations: list[float | None]) -> float | None:
    timed = sorted(duration for duration in durations if duration is not None)
    return timed[math.ceil(_P95 * len(timed)) - 1] if timed else None


def _failed(row: sqlite3.Row) -> bool:
    return row["status_code"] is None or row["status_code"] >= _ERROR


def _status_class(status: int | None) -> str:
    return "no response" if status is None else f"{status // 100}xx"


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
