"""The numbers behind `/admin/request-stats` and `/admin/metrics`, from the summary table alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from perfectcv_traffic import sketch
from perfectcv_traffic.admin.gate import SCENARIO
from perfectcv_traffic.admin.scope import Clause, Prefix, every

QUANTILES = (0.5, 0.95, 0.99)
TOP = 10

_PAIRS = np.dtype([("bucket", "<i4"), ("count", "<i8")])
_ERRORS = "status_code >= 400 OR status_code < 0"


class Sketch(NamedTuple):
    """Durations by bucket, in ascending order."""

    buckets: np.ndarray[Any, np.dtype[np.int64]]
    counts: np.ndarray[Any, np.dtype[np.int64]]

    def quantile(self, share: float) -> float | None:
        """The duration in ms below which this share of requests lies; None without requests."""
        if not len(self.buckets):
            return None
        rank = share * (int(self.counts.sum()) - 1)
        position = int(np.searchsorted(np.cumsum(self.counts), rank, side="right"))
        return round(_middle(int(self.buckets[position])) / 1000, 3)

    def below(self, seconds: float) -> int:
        """How many durations are at most so long, to the sketch's 1 %."""
        limit = sketch.bucket(round(seconds * 1e6))
        return int(self.counts[self.buckets <= limit].sum())


def merged(packed: Iterable[bytes]) -> Sketch:
    """One sketch of many packed ones; numpy, so that thousands take milliseconds."""
    pairs = np.frombuffer(b"".join(packed), dtype=_PAIRS)
    buckets, positions = np.unique(pairs["bucket"], return_inverse=True)
    counts = np.zeros(len(buckets), dtype=np.int64)
    np.add.at(counts, positions, pairs["count"])
    return Sketch(buckets.astype(np.int64), counts)


def _middle(bucket: int) -> float:
    """The duration in microseconds that a bucket stands for."""
    return float(2 * sketch.GAMMA**bucket / (1 + sketch.GAMMA)) if bucket > 0 else 1.0


def ordinary(prefix: Prefix) -> Clause:
    """Summary rows that do not count admin requests."""
    sql, values = prefix.inside("route")
    return Clause(f"scenario <> ? OR NOT ({sql})", (SCENARIO, *values))


def request_stats(
    connection: sqlite3.Connection, prefix: Prefix, since: str | None, until: str | None
) -> dict[str, Any]:
    """Totals, counts by method, status and endpoint, and durations.

    `since` and `until` are taken to the hour: the summary knows no less.
    """
    clauses = [ordinary(prefix)]
    if since:
        clauses.append(Clause("hour >= ?", (since[:13],)))
    if until:
        clauses.append(Clause("hour <= ?", (until[:13],)))
    where = every(clauses)
    source = f"FROM summary_requests WHERE {where.sql}"
    total, errors, timed, duration = connection.execute(
        "SELECT coalesce(sum(requests), 0),"
        f" coalesce(sum(CASE WHEN {_ERRORS} THEN requests END), 0),"
        f" coalesce(sum(timed), 0), coalesce(sum(duration_us_sum), 0) {source}",
        where.values,
    ).fetchone()
    by_status = _counted(connection, "status_code", source, where.values)
    return {
        "total_requests": total,
        "by_method": _counted(connection, "method", source, where.values),
        "by_status_code": {
            "no response" if status == "-1" else status: count
            for status, count in by_status.items()
        },
        "by_token_validity": {
            validity or "not recorded": count
            for validity, count in _counted(
                connection, "token_validity", source, where.values
            ).items()
        },
        "error_count": errors,
        "avg_response_time_ms": round(duration / timed / 1000, 3) if timed else None,
        **_durations(connection, source, where.values),
        "top_endpoints": _top_endpoints(connection, source, where.values),
    }


def _durations(
    connection: sqlite3.Connection, source: str, values: Sequence[Any]
) -> dict[str, float | None]:
    packed = connection.execute(f"SELECT durations {source}", values)
    total = merged(row[0] for row in packed)
    return {f"p{share * 100:.0f}_response_time_ms": total.quantile(share) for share in QUANTILES}


def _counted(
    connection: sqlite3.Connection, column: str, source: str, values: Sequence[Any]
) -> dict[str, int]:
    rows = connection.execute(
        f"SELECT {column}, sum(requests) {source} GROUP BY 1 ORDER BY 2 DESC, 1", values
    )
    return {str(key): count for key, count in rows}


def _top_endpoints(
    connection: sqlite3.Connection, source: str, values: Sequence[Any]
) -> list[dict[str, Any]]:
    rows = connection.execute(
        "SELECT route AS endpoint, sum(requests) AS requests,"
        f" coalesce(sum(CASE WHEN {_ERRORS} THEN requests END), 0) AS errors,"
        " sum(duration_us_sum) / 1000.0 / nullif(sum(timed), 0) AS average"
        f" {source} GROUP BY route ORDER BY requests DESC, route LIMIT ?",
        (*values, TOP),
    )
    return [
        {
            "endpoint": endpoint,
            "requests": requests,
            "errors": errors,
            "avg_response_time_ms": None if average is None else round(average, 3),
        }
        for endpoint, requests, errors, average in rows
    ]
