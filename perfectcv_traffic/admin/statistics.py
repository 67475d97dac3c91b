"""The numbers behind `/admin/request-stats` and `/admin/metrics`, from summary tables alone."""

from __future__ import annotations

import heapq
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from perfectcv_traffic import ranks
from perfectcv_traffic.admin.scope import FAILED_FROM, Clause, Prefix, every
from perfectcv_traffic.record import ADMIN_SCENARIO
from perfectcv_traffic.summary import sketch
from perfectcv_traffic.summary.tables import NO_MINIMUM

PERMILLES = (500, 950, 990)
TOP = 10
_ON_THE_HOUR = ":00:00.000000Z"

_PAIRS = np.dtype([("bucket", "<i4"), ("count", "<i8")])


class Sketch(NamedTuple):
    """Durations by bucket, in ascending order."""

    buckets: np.ndarray[Any, np.dtype[np.int64]]
    counts: np.ndarray[Any, np.dtype[np.int64]]

    def quantile(self, permille: int) -> float | None:
        """A quantile of the durations in ms, to the sketch's 1 %; None without requests."""
        if not len(self.buckets):
            return None
        rank = ranks.nearest(int(self.counts.sum()), permille)
        position = int(np.searchsorted(np.cumsum(self.counts), rank))
        return _middle(int(self.buckets[position])) / 1000

    def below(self, seconds: float) -> int:
        """How many durations are at most so long, to the sketch's 1 %."""
        limit = sketch.bucket(round(seconds * 1e6))
        return int(self.counts[self.buckets <= limit].sum())


def merged(packed: Iterable[bytes]) -> Sketch:
    """One sketch of many packed ones; numpy, so that thousands take milliseconds."""
    pairs = np.frombuffer(b"".join(packed), dtype=_PAIRS)
    counts = np.bincount(pairs["bucket"], weights=pairs["count"]).astype(np.int64)
    buckets = np.flatnonzero(counts)
    return Sketch(buckets, counts[buckets])


def _middle(bucket: int) -> float:
    """The duration in microseconds that a bucket stands for."""
    return float(2 * sketch.GAMMA**bucket / (1 + sketch.GAMMA)) if bucket > 0 else 1.0


def ordinary(prefix: Prefix) -> Clause:
    """Summary rows that do not count admin requests."""
    sql, values = prefix.inside("route")
    return Clause(f"scenario <> ? OR NOT ({sql})", (ADMIN_SCENARIO, *values))


def request_stats(
    connection: sqlite3.Connection, prefix: Prefix, since: str | None, until: str | None
) -> dict[str, Any]:
    """Totals, counts by method, status and endpoint, and durations.

    Hours in which any of the time lies count whole: the summary knows no less.
    """
    found = _added_up(connection, prefix, since, until)
    quantile = partial(_within, merged(found.sketches), found.extremes)
    requests, errors, timed, duration_us = (
        sum(part) for part in zip([0] * 4, *found.endpoints.values(), strict=True)
    )
    return {
        "total_requests": requests,
        "by_method": _counted(found.outcomes, lambda method, _status, _token: method),
        "by_status_code": _counted(found.outcomes, lambda _method, status, _token: _word(status)),
        "by_token_validity": _counted(
            found.outcomes, lambda _method, _status, token: token or "not recorded"
        ),
        "error_count": errors,
        "avg_response_time_ms": _average(timed, duration_us),
        **{f"p{one // 10}_response_time_ms": quantile(one) for one in PERMILLES},
        "top_endpoints": _top(found.endpoints),
    }


def _within(durations: Sketch, extremes: tuple[int, int], permille: int) -> float | None:
    """A quantile that is never outside the true extremes, as `analyze` tells it; None of none."""
    found = durations.quantile(permille)
    lowest, highest = (one / 1000 for one in extremes)
    return None if found is None else round(min(max(found, lowest), highest), 3)


Outcome = tuple[str, int, str]
"""Method, status code and token validity."""


class _Found(NamedTuple):
    """What is known of the requests in the time asked for."""

    outcomes: dict[Outcome, int]
    endpoints: dict[str, list[int]]
    """Requests, errors, timed requests and the sum of their durations, by endpoint."""
    sketches: list[bytes]
    extremes: tuple[int, int]
    """The shortest and the longest duration in microseconds."""


def _added_up(
    connection: sqlite3.Connection, prefix: Prefix, since: str | None, until: str | None
) -> _Found:
    # Added up here and in one go: a GROUP BY sorts the rows, which takes several times as long.
    outcomes: dict[Outcome, int] = {}
    endpoints: dict[str, list[int]] = {}
    sketches: list[bytes] = []
    lowest, highest = NO_MINIMUM, 0
    cells = _cells(connection, prefix, since, until)
    for method, route, status, token, *measures, durations in cells:
        requests, timed, duration_us, least, most = measures
        sketches.append(durations)
        lowest, highest = min(lowest, least), max(highest, most)
        outcome = method, status, token
        outcomes[outcome] = outcomes.get(outcome, 0) + requests
        errors = requests if status < 0 or status >= FAILED_FROM else 0
        total = endpoints.get(route)
        if total is None:
            endpoints[route] = [requests, errors, timed, duration_us]
        else:
            total[0] += requests
            total[1] += errors
            total[2] += timed
            total[3] += duration_us
    return _Found(outcomes, endpoints, sketches, (lowest, highest))


def _cells(
    connection: sqlite3.Connection, prefix: Prefix, since: str | None, until: str | None
) -> sqlite3.Cursor:
    hours = _hours(connection, since, until)
    where = every([*hours, ordinary(prefix)])
    table = "summary_requests" if hours else "summary_endpoints"
    cursor = connection.cursor()
    cursor.row_factory = None
    return cursor.execute(
        "SELECT method, route, status_code, token_validity, requests, timed, duration_us_sum,"
        f" duration_us_min, duration_us_max, durations FROM {table} WHERE {where.sql}",
        where.values,
    )


def _hours(connection: sqlite3.Connection, since: str | None, until: str | None) -> list[Clause]:
    """The hours asked for; none when all are, which the roll-up without the hour knows."""
    first, last = connection.execute(
        "SELECT (SELECT min(hour) FROM summary_hours), (SELECT max(hour) FROM summary_hours)"
    ).fetchone()
    clauses = []
    if since and since[:13] > (first or ""):
        clauses.append(Clause("hour >= ?", (since[:13],)))
    before = (until or "").removesuffix(_ON_THE_HOUR)  # any other time has begun its hour
    if before and (before <= (last or "") or first == ""):  # "": of requests without a time
        clauses.append(Clause("hour < ? AND hour > ''", (before,)))
    return clauses


def _word(status: int) -> str:
    return "no response" if status < 0 else str(status)


def _average(timed: int, duration_us: int) -> float | None:
    return round(duration_us / timed / 1000, 3) if timed else None


def _counted(outcomes: dict[Outcome, int], key: Callable[[str, int, str], str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for outcome, requests in outcomes.items():
        counts[key(*outcome)] += requests
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _top(endpoints: dict[str, list[int]]) -> list[dict[str, Any]]:
    most = heapq.nsmallest(TOP, endpoints.items(), key=lambda pair: (-pair[1][0], pair[0]))
    return [
        {
            "endpoint": route,
            "requests": requests,
            "errors": errors,
            "avg_response_time_ms": _average(timed, duration_us),
        }
        for route, (requests, errors, timed, duration_us) in most
    ]
