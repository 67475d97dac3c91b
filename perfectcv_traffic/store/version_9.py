"""The schema's step to version 9: sums stop where two of them still fit into 64 bits.

SQLite made a sum that outgrew them a REAL, which no reader expects. Such sums, and those above the
limit, become the limit; so do what is remembered of merged databases. A view adds up without the
limit, so its sums are floating-point numbers, exact up to 2^53.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from perfectcv_traffic.store.ddl import create_view

_LARGEST_SUM = 2**62 - 1
_REQUESTS = ("request_bytes", "response_bytes", "duration_us_sum", "duration_square_sum")
_SUMS: Mapping[str, tuple[str, ...]] = {
    "summary_requests": _REQUESTS,
    "summary_endpoints": _REQUESTS,
    "merged_summary_requests": _REQUESTS,
    "merged_summary_endpoints": _REQUESTS,
}
_ENDPOINT_STATS = """
        SELECT method, route, sum(requests) AS requests,
               sum(CASE WHEN status_code / 100 = 4 THEN requests ELSE 0 END) AS client_errors,
               sum(CASE WHEN status_code / 100 = 5 THEN requests ELSE 0 END) AS server_errors,
               round(total(duration_us_sum) / 1000.0 / nullif(sum(timed), 0), 3) AS mean_ms,
               round(max(duration_us_max) / 1000.0, 3) AS max_ms,
               CAST(total(response_bytes) AS INTEGER) AS response_bytes
        FROM summary_endpoints GROUP BY method, route ORDER BY requests DESC"""


def migrate(db: sqlite3.Connection) -> None:
    """Bring sums down to the limit; counts of requests are far from it."""
    for table, names in _SUMS.items():
        limited = ", ".join(f"{name} = min({name}, {_LARGEST_SUM})" for name in names)
        beyond = " OR ".join(f"{name} > {_LARGEST_SUM}" for name in names)
        db.execute(f"UPDATE {table} SET {limited} WHERE {beyond}")
    db.execute("DROP VIEW endpoint_stats")
    create_view(db, "endpoint_stats", _ENDPOINT_STATS)
