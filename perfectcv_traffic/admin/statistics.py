"""The numbers behind `/admin/request-stats` and `/admin/metrics`, from the summary table alone."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from perfectcv_traffic import sketch
from perfectcv_traffic.admin.gate import SCENARIO
from perfectcv_traffic.admin.scope import Clause, Prefix, every

QUANTILES = (0.5, 0.95, 0.99)
TOP = 10

_PAIRS = np.dtype([("bucket", "<i4"), ("count", "<i8")])


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
    groups = connection.execute(_GROUPED.format(source), where.values).fetchall()
    total, timed, duration = (sum(row[name] for row in groups) for name in _MEASURES)
    return {
        "total_requests": total,
        "by_method": _counted(groups, lambda row: row["method"]),
        "by_status_code": _counted(groups, _status),
        "by_token_validity": _counted(groups, lambda row: row["token_validity"] or "not recorded"),
        "error_count": sum(row["requests"] for row in groups if _failed(row)),
        "avg_response_time_ms": _average(timed, duration),
        **_durations(connection, source, where.values),
        "top_endpoints": _top_endpoints(groups),
    }


_MEASURES = ("requests", "timed", "duration_us")
_GROUPED = (
    "SELECT method, route, status_code, token_validity, sum(requests) AS requests,"
    " sum(timed) AS timed, sum(duration_us_sum) AS duration_us {} GROUP BY 1, 2, 3, 4"
)
_FAILED_FROM = 400


def _failed(row: sqlite3.Row) -> bool:
    return bool(row["status_code"] < 0 or row["status_code"] >= _FAILED_FROM)


def _status(row: sqlite3.Row) -> str:
    return "no response" if row["status_code"] < 0 else str(row["status_code"])


def _average(timed: int, duration_us: int) -> float | None:
    return round(duration_us / timed / 1000, 3) if timed else None


def _counted(groups: list[sqlite3.Row], key: Callable[[sqlite3.Row], str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for row in groups:
        counts[key(row)] += row["requests"]
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _top_endpoints(groups: list[sqlite3.Row]) -> list[dict[str, Any]]:
    endpoints: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for row in groups:
        endpoints[row["route"]].append(row)
    found = [_endpoint(name, rows) for name, rows in endpoints.items()]
    return sorted(found, key=lambda each: (-each["requests"], each["endpoint"]))[:TOP]


def _endpoint(name: str, rows: list[sqlite3.Row]) -> dict[str, Any]:
    requests, timed, duration = (sum(row[measure] for row in rows) for measure in _MEASURES)
    return {
        "endpoint": name,
        "requests": requests,
        "errors": sum(row["requests"] for row in rows if _failed(row)),
        "avg_response_time_ms": _average(timed, duration),
    }


def _durations(
    connection: sqlite3.Connection, source: str, values: Sequence[Any]
) -> dict[str, float | None]:
    packed = connection.execute(f"SELECT durations {source}", values)
    total = merged(row[0] for row in packed)
    return {f"p{share * 100:.0f}_response_time_ms": total.quantile(share) for share in QUANTILES}
