"""Prometheus' text format, in the names of prometheus-fastapi-instrumentator."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from perfectcv_traffic.admin.scope import Prefix
from perfectcv_traffic.admin.statistics import merged, ordinary
from perfectcv_traffic.capture.outcome import Counters

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.1, 0.5, 1.0)
FINE_BUCKETS = (
    0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0,
    7.5, 10.0, 30.0, 60.0,
)  # fmt: skip

_BY_ENDPOINT = (
    "SELECT CASE WHEN route_known THEN route ELSE 'none' END AS handler, method,"
    " CASE WHEN status_code < 0 THEN 'none' ELSE (status_code / 100) || 'xx' END AS status,"
    " requests, request_bytes, response_bytes, duration_us_sum, durations FROM summary_endpoints"
)


def text(
    connection: sqlite3.Connection, prefix: Prefix, counters: Counters, behind_bytes: int
) -> str:
    """All metrics: requests and durations since the database was made."""
    where = ordinary(prefix)
    rows = connection.execute(f"{_BY_ENDPOINT} WHERE {where.sql}", where.values).fetchall()
    lines = [
        *_requests(rows),
        *_sizes(rows, "http_request_size_bytes", "request_bytes"),
        *_sizes(rows, "http_response_size_bytes", "response_bytes"),
        *_durations(rows),
        *_metric("perfectcv_traffic_records_dropped_total", "counter", "Records lost, this process",
                 [("", counters.lost)]),
        *_metric("perfectcv_traffic_behind_bytes", "gauge", "Bytes of the log not yet stored",
                 [("", behind_bytes)]),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _requests(rows: list[sqlite3.Row]) -> Iterator[str]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for row in rows:
        counts[row["handler"], row["status"], row["method"]] += row["requests"]
    samples = [
        (_labels(handler=handler, status=status, method=method), count)
        for (handler, status, method), count in sorted(counts.items())
    ]
    yield from _metric("http_requests_total", "counter", "Requests", samples)


def _sizes(rows: list[sqlite3.Row], name: str, column: str) -> Iterator[str]:
    counts: Counter[str] = Counter()
    totals: Counter[str] = Counter()
    for row in rows:
        counts[row["handler"]] += row["requests"]
        totals[row["handler"]] += row[column]
    yield f"# HELP {name} Bytes of bodies"
    yield f"# TYPE {name} summary"
    for handler in sorted(counts):
        labels = _labels(handler=handler)
        yield f"{name}_count{{{labels}}} {counts[handler]}"
        yield f"{name}_sum{{{labels}}} {totals[handler]}"


def _durations(rows: list[sqlite3.Row]) -> Iterator[str]:
    grouped: dict[tuple[str, str], list[sqlite3.Row]] = defaultdict(list)
    for row in rows:
        grouped[row["handler"], row["method"]].append(row)
    name = "http_request_duration_seconds"
    yield f"# HELP {name} Durations, to 1 %"
    yield f"# TYPE {name} histogram"
    for (handler, method), found in sorted(grouped.items()):
        yield from _histogram(name, found, BUCKETS, _labels(handler=handler, method=method))
    name = "http_request_duration_highr_seconds"
    yield f"# HELP {name} Durations of all requests, to 1 %"
    yield f"# TYPE {name} histogram"
    yield from _histogram(name, rows, FINE_BUCKETS, "")


def _histogram(
    name: str, rows: Iterable[sqlite3.Row], buckets: Iterable[float], labels: str
) -> Iterator[str]:
    rows = list(rows)
    durations = merged(row["durations"] for row in rows)
    count = int(durations.counts.sum())
    before, own = (f"{labels}," if labels else ""), (f"{{{labels}}}" if labels else "")
    for limit in buckets:
        yield f'{name}_bucket{{{before}le="{limit:g}"}} {durations.below(limit)}'
    yield f'{name}_bucket{{{before}le="+Inf"}} {count}'
    yield f"{name}_count{own} {count}"
    yield f"{name}_sum{own} {sum(row['duration_us_sum'] for row in rows) / 1e6}"


def _metric(
    name: str, kind: str, meaning: str, samples: Iterable[tuple[str, int]]
) -> Iterator[str]:
    yield f"# HELP {name} {meaning}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield f"{name}{{{labels}}} {value}" if labels else f"{name} {value}"


def _labels(**labels: str) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
